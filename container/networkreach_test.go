package container_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// reach is a command that ends when an address has answered. A first packet may be lost: nobody asks
// a fourth time who has an address, while the machine has other work.
func reach(address string) string {
	return "for i in $(seq 30); do ping -c 1 -W 2 " + address + " && break; done"
}

// TestVethsReachEachOther is about two containers on a bridge, and the host, which has an address
// on it; one of the two is in a user namespace. Nobody waits for an IPv6 address.
func TestVethsReachEachOther(t *testing.T) {
	nstest.AnyProcessor(t)
	s := newSite(t)
	s.do("link set lo up", "link add br0 type bridge", "link set br0 up", "address add 192.0.2.1/24 dev br0", "address add 2001:db8::1/64 dev br0 nodad")
	on := func(n int, changes ...func(*container.Spec)) *guest {
		return s.start([]container.Network{{
			Type: "veth", Bridge: "br0", Address: fmt.Sprintf("192.0.2.%d/24", n), Gateway: "192.0.2.1",
			IPv6Address: fmt.Sprintf("2001:db8::%d/64", n), IPv6Gateway: "2001:db8::1", HairpinMode: true,
		}}, changes...)
	}
	one := on(2)
	other := on(3, inUser(t), func(s *container.Spec) { s.Sysctl = map[string]string{"net.ipv6.conf.eth0.hop_limit": "63"} })
	for _, to := range []string{"192.0.2.1", "192.0.2.3", "2001:db8::1", "2001:db8::3"} {
		one.tell(reach(to))
	}
	for _, to := range []string{"192.0.2.2", "2001:db8::2"} {
		other.tell(reach(to))
		one.tell("timeout 60 nc -l -p 7000 -e echo hello </dev/null >/dev/null &")
		if got := other.tell("for i in $(seq 100); do timeout 60 nc " + to + " 7000 </dev/null 2>/dev/null && break; done"); got != "hello\n" {
			t.Errorf("over TCP to %s came %q", to, got)
		}
	}
	if got := other.tell("cat /proc/sys/net/ipv6/conf/eth0/hop_limit"); got != "63\n" {
		t.Errorf("the parameter is %q", got)
	}
	// Both ports have names that the kernel has found, and the hairpin.
	ports := s.ipJSON("", "link show master br0")
	for _, port := range ports {
		if at(port, "linkinfo.info_slave_data.hairpin") != true {
			t.Errorf("%v has no hairpin", port["ifname"])
		}
	}
	if len(ports) != 2 {
		t.Errorf("%d ports, want 2", len(ports))
	}
}

// TestDevicesMove is about interfaces of the host's that become the container's: they keep their
// addresses and are up.
func TestDevicesMove(t *testing.T) {
	nstest.AnyProcessor(t)
	s := newSite(t)
	s.do("link add p0 type veth peer name q0", "link add p1 type veth peer name q1", "link set p0 up", "link set q0 up",
		"address add 192.0.2.9/24 dev p0", "address add 192.0.2.10/25 dev p0", "address add 2001:db8::9/64 dev p0 nodad", "address add 192.0.2.11/32 scope link dev p0")
	g := s.start([]container.Network{
		{Type: "device", HostInterfaceName: "p0", Name: "data%d"},
		{Type: "device", HostInterfaceName: "p1", Name: "data%d"},
		{Type: "device", HostInterfaceName: "q1"},
	}, func(s *container.Spec) { s.Sysctl = map[string]string{"net.ipv4.conf.q1.forwarding": "1"} })
	var kept []string
	for _, i := range s.ipJSON(g.pid, "address show dev data0 scope global") {
		for _, a := range i["addr_info"].([]any) {
			if local := at(a, "local"); local != nil {
				kept = append(kept, fmt.Sprintf("%v/%v", local, at(a, "prefixlen")))
			}
		}
	}
	if got := strings.Join(kept, " "); got != "192.0.2.9/24 192.0.2.10/25 2001:db8::9/64" {
		t.Errorf("data0 has the addresses %s", got)
	}
	for name, peer := range map[string]string{"data0": "q0", "data1": "q1", "q1": "data1"} {
		link := s.ipJSON(g.pid, "link show dev "+name)
		if len(link) != 1 || !strings.Contains(fmt.Sprint(link[0]["flags"]), "UP") {
			t.Errorf("%s, the other end of %s: %v, want one that is up", name, peer, link)
		}
	}
	if out := s.do("-o link show type veth"); strings.Count(out, "\n") != 1 || !strings.Contains(out, "q0@") {
		t.Errorf("the host has\n%s", out)
	}
	if got := g.tell("cat /proc/sys/net/ipv4/conf/q1/forwarding"); got != "1\n" {
		t.Errorf("forwarding is %q", got)
	}
}

// TestDeviceJoins moves a device into a network namespace that somebody else has made.
func TestDeviceJoins(t *testing.T) {
	s := newSite(t)
	s.do("link add p0 type veth peer name q0")
	other := inNamespaces(t, clone.NEWNET.Flag()) + "net"
	g := s.start([]container.Network{{Type: "device", HostInterfaceName: "p0", Name: "eth0"}}, func(s *container.Spec) { s.Namespaces.Add(clone.NEWNET, other) })
	g.tell("ip link show dev eth0")
	if out := s.in(other, "-o link show dev eth0"); !strings.Contains(out, "eth0@") {
		t.Errorf("there is\n%s", out)
	}
}
