package container

import (
	"fmt"
	"slices"
	"strings"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/rtnl"
)

// networkRights are what the host's side needs in order to make networks.
var networkRights = [...]struct {
	cap  caps.Cap
	what string
}{
	{caps.NET_ADMIN, "changing the host's network"},
	{caps.SYS_ADMIN, "entering the container's network namespace"},
	{caps.SYS_PTRACE, "finding it, since the container's process is not dumpable"},
}

// checkNetworks understands the networks and routes, and refuses those that cannot be.
func (c *compiler) checkNetworks(wrong complaint) {
	c.networks, c.routes = nil, nil
	if len(c.spec.Networks) == 0 && len(c.spec.Routes) == 0 {
		return
	}
	if text := c.networkPlace(); text != "" {
		wrong("networks", "%s", text)
	}
	links := false
	for i, n := range c.spec.Networks {
		u := network{Network: n, origin: fmt.Sprintf("networks[%d]", i)}
		if n.Type == typeDevice && n.HostInterfaceName != "" {
			u.origin = "linux.netDevices." + n.HostInterfaceName
		}
		u.understand(wrong)
		links = links || u.kind != typeLoopback
		for _, other := range c.networks {
			if other.Name == u.Name && !strings.Contains(u.Name, "%d") {
				wrong(u.origin+".name", "%s is the name of %s already", u.Name, other.origin)
			}
			if u.HostInterfaceName != "" && other.HostInterfaceName == u.HostInterfaceName && (u.kind != typeIPvlan || other.kind != typeIPvlan) {
				wrong(u.origin+".host_interface_name", "%s is that of %s already", u.HostInterfaceName, other.origin)
			}
		}
		c.networks = append(c.networks, u)
	}
	for _, right := range networkRights {
		if links && !c.host.Capabilities.Effective.Has(right.cap) {
			wrong("networks", "%s needs %s, which the caller does not have", right.what, right.cap)
		}
	}
	for i, r := range c.spec.Routes {
		c.checkRoute(fmt.Sprintf("routes[%d]", i), r, wrong)
	}
}

// understand reads the texts of a network.
func (n *network) understand(wrong complaint) {
	n.kind, n.mode, n.flag = n.Type, "", ""
	if kind, how, ok := strings.Cut(n.Type, ":"); ok && kind == typeIPvlan {
		n.kind = kind
		n.mode, n.flag, _ = strings.Cut(how, ",")
	}
	switch n.kind {
	case typeLoopback:
		n.loopback(wrong)
		return
	case typeVeth, typeIPvlan, typeDevice:
	default:
		wrong(n.origin+".type", "%q: want loopback, veth, ipvlan or device", n.Type)
		return
	}
	n.names(wrong)
	n.properties(wrong)
	for _, f := range []struct {
		four             bool
		field            string
		address, gateway string
	}{{true, "", n.Address, n.Gateway}, {false, "ipv6_", n.IPv6Address, n.IPv6Gateway}} {
		n.family(f.four, f.field, f.address, f.gateway, wrong)
	}
}

// names checks the names of interfaces.
func (n *network) names(wrong complaint) {
	name := n.Name
	switch {
	case n.Name == "" && n.kind == typeDevice:
		n.Name = n.HostInterfaceName
		name = n.Name
	case n.Name == "":
		n.Name = "eth0"
		name = n.Name
	case n.kind == typeDevice:
		name = strings.Replace(name, "%d", "0", 1)
	}
	if n.HostInterfaceName == "" && n.kind != typeVeth {
		wrong(n.origin+".host_interface_name", "%s", map[string]string{
			typeIPvlan: "an ipvlan needs an interface of the host's to stand on, its master", typeDevice: "which interface of the host's is to be moved",
		}[n.kind])
		return
	}
	if n.HostInterfaceName != "" {
		if err := rtnl.CheckName(n.HostInterfaceName); err != nil {
			wrong(n.origin+".host_interface_name", "%v", err)
		}
	}
	switch err := rtnl.CheckName(name); {
	case err != nil:
		wrong(n.origin+".name", "%v", err)
	case name == "lo":
		wrong(n.origin+".name", "lo is the loopback interface, which is there already")
	}
}

// properties checks what belongs to one type and not to another.
func (n *network) properties(wrong complaint) {
	of := func(field string, set bool, kinds ...string) {
		if set && !slices.Contains(kinds, n.kind) {
			wrong(n.origin+"."+field, "a network of the type %s has none", n.kind)
		}
	}
	of("bridge", n.Bridge != "", typeVeth)
	of("mac_address", n.MacAddress != "", typeVeth) // an ipvlan has its master's
	of("mtu", n.Mtu != 0, typeVeth, typeIPvlan)
	of("txqueuelen", n.TxQueueLen != 0, typeVeth)
	of("hairpin_mode", n.HairpinMode, typeVeth)
	of("address", n.Address+n.Gateway+n.IPv6Address+n.IPv6Gateway != "", typeVeth, typeIPvlan) // a device keeps its own
	if n.kind == typeVeth && n.Bridge == "" {
		wrong(n.origin+".bridge", "a veth needs a bridge of the host's")
	} else if n.Bridge != "" {
		if err := rtnl.CheckName(n.Bridge); err != nil {
			wrong(n.origin+".bridge", "%v", err)
		}
	}
	if n.MacAddress != "" {
		mac, err := rtnl.ParseMAC(n.MacAddress)
		if err != nil {
			wrong(n.origin+".mac_address", "%q: %v", n.MacAddress, err)
		}
		n.mac = mac
	}
	least := 68 // RFC 791
	if n.IPv6Address != "" {
		least = 1280 // RFC 8200
	}
	if n.Mtu != 0 && (n.Mtu < least || n.Mtu > 1<<16-1) {
		wrong(n.origin+".mtu", "%d: want %d to 65535", n.Mtu, least)
	}
	if n.TxQueueLen < 0 {
		wrong(n.origin+".txqueuelen", "%d: want a number of packets", n.TxQueueLen)
	}
	if n.kind == typeIPvlan && n.mode != "" && !slices.Contains(rtnl.IPvlanModes[:], n.mode) {
		wrong(n.origin+".type", "%q: the mode of an ipvlan is l2, l3 or l3s", n.Type)
	}
	if n.kind == typeIPvlan && n.flag != "" && !slices.Contains(rtnl.IPvlanFlags[:], n.flag) {
		wrong(n.origin+".type", "%q: the flag of an ipvlan is bridge, private or vepa", n.Type)
	}
}

