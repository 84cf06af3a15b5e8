package container_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/ipvlan"
	"github.com/selfcontain/runtime/rtnl"
)

// ipvlanSite is a site with masters m0 to m2, each up and with a wire of its own.
func ipvlanSite(t *testing.T) *site {
	t.Helper()
	nstest.Root(t)
	nstest.Module(t, "ipvlan")
	s := newSite(t)
	for i := range 3 {
		s.do(fmt.Sprintf("link add m%d type veth peer name w%d", i, i), fmt.Sprintf("link set m%d up", i), fmt.Sprintf("link set w%d up", i))
	}
	return s
}

// TestIPvlansReachEachOther is about two containers on one master, in each mode.
func TestIPvlansReachEachOther(t *testing.T) {
	nstest.AnyProcessor(t)
	s := ipvlanSite(t)
	for i, row := range []struct {
		mode                  string
		one, other            string // IPv4
		oneSix, otherSix      string
		gateway, sixGateway   string
		wantRoute, wantRoute6 string
	}{
		{"ipvlan", "192.0.2.2/24", "192.0.2.3/24", "2001:db8::2/64", "2001:db8::3/64", "192.0.2.1", "fe80::1", "gateway=192.0.2.1", "gateway=fe80::1"},
		{"ipvlan:l3", "192.0.2.2/24", "198.51.100.3/24", "2001:db8::2/64", "2001:db8:1::3/64", "", "", "scope=link", "dev=eth0"},
		{"ipvlan:l3s,bridge", "192.0.2.2/24", "198.51.100.3/24", "2001:db8::2/64", "2001:db8:1::3/64", "", "", "scope=link", "dev=eth0"},
	} {
		t.Run(row.mode, func(t *testing.T) {
			if row.mode == "ipvlan:l3s,bridge" && testing.Short() {
				t.Skip("skipped: it is l3 with the host's netfilter in between; not with -short")
			}
			s := *s
			s.TB = t
			on := func(four, six string) *guest {
				return s.start([]container.Network{{
					Type: row.mode, HostInterfaceName: fmt.Sprintf("m%d", i), Address: four, IPv6Address: six, Mtu: 1400,
					Gateway: row.gateway, IPv6Gateway: row.sixGateway,
				}})
			}
			one, other := on(row.one, row.oneSix), on(row.other, row.otherSix)
			link := s.ipJSON(one.pid, "link show dev eth0")[0]
			mode := strings.Split(strings.TrimPrefix(row.mode+",", "ipvlan:"), ",")[0]
			if mode == "ipvlan" {
				mode = "l2"
			}
			if kind, got := at(link, "linkinfo.info_kind"), at(link, "linkinfo.info_data.mode"); kind != "ipvlan" || got != mode || fmt.Sprint(link["mtu"]) != "1400" {
				t.Errorf("eth0 is of the kind %v, mode %v, MTU %v; want ipvlan, %s, 1400", kind, got, link["mtu"], mode)
			}
			for line, want := range map[string]string{"-4 route show default": row.wantRoute, "-6 route show default": row.wantRoute6} {
				field, value, _ := strings.Cut(want, "=")
				if list := s.ipJSON(one.pid, line); len(list) != 1 || fmt.Sprint(list[0][field]) != value {
					t.Errorf("ip %s: %v, want %s", line, list, want)
				}
			}
			for _, to := range []string{row.other, row.otherSix} {
				to, _, _ = strings.Cut(to, "/")
				one.tell(reach(to))
				other.tell("timeout 60 nc -l -p 7000 -e echo hello </dev/null >/dev/null &")
				if got := one.tell("for i in $(seq 100); do timeout 60 nc " + to + " 7000 </dev/null 2>/dev/null && break; done"); got != "hello\n" {
					t.Errorf("over TCP to %s came %q", to, got)
				}
			}
		})
	}
}

