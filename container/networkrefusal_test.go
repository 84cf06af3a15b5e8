package container_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestNetworksRefused is what a user reads of a network that cannot be. No two are the same.
func TestNetworksRefused(t *testing.T) {
	host := hostOf(t, "6.12-root")
	veth := func(change func(n *container.Network)) []container.Network {
		n := container.Network{Type: "veth", Bridge: "br0", Address: "192.0.2.2/24", Gateway: "192.0.2.1"}
		change(&n)
		return []container.Network{n}
	}
	const m = "master"
	seen := map[string]string{}
	for _, row := range []struct {
		about    string
		networks []container.Network
		routes   []container.Route
		want     string
	}{
		{"an unknown type", []container.Network{{Type: "macvlan"}}, nil, `networks[0].type: "macvlan": want loopback, veth, ipvlan or device`},
		{"a veth without a bridge", veth(func(n *container.Network) { n.Bridge = "" }), nil, `networks[0].bridge: a veth needs a bridge of the host's`},
		{"an ipvlan without a master", []container.Network{{Type: "ipvlan"}}, nil, `networks[0].host_interface_name: an ipvlan needs an interface of the host's to stand on, its master`},
		{"an address without a length", veth(func(n *container.Network) { n.Address = "192.0.2.2" }), nil, `networks[0].address: "192.0.2.2": want an address and the length of its network, such as 192.0.2.2/24 or 2001:db8::2/64`},
		{"IPv6 where IPv4 belongs", veth(func(n *container.Network) { n.Address, n.Gateway = "2001:db8::2/64", "" }), nil, `networks[0].address: 2001:db8::2/64 is no IPv4 address: it belongs into ipv6_address`},
		{"IPv4 where IPv6 belongs", veth(func(n *container.Network) { n.IPv6Gateway = "192.0.2.1" }), nil, `networks[0].ipv6_gateway: 192.0.2.1 is no IPv6 address: it belongs into gateway`},
		{"a gateway in another network", veth(func(n *container.Network) { n.Gateway = "198.51.100.1" }), nil, `networks[0].gateway: the gateway 198.51.100.1 is in no network of the interface's addresses`},
		{"a gateway without an address", veth(func(n *container.Network) { n.Address = "" }), nil, `networks[0].gateway: there is no IPv4 address beside the gateway 192.0.2.1`},
		{"a hardware address of a group", veth(func(n *container.Network) { n.MacAddress = "01:00:5e:00:00:01" }), nil, `networks[0].mac_address: "01:00:5e:00:00:01": that is the hardware address of a group: the first byte has to be even`},
		{"a hardware address for an ipvlan", []container.Network{{Type: "ipvlan", HostInterfaceName: m, MacAddress: "02:00:00:00:00:01"}}, nil, `networks[0].mac_address: a network of the type ipvlan has none`},
		{"too small an MTU for IPv6", veth(func(n *container.Network) { n.Mtu, n.IPv6Address = 1000, "2001:db8::2/64" }), nil, `networks[0].mtu: 1000: want 1280 to 65535`},
		{"too long a name", veth(func(n *container.Network) { n.Name = "sixteen-letters-" }), nil, `networks[0].name: "sixteen-letters-" has 16 bytes, and an interface's name at most 15`},
		{"one name twice", append(veth(func(*container.Network) {}), container.Network{Type: "ipvlan", HostInterfaceName: m}), nil, `networks[1].name: eth0 is the name of networks[0] already`},
		{"a mode that there is not", []container.Network{{Type: "ipvlan:l4", HostInterfaceName: m}}, nil, `networks[0].type: "ipvlan:l4": the mode of an ipvlan is l2, l3 or l3s`},
		{"another loopback address", []container.Network{{Type: "loopback", Address: "10.0.0.1/8"}}, nil, `networks[0].address: the loopback interface has 127.0.0.1 and ::1, and no other addresses or gateways`},
		{"a device that is not said", []container.Network{{Type: "device"}}, nil, `networks[0].host_interface_name: which interface of the host's is to be moved`},
		{"a device with an address", []container.Network{{Type: "device", HostInterfaceName: "ens5", Address: "192.0.2.2/24"}}, nil, `linux.netDevices.ens5.address: a network of the type device has none`},
		{"a device in the place of lo", []container.Network{{Type: "device", HostInterfaceName: "ens5", Name: "lo"}}, nil, `linux.netDevices.ens5.name: lo is the loopback interface, which is there already`},
		{"a route to nowhere", veth(func(*container.Network) {}), []container.Route{{Gateway: "192.0.2.1"}}, `routes[0].destination: there is none: want a network such as 192.0.2.0/24, or default`},
		{"a route of two families", veth(func(*container.Network) {}), []container.Route{{Destination: "2001:db8::/32", Gateway: "192.0.2.1"}}, `routes[0]: 2001:db8::/32 and 192.0.2.1 are of two families`},
		{"a route through an interface that is not there", veth(func(*container.Network) {}), []container.Route{{Destination: "10.0.0.0/8", InterfaceName: "eth1"}}, `routes[0].interface_name: "eth1": the container has no such interface`},
		{"a route through a router that is nowhere", veth(func(*container.Network) {}), []container.Route{{Destination: "10.0.0.0/8", Gateway: "198.51.100.1"}}, `routes[0].gateway: the gateway 198.51.100.1 is in no network of the interface's addresses`},
	} {
		spec := with("/srv/root", func(s *container.Spec) { s.Networks, s.Routes = row.networks, row.routes })
		_, err := container.Compile(spec, host)
		if err == nil || err.Error() != row.want {
			t.Errorf("%s: %v\nwant %s", row.about, err, row.want)
			continue
		}
		if before, twice := seen[err.Error()]; twice {
			t.Errorf("%s and %s are refused with the same words", row.about, before)
		}
		seen[err.Error()] = row.about
	}

	// Where, and by whom.
	spec := with("/srv/root", func(s *container.Spec) { s.Networks = veth(func(*container.Network) {}) })
	spec.Namespaces.Remove(clone.NEWNET)
	host.Capabilities.Effective &^= caps.Of(caps.NET_ADMIN)
	_, err := container.Compile(spec, host)
	for _, want := range []string{
		"networks: without a network namespace the container would change the host's network",
		"networks: changing the host's network needs CAP_NET_ADMIN, which the caller does not have",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

// TestNetworksThatFail is what a user reads where only the kernel can tell.
func TestNetworksThatFail(t *testing.T) {
	nstest.AnyProcessor(t)
	s := newSite(t)
	s.do("link add br0 type bridge", "link set br0 up", "link add br1 type bridge",
		"link add m0 type veth peer name w0", "link add up0 type veth peer name w1", "link set up0 up", "link add link up0 name mac0 type macvlan")
	root := nstest.RootFS(t)
	address := container.Network{Address: "192.0.2.2/24"}
	rows := []struct {
		about  string
		module string
		n      container.Network
		routes []container.Route
		want   string
	}{
		{"no bridge", "", container.Network{Type: "veth", Bridge: "none"}, nil, `networks[0]: eth0: RTM_GETLINK(ip link show dev none): bridge, up: there is no interface none on this side: ip link lists those that there are: no such device`},
		{"a bridge that is none", "", container.Network{Type: "veth", Bridge: "up0"}, nil, `networks[0]: eth0: RTM_GETLINK(ip link show dev up0): bridge, up: up0 is no bridge: ip link add NAME type bridge makes one: invalid argument`},
		{"a bridge that is down", "", container.Network{Type: "veth", Bridge: "br1"}, nil, `networks[0]: eth0: RTM_GETLINK(ip link show dev br1): bridge, up: the bridge br1 is down: ip link set dev br1 up: network is down`},
		{"a name that is taken on the host", "", container.Network{Type: "veth", Bridge: "br0", HostInterfaceName: "m0"}, nil, `networks[0]: eth0: RTM_NEWLINK(ip link add name m0 master br0 up type veth peer name eth0 netns PID): file exists: one of the two names is taken: m0 on the host's side, or eth0 in the container`},
		{"no master", "", container.Network{Type: "ipvlan", HostInterfaceName: "none"}, nil, `networks[0]: eth0: RTM_GETLINK(ip link show dev none), up: there is no interface none on this side: ip link lists those that there are: no such device`},
		{"a master that is down", "", container.Network{Type: "ipvlan", HostInterfaceName: "m0"}, nil, `networks[0]: eth0: RTM_GETLINK(ip link show dev m0), up: the master m0 is down: ip link set dev m0 up: network is down`},
		{"lo as a master", "", container.Network{Type: "ipvlan", HostInterfaceName: "lo"}, nil, `networks[0]: eth0: RTM_GETLINK(ip link show dev lo), up: lo is the loopback interface, on which nothing can stand: invalid argument`},
		{"a master with a macvlan", "ipvlan", container.Network{Type: "ipvlan", HostInterfaceName: "up0"}, nil, `networks[0]: eth0: RTM_NEWLINK(ip link add link up0 name eth0 netns PID type ipvlan mode l2 bridge): device or resource busy: something else has taken up0: a macvlan stands on it, or it is a port of a bridge or of a bond. An interface is the master of ipvlans or of macvlans, not of both`},
		{"a device that is not there", "", container.Network{Type: "device", HostInterfaceName: "none"}, nil, `linux.netDevices.none: none: RTM_NEWLINK(ip link set dev none netns PID name none), RTM_NEWADDR of the addresses that it had, up: no such device: there is no interface none on the host's side`},
		{"a source that is somebody else's", "", container.Network{Type: "veth", Bridge: "br0", Address: address.Address}, []container.Route{{Destination: "198.51.100.0/24", Source: "192.0.2.9"}}, `routes[0]: eth0: RTM_NEWROUTE(ip -n PID route add 198.51.100.0/24 dev eth0 src 192.0.2.9): invalid argument (the kernel: Invalid prefsrc address): the source has to be an address of the container's`},
	}
	if !hasIPvlan() {
		rows = append(rows, rows[len(rows)-1])
		rows[len(rows)-1].about, rows[len(rows)-1].n, rows[len(rows)-1].routes = "a kernel without ipvlan", container.Network{Type: "ipvlan", HostInterfaceName: "up0"}, nil
		rows[len(rows)-1].want = `networks[0]: eth0: RTM_NEWLINK(ip link add link up0 name eth0 netns PID type ipvlan mode l2 bridge): operation not supported (the kernel: Unknown device type): this kernel has no ipvlan: modprobe ipvlan loads the module, if there is one`
	}
	for _, row := range rows {
		t.Run(row.about, func(t *testing.T) {
			if testing.Short() && strings.Contains(row.want, "RTM_GETLINK") {
				t.Skip("skipped: every kernel has these; not with -short")
			}
			if row.module != "" {
				nstest.Module(t, row.module)
			}
			spec := with(root, func(s *container.Spec) { s.Networks, s.Routes = []container.Network{row.n}, row.routes })
			cmd := driver(t, "run", spec, s.enter...)
			out, err := cmd.CombinedOutput()
			if got := strings.TrimSpace(string(out)); exitCode(t, err) != 200 || got != "start: "+row.want {
				t.Errorf("%v\n%s\nwant\nstart: %s", err, got, row.want)
			}
		})
	}
	// The kernel takes a network namespace apart some time after its last process has ended.
	for late := time.Now().Add(nstest.Slower(20 * time.Second)); ; time.Sleep(5 * time.Millisecond) {
		left := s.do("-o link show type veth")
		if strings.Count(left, "\n") == 4 {
			break
		}
		if time.Now().After(late) {
			t.Fatalf("left behind:\n%s", left)
		}
	}
}

// hasIPvlan reports whether the kernel has it, loaded.
func hasIPvlan() bool {
	_, err := os.Stat("/sys/module/ipvlan")
	return err == nil
}