// family reads the address and the gateway of one family.
func (n *network) family(four bool, field, address, gateway string, wrong complaint) {
	name, other := "IPv4", "ipv6_"
	if !four {
		name, other = "IPv6", ""
	}
	bad := false
	if address != "" {
		bad = true
		switch p, err := rtnl.ParsePrefix(address); {
		case err != nil:
			wrong(n.origin+"."+field+"address", "%q: %v", address, err)
		case p.Addr.Is4() != four:
			wrong(n.origin+"."+field+"address", "%s is no %s address: it belongs into %saddress", address, name, other)
		default:
			n.addresses = append(n.addresses, p)
			bad = false
		}
	}
	if gateway == "" {
		return
	}
	g, err := rtnl.ParseAddr(gateway)
	switch {
	case err != nil:
		wrong(n.origin+"."+field+"gateway", "%q: %v", gateway, err)
		return
	case g.Is4() != four:
		wrong(n.origin+"."+field+"gateway", "%s is no %s address: it belongs into %sgateway", gateway, name, other)
		return
	}
	if !bad && (four || address != "") { // without, it is beside what is found out
		if err := rtnl.CheckGateway(g, n.addresses); err != nil {
			wrong(n.origin+"."+field+"gateway", "%v", err)
		}
	}
	n.gateways = append(n.gateways, g)
}

// loopback takes what configurations have for lo since there are containers, and nothing else:
// the kernel gives it its addresses.
func (n *network) loopback(wrong complaint) {
	if n.Name != "" && n.Name != "lo" {
		wrong(n.origin+".name", "%q: the loopback interface is lo", n.Name)
	}
	n.Name = "lo"
	ok := slices.Contains([]string{"", "127.0.0.1/0", "127.0.0.1/8"}, n.Address) && slices.Contains([]string{"", "localhost", "127.0.0.1"}, n.Gateway) &&
		slices.Contains([]string{"", "::1/128"}, n.IPv6Address) && n.IPv6Gateway == ""
	if !ok {
		wrong(n.origin+".address", "the loopback interface has 127.0.0.1 and ::1, and no other addresses or gateways")
	}
	if n.Bridge+n.MacAddress+n.HostInterfaceName != "" || n.HairpinMode || n.TxQueueLen != 0 || n.Mtu != 0 {
		wrong(n.origin+".type", "of a loopback interface nothing can be said but its name")
	}
}

// checkRoute reads a route.
func (c *compiler) checkRoute(origin string, r Route, wrong complaint) {
	u := route{Route: rtnl.Route{Link: r.InterfaceName}, origin: origin}
	n := c.networkOf(origin, &u, wrong)
	if n == nil {
		return
	}
	for _, a := range []struct {
		field, text string
		to          *rtnl.Addr
	}{{"gateway", r.Gateway, &u.Gateway}, {"source", r.Source, &u.Source}} {
		if a.text == "" {
			continue
		}
		got, err := rtnl.ParseAddr(a.text)
		if err != nil {
			wrong(origin+"."+a.field, "%q: %v", a.text, err)
			return
		}
		*a.to = got
	}
	var err error
	switch {
	case r.Destination == "":
		wrong(origin+".destination", "there is none: want a network such as 192.0.2.0/24, or default")
		return
	case r.Destination == "default" && r.Gateway == "":
		wrong(origin+".destination", "default is of the gateway's family, and there is no gateway: want 0.0.0.0/0 or ::/0")
		return
	case r.Destination == "default":
		u.To = rtnl.Everything(u.Gateway)
	default:
		if u.To, err = rtnl.ParsePrefix(r.Destination); err != nil {
			wrong(origin+".destination", "%q: %v", r.Destination, err)
			return
		}
	}
	for _, a := range []rtnl.Addr{u.Gateway, u.Source} {
		if len(a) > 0 && a.Is4() != u.To.Addr.Is4() {
			wrong(origin, "%v and %v are of two families", u.To, a)
			return
		}
	}
	own := n.addresses
	if len(u.Gateway) > 0 && (u.Gateway.Is4() || n.IPv6Address != "") && n.kind != typeDevice {
		if err := rtnl.CheckGateway(u.Gateway, own); err != nil {
			wrong(origin+".gateway", "%v", err)
		}
	}
	c.routes = append(c.routes, u)
}

// networkOf finds the network that a route goes through.
func (c *compiler) networkOf(origin string, r *route, wrong complaint) *network {
	var some []*network
	for i := range c.networks {
		if n := &c.networks[i]; n.kind != typeLoopback && (r.Link == "" || n.Name == r.Link) {
			some = append(some, n)
		}
	}
	switch {
	case len(some) == 1:
		r.Link = some[0].Name
		return some[0]
	case r.Link == "" && len(some) > 1:
		wrong(origin+".interface_name", "there are %d interfaces: which one?", len(some))
	default:
		wrong(origin+".interface_name", "%q: the container has no such interface", r.Link)
	}
	return nil
}
