package selfcontain

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/ipvlan"
	"github.com/selfcontain/runtime/rtnl"
)

// SetupNetworking connects the container, which is up, with the network, from outside: an
// IPvlan interface on Master is made in it, as eth0, with its address and its default route, or
// with what router advertisements are to say. resolv.conf and hosts are written to etc, a
// directory of the machine. The container's own is upper/etc in Data, as long as nobody inside has looked for
// these files: that is where [Container.Start] has them written. Empty means that.
//
// Without DNS resolv.conf is the machine's.
func (c *Container) SetupNetworking(etc string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if etc == "" {
		etc = c.etc()
	}
	return c.failed("network", c.setupNetworking(etc))
}

// etc is /etc of the container.
func (c *Container) etc() string { return path.Join(c.config.Data, upperName, "etc") }

func (c *Container) setupNetworking(etc string) error {
	if c.config.Master == "" {
		return in("Master", errors.New("it is empty: the container has no network but lo"))
	}
	link, err := c.config.link()
	if err != nil {
		return err
	}
	if err := c.config.writeNames(etc); err != nil {
		return err
	}
	at, err := c.namespace(clone.NEWNET)
	if err != nil {
		return err
	}
	netns, err := os.Open(at)
	if err != nil {
		return err
	}
	defer netns.Close()
	return ipvlan.Attach(netns, link)
}

// link is the interface.
func (c *Config) link() (ipvlan.Config, error) {
	link := ipvlan.Config{Master: c.Master}
	if len(c.IP.IP) != 0 {
		ones, bits := c.IP.Mask.Size()
		addr := rtnl.AddrOf(c.IP.IP)
		if addr == nil || bits != 8*len(addr) {
			return link, in("IP", fmt.Errorf("%v: its mask is none of this kind of address", c.IP.IP))
		}
		link.Addresses = []rtnl.Prefix{{Addr: addr, Bits: ones}}
	}
	if c.GW != nil {
		link.Gateways = []rtnl.Addr{rtnl.AddrOf(c.GW)}
	}
	_, err := link.Requests()
	return link, err
}

// writeNames writes what the resolver reads. resolv.conf(5), hosts(5)
func (c *Config) writeNames(etc string) error {
	// Who was in the container may have put a link there.
	dir, err := unix.Open(etc, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: etc, Err: err}
	}
	defer unix.Close(dir)
	var resolv []byte
	if len(c.DNS) == 0 {
		resolv, err = os.ReadFile("/etc/resolv.conf")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	for name, text := range map[string]string{"resolv.conf": string(resolv) + resolvers(c.DNS), "hosts": c.hosts()} {
		if err := replace(dir, name, text); err != nil {
			return &os.PathError{Op: "write", Path: path.Join(etc, name), Err: err}
		}
	}
	return nil
}

// resolvers are lines of resolv.conf(5).
func resolvers(servers []net.IP) string {
	var b strings.Builder
	for _, ip := range servers {
		fmt.Fprintf(&b, "nameserver %v\n", ip)
	}
	return b.String()
}

// hosts is hosts(5): the container itself has its address, if that is known.
func (c *Config) hosts() string {
	own := "127.0.1.1"
	if len(c.IP.IP) != 0 {
		own = c.IP.IP.String()
	}
	return fmt.Sprintf("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n%s\t%s\n", own, c.Name)
}

// replace makes a file of a directory, in the place of whatever is there: a link of
// somebody's is not followed.
func replace(dir int, name, text string) error {
	const beside = ".selfcontain"
	if err := unix.Unlinkat(dir, beside, 0); err != nil && !errors.Is(err, unix.ENOENT) {
		return err
	}
	fd, err := unix.Openat(dir, beside, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), name)
	_, err = f.WriteString(text)
	if err == nil {
		err = unix.Fchmod(fd, 0o644) // whatever the umask is
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return unix.Renameat(dir, beside, dir, name)
}
