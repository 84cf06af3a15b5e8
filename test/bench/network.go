//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/ipvlan"
	"github.com/selfcontain/runtime/rtnl"
	"github.com/selfcontain/runtime/veth"
)

// network is the network of a container, made by package rtnl or by ip(8). The host's side is a
// network namespace of the bench's own.
type network struct {
	host     int // network namespace
	ip       string
	requests []rtnl.Request
	dir      string // of what ip is told
	attr     *os.ProcAttr
}

// addNetwork adds the rows for an ipvlan and for a veth: everything between a new network
// namespace and a default route in it.
func (t *table) addNetwork(dir string, s *spawner) error {
	ip, missing := lookPath("ip")
	host, err := newNetns()
	if err != nil {
		return err
	}
	t.atEnd = append(t.atEnd, func() error { return unix.Close(host) })
	addresses := []rtnl.Prefix{{Addr: rtnl.Addr{192, 0, 2, 2}, Bits: 24}, {Addr: rtnl.AddrOf(documentation), Bits: 64}}
	gateways := []rtnl.Addr{{192, 0, 2, 1}}
	vlan, err := ipvlan.Config{Master: "m0", Addresses: addresses, Gateways: gateways}.Requests()
	if err != nil {
		return err
	}
	pair0 := veth.Config{Bridge: "br0", Name: "eth0", Addresses: addresses, Gateways: gateways, Hairpin: true}
	pair0.HostName = "h0"
	for i, row := range []struct {
		name     string
		requests []rtnl.Request
	}{{"ipvlan", vlan}, {"veth", pair0.Requests()}} {
		n := &network{host: host, ip: ip, requests: row.requests, dir: filepath.Join(dir, "net-"+row.name), attr: s.attr()}
		p := &pair{
			section: "network of a container", name: row.name + " : ip -batch", reach: 1.5, missing: missing,
			ours: contestant{row.name, n.ours}, peer: contestant{"ip -batch " + row.name, n.theirs},
		}
		if missing == nil {
			if err := os.MkdirAll(n.dir, 0o700); err != nil {
				return err
			}
			if i == 0 {
				if err := n.prepare(); err != nil {
					return err
				}
			}
			if _, err := n.ours(); err != nil {
				p.missing = err // such as a kernel without ipvlan
			}
		}
		t.pairs = append(t.pairs, p)
	}
	return nil
}

// documentation is an address of 2001:db8::/32.
var documentation = []byte{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}

func lookPath(name string) (string, error) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH") + ":/usr/sbin:/sbin") {
		if p := filepath.Join(dir, name); unix.Access(p, unix.X_OK) == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("there is no %s: apt-get install iproute2", name)
}

// prepare makes what the host has, once: a master and a bridge.
func (n *network) prepare() error {
	const lines = "link add m0 type veth peer name w0\nlink set m0 up\nlink set w0 up\nlink add br0 type bridge\nlink set br0 up\n"
	_, err := n.batch(n.host, "host", lines)
	return err
}

// ours does the requests for a network namespace that is new.
func (n *network) ours() (took time.Duration, err error) {
	netns, err := newNetns()
	if err != nil {
		return 0, err
	}
	defer unix.Close(netns)
	err = rtnl.Within(n.host, func() error {
		begun := time.Now()
		sides, err := rtnl.Open(netns)
		if err != nil {
			return err
		}
		defer sides.Close()
		for _, r := range n.requests {
			if err := sides.Do(r); err != nil {
				return err
			}
		}
		took = time.Since(begun)
		return nil
	})
	return took, removed(netns, err)
}

// theirs has ip do what of them it can, in one call on each side: kernel parameters are not its.
func (n *network) theirs() (time.Duration, error) {
	netns, err := newNetns()
	if err != nil {
		return 0, err
	}
	defer unix.Close(netns)
	path := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), netns)
	var host, inside strings.Builder
	for _, r := range n.requests {
		_, line, found := strings.Cut(r.String(), "(ip ")
		line, _, _ = strings.Cut(line, ")")
		switch rest, within := strings.CutPrefix(line, "-n PID "); {
		case !found, strings.HasPrefix(line, "link show"):
		case within:
			fmt.Fprintln(&inside, rest)
		default:
			fmt.Fprintln(&host, strings.Replace(line, "netns PID", "netns "+path, 1))
		}
	}
	first, err := n.batch(n.host, "host", host.String())
	if err != nil {
		return 0, err
	}
	second, err := n.batch(netns, "inside", inside.String())
	return first + second, removed(netns, err)
}

// removed removes the interface, and of a veth both ends: its name and its address are the next
// one's. By itself it would go in the background.
func removed(netns int, err error) error {
	if err != nil {
		return err
	}
	c, err := rtnl.DialIn(netns)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Remove("eth0")
}

// batch has ip do lines in a network namespace.
func (n *network) batch(netns int, name, lines string) (took time.Duration, err error) {
	file := filepath.Join(n.dir, name)
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		return 0, err
	}
	err = rtnl.Within(netns, func() error {
		took, err = runOnce("ip -batch", []string{n.ip, "-batch", file}, n.attr)
		return err
	})
	return took, err
}

// newNetns makes a network namespace, on a thread that ends with that.
func newNetns() (int, error) {
	type made struct {
		fd  int
		err error
	}
	done := make(chan made)
	go func() {
		runtime.LockOSThread() // and never unlocked
		err := unix.Unshare(unix.CLONE_NEWNET)
		fd := -1
		if err == nil {
			fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		done <- made{fd, err}
	}()
	m := <-done
	return m.fd, m.err
}
