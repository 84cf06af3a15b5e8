package container

import (
	"fmt"
	"strings"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/ipvlan"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
	"github.com/selfcontain/runtime/rtnl"
	"github.com/selfcontain/runtime/veth"
)

// Network is an interface of a container's. It is made while the container's first process waits
// in its new network namespace, and ends with that.
//
// Where no IPv6 address is said, and none of IPv4 alone, one is found out from router
// advertisements, and so is an IPv6 gateway; a second or two later, for which nobody waits.
type Network struct {
	// Type is what it is:
	//   - "loopback": lo, which is up in any case;
	//   - "veth": a pair, whose other end is a port of a bridge;
	//   - "ipvlan": an interface on one of the host's, its master. Mode and flag may stand
	//     behind it: "ipvlan:l3", "ipvlan:l2,private";
	//   - "device": one of the host's itself, which is moved and keeps its addresses.
	Type string `json:"type"`
	// Name is that in the container; empty is "eth0", and for a device the one that it has.
	// That of a device may have a %d, which is the first number that is free.
	Name string `json:"name"`
	// Bridge is the bridge of the host's that a veth is connected with.
	Bridge string `json:"bridge"`
	// MacAddress is the hardware address of the container's end of a veth.
	MacAddress string `json:"mac_address"`
	// Address and Gateway are IPv4: an address with the length of its network, and the router
	// of the default route.
	Address string `json:"address"`
	Gateway string `json:"gateway"`
	// IPv6Address and IPv6Gateway are the same for IPv6.
	IPv6Address string `json:"ipv6_address"`
	IPv6Gateway string `json:"ipv6_gateway"`
	// Mtu, in bytes, and TxQueueLen, in packets, are those of both ends of a veth; an ipvlan
	// has no queue of its own. 0 leaves them as the kernel has them.
	Mtu        int `json:"mtu"`
	TxQueueLen int `json:"txqueuelen"`
	// HostInterfaceName is the interface on the host: the other end of a veth, where empty lets
	// the kernel find a name, the master of an ipvlan, or the device.
	HostInterfaceName string `json:"host_interface_name"`
	// HairpinMode lets the bridge send back to the container what came from it.
	HairpinMode bool `json:"hairpin_mode"`
}

// Route is a route in the container's network namespace.
type Route struct {
	// Destination is a network, "192.0.2.0/24", or "default", whose family is the gateway's.
	Destination string `json:"destination"`
	// Source is the address that packets to it have; empty lets the kernel choose.
	Source string `json:"source"`
	// Gateway is the router; empty is a network at the interface itself.
	Gateway string `json:"gateway"`
	// InterfaceName is the interface in the container; empty is the only one that there is.
	InterfaceName string `json:"interface_name"`
}

// network is a Network as it has been understood.
type network struct {
	Network
	origin     string
	kind       string
	mode, flag string
	mac        []byte
	addresses  []rtnl.Prefix
	gateways   []rtnl.Addr
}

// The types of networks.
const (
	typeLoopback = "loopback"
	typeVeth     = "veth"
	typeIPvlan   = "ipvlan"
	typeDevice   = "device"
)

// emitNetworks adds the point at which the host's side makes the networks.
func (c *compiler) emitNetworks(control prog.FD) error {
	steps, err := c.networkSteps()
	if err != nil || len(steps) == 0 {
		return err
	}
	c.b.From("networks")
	nsexec.EmitSync(c.b, control, "the host's side makes the network")
	c.plan.During = append(c.plan.During, steps)
	c.b.From("process")
	return nil
}

// networkSteps are the requests of all networks, and then those of the routes.
func (c *compiler) networkSteps() (steps []Step, err error) {
	for i := range c.networks {
		n := &c.networks[i]
		list, err := n.requests(c.parameters(n))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.origin, err)
		}
		for _, r := range list {
			steps = append(steps, Step{Action: ChangeNetwork, Path: n.Name, Request: r, Why: whyRequest(r), Origin: n.origin})
		}
	}
	for _, r := range c.routes {
		steps = append(steps, Step{Action: ChangeNetwork, Path: r.Link, Request: r.Route, Why: "a route", Origin: r.origin})
	}
	return steps, nil
}