// await waits until a condition holds, looking at it again after each message of the groups in a
// network namespace.
func await(t testing.TB, ns string, groups uint32, what string, holds func() bool) {
	t.Helper()
	f, err := os.Open(ns)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	events, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{NetNS: int(f.Fd()), Groups: groups})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	if deadline, ok := t.(*testing.T).Deadline(); ok {
		if err := events.SetReadDeadline(deadline.Add(-5 * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	for !holds() {
		if _, err := events.Receive(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// TestIPvlanFindsOut is about stateless autoconfiguration: a router on the master's wire advertises
// a prefix and itself, and containers take of that what their configuration says.
func TestIPvlanFindsOut(t *testing.T) {
	nstest.AnyProcessor(t)
	s := ipvlanSite(t)
	router := inNamespaces(t, syscall.CLONE_NEWNET) + "net"
	s.do("link set w0 netns " + router)
	s.in(router, "link set w0 up")
	advertise(t, s, router)

	const static = "2001:db8:1::5"
	from := func(address string, sysctl map[string]string) *guest {
		return s.start([]container.Network{{Type: "ipvlan", HostInterfaceName: "m0", IPv6Address: address}}, func(s *container.Spec) { s.Sysctl = sysctl })
	}
	everything := from("", nil)
	noRouter := from("", map[string]string{"net.ipv6.conf.eth0.accept_ra_defrtr": "0"})
	var noPrefix *guest
	if !testing.Short() { // it is what a static address says
		noPrefix = from("", map[string]string{"net.ipv6.conf.eth0.accept_ra_pinfo": "0"})
	}
	fixed := from(static+"/64", nil)

	addresses := func(g *guest) (list []string) {
		for _, i := range s.ipJSON(g.pid, "-6 address show dev eth0 scope global -tentative") {
			for _, a := range i["addr_info"].([]any) {
				if local, ok := a.(map[string]any)["local"].(string); ok { // those of other scopes are empty
					list = append(list, local)
				}
			}
		}
		return list
	}
	routed := func(g *guest) bool {
		return strings.Contains(s.in("/proc/"+g.pid+"/ns/net", "-6 route show default"), "proto ra")
	}
	groups := uint32(unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV6_ROUTE)
	for _, row := range []struct {
		about           string
		g               *guest
		address, router bool
	}{
		{"everything is found out", everything, true, true},
		{"accept_ra_defrtr is 0", noRouter, true, false},
		{"accept_ra_pinfo is 0", noPrefix, false, true},
		{"the address is static", fixed, false, true},
	} {
		if row.g == nil {
			continue
		}
		await(t, "/proc/"+row.g.pid+"/ns/net", groups, row.about, func() bool {
			return row.address && len(addresses(row.g)) > 0 || row.router && !row.address && routed(row.g)
		})
		want := 0
		if row.address {
			want = 1
		}
		got := addresses(row.g)
		if row.g == fixed {
			if len(got) != 1 || got[0] != static {
				t.Errorf("%s: %v, want %s alone", row.about, got, static)
			}
		} else if len(got) != want || want == 1 && !strings.HasPrefix(got[0], "2001:db8:1:") {
			t.Errorf("%s: addresses %v, want %d of 2001:db8:1::/64", row.about, got, want)
		}
		if routed(row.g) != row.router {
			t.Errorf("%s: a default route of the router: %v, want %v", row.about, routed(row.g), row.router)
		}
	}
	fixed.tell(reach(addresses(everything)[0]))
}

// advertise runs radvd(8) in a network namespace, on the interface w0.
func advertise(t *testing.T, s *site, ns string) {
	t.Helper()
	radvd, err := nstest.Tool("radvd")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "conf")
	text := "interface w0 {\n\tAdvSendAdvert on;\n\tMinRtrAdvInterval 3;\n\tMaxRtrAdvInterval 4;\n\tprefix 2001:db8:1::/64 { };\n};\n"
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(s.enter[0], "--net="+ns, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding && exec "+radvd+" -n -m stderr -C "+conf+" -p "+dir+"/pid")
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() //nolint:errcheck // killed
		if t.Failed() {
			t.Logf("radvd: %s", said.String())
		}
	})
}

// TestIPvlanAttach is about an interface for a network namespace that somebody else has made:
// once, and not half.
func TestIPvlanAttach(t *testing.T) {
	nstest.AnyProcessor(t)
	s := ipvlanSite(t)
	other := inNamespaces(t, syscall.CLONE_NEWNET) + "net"
	files := make([]*os.File, 2)
	for i, name := range []string{s.ns, other} {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	attach := func(parameter string) error {
		return rtnl.Within(int(files[0].Fd()), func() error {
			return ipvlan.Attach(files[1], ipvlan.Config{
				Master: "m0", Addresses: []rtnl.Prefix{{Addr: rtnl.Addr{192, 0, 2, 2}, Bits: 24}},
				Parameters: []rtnl.Sysctl{{Path: "net/ipv4/conf/eth0/" + parameter, Value: "1"}},
			})
		})
	}
	if err := attach("none"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("a parameter that there is not: %v", err)
	}
	if out := s.in(other, "link show"); strings.Contains(out, "eth0") {
		t.Errorf("left behind:\n%s", out)
	}
	if err := attach("forwarding"); err != nil {
		t.Error(err)
	}
	if out := s.in(other, "-4 -o address show dev eth0"); !strings.Contains(out, "192.0.2.2/24") {
		t.Errorf("eth0 has\n%s", out)
	}
	if err := attach("forwarding"); !errors.Is(err, unix.EEXIST) || !strings.Contains(err.Error(), "the container has an interface of that name already") {
		t.Errorf("a second time: %v", err)
	}
	// Where somebody else has the address.
	third := inNamespaces(t, syscall.CLONE_NEWNET) + "net"
	f, err := os.Open(third)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	files[1] = f
	if err := attach("forwarding"); !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), "another ipvlan of the same master has this address") {
		t.Errorf("an address that is taken: %v", err)
	}
	if out := s.in(third, "link show"); strings.Contains(out, "eth0") {
		t.Errorf("left behind:\n%s", out)
	}
}