// requests are what makes the network.
func (n *network) requests(parameters []rtnl.Sysctl) ([]rtnl.Request, error) {
	switch n.kind {
	case typeVeth:
		return veth.Config{
			Bridge: n.Bridge, HostName: n.HostInterfaceName, Name: n.Name, MAC: n.mac, MTU: n.Mtu, TxQueueLen: n.TxQueueLen,
			Hairpin: n.HairpinMode, Addresses: n.addresses, Gateways: n.gateways, Parameters: parameters,
		}.Requests(), nil
	case typeIPvlan:
		return ipvlan.Config{
			Master: n.HostInterfaceName, Name: n.Name, Mode: ipvlan.Mode(n.mode), Flag: ipvlan.Flag(n.flag), MTU: n.Mtu,
			Addresses: n.addresses, Gateways: n.gateways, Parameters: parameters,
		}.Requests()
	case typeDevice:
		return []rtnl.Request{rtnl.Device{Name: n.HostInterfaceName, NewName: n.Name, Parameters: parameters}}, nil
	}
	return nil, nil // lo is up
}

// whyRequest says in a plan what a request is good for.
func whyRequest(r rtnl.Request) string {
	switch r := r.(type) {
	case rtnl.Look:
		return "the " + r.As + ", on the host"
	case rtnl.Link:
		switch {
		case r.Kind != "":
			return "made where it belongs, under its name, in one request"
		case r.Hairpin:
			return "what comes from the container may go back to it"
		}
		return "up"
	case rtnl.Device:
		return "an interface of the host's becomes the container's"
	case rtnl.Address:
		return "static"
	case rtnl.Route:
		return "the default route"
	case rtnl.Sysctl:
		return "before it is up"
	}
	return ""
}

// parameters are the kernel parameters of the configuration that belong to the interface of a
// network: it has to be there when they are set, and not up yet.
func (c *compiler) parameters(n *network) []rtnl.Sysctl {
	var list []rtnl.Sysctl
	for _, name := range sortedKeys(c.spec.Sysctl) {
		if sysctlLink(name) == n.Name && n.kind != typeLoopback {
			list = append(list, rtnl.Sysctl{Path: sysctlPath(name), Value: c.spec.Sysctl[name]})
		}
	}
	return list
}

// ofNetwork reports whether a parameter is set where the networks are made.
func (c *compiler) ofNetwork(sysctl string) bool {
	link := sysctlLink(sysctl)
	for i := range c.networks {
		if n := &c.networks[i]; link != "" && n.Name == link && n.kind != typeLoopback {
			return true
		}
	}
	return false
}

// sysctlLink is the interface that a kernel parameter belongs to:
// net.ipv6.conf.eth0.accept_ra is one of eth0.
func sysctlLink(name string) string {
	parts := strings.Split(sysctlPath(name), "/")
	if len(parts) != 5 || parts[0] != "net" || parts[2] != "conf" && parts[2] != "neigh" {
		return ""
	}
	return parts[3]
}

// route is a Route as it has been understood.
type route struct {
	rtnl.Route
	origin string
}

// movesDevices reports whether all that there is to do is to move devices, which a namespace
// that is joined can take as well.
func (c *compiler) movesDevices() bool {
	for _, n := range c.spec.Networks {
		if n.Type != typeDevice {
			return false
		}
	}
	return len(c.spec.Networks) > 0 && len(c.spec.Routes) == 0
}

// networkPlace says what is wrong with where the networks would be.
func (c *compiler) networkPlace() string {
	switch {
	case !c.spec.Namespaces.Contains(clone.NEWNET):
		return "without a network namespace the container would change the host's network"
	case c.spec.Namespaces.PathOf(clone.NEWNET) != "" && !c.movesDevices():
		return "the network namespace is one that is joined: whoever has made it makes its network"
	}
	return ""
}
