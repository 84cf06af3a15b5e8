// Package ipvlan describes an interface of the kind ipvlan for a container: it has addresses of
// its own on the wire of an interface of the host's, its master, and the master's hardware
// address. Nothing else of the host's network changes, and no bridge is needed.
//
// The requests are those of package rtnl. [Config.Requests] lists them without asking anybody;
// [Attach] does them.
//
// https://docs.kernel.org/networking/ipvlan.html
package ipvlan

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/selfcontain/runtime/rtnl"
)

// Mode is at which layer the master decides where a packet goes. All ipvlans of one master have
// the mode of the one that was made last.
type Mode string

// The modes.
const (
	// L2: the container is a neighbour on the master's wire, with ARP and neighbour discovery
	// and router advertisements of its own.
	L2 Mode = "l2"
	// L3: the host routes. There is no broadcast and no multicast, so nothing is found out by
	// itself, and default routes have no gateway.
	L3 Mode = "l3"
	// L3S is L3 through the host's netfilter.
	L3S Mode = "l3s"
)

// Flag is who reaches whom. It counts for all ipvlans of a master as the mode does.
type Flag string

// The flags.
const (
	Bridge  Flag = "bridge"  // the ipvlans of a master reach each other
	Private Flag = "private" // they do not
	VEPA    Flag = "vepa"    // they do through the switch at the other end of the wire, if that sends back
)

// Config is one interface. The container and its master do not reach each other: that is how the
// kernel has it. What is not said is found out by IPv6 (stateless address autoconfiguration, RFC
// 4862): an address where there is none of IPv6, a default route where there is no gateway of
// IPv6. That takes a second or two, and nobody waits for it.
type Config struct {
	// Master is the interface of the host's.
	Master string
	// Name is that in the container; empty is "eth0".
	Name string
	Mode Mode // empty is L2
	Flag Flag // empty is Bridge
	// MTU is the largest packet in bytes, at most the master's; 0 is the master's.
	MTU int
	// Addresses are static, with the length of their networks.
	Addresses []rtnl.Prefix
	// Gateways are the routers of the default routes, at most one of a family.
	Gateways []rtnl.Addr
	// Parameters are set before it comes up, such as net/ipv6/conf/eth0/accept_ra_defrtr. They
	// count more than what follows from Addresses and Gateways.
	Parameters []rtnl.Sysctl
}

// Requests are what has to be done, in order.
func (c Config) Requests() ([]rtnl.Request, error) {
	c.usual()
	if err := c.check(); err != nil {
		return nil, err
	}
	list := []rtnl.Request{
		rtnl.Look{Name: c.Master, As: "master"},
		rtnl.Link{
			Name: c.Name, Kind: "ipvlan", On: c.Master, MTU: c.MTU,
			IPvlan: rtnl.IPvlan{Mode: string(c.Mode), Flag: string(c.Flag)},
		},
	}
	inside := rtnl.Inside{
		Link: c.Name, Addresses: c.Addresses, Gateways: c.Gateways, Parameters: c.Parameters, NoNeighbours: c.Mode != L2,
	}
	return append(list, inside.Requests()...), nil
}

// usual fills in what is not said.
func (c *Config) usual() {
	c.Name = c.name()
	if c.Mode == "" {
		c.Mode = L2
	}
	if c.Flag == "" {
		c.Flag = Bridge
	}
}

func (c *Config) name() string {
	if c.Name == "" {
		return "eth0"
	}
	return c.Name
}

func (c *Config) check() error {
	var errs []error
	if c.Master == "" {
		errs = append(errs, errors.New("ipvlan: there is no master: it takes an interface of the host's to stand on"))
	} else if err := rtnl.CheckName(c.Master); err != nil {
		errs = append(errs, fmt.Errorf("ipvlan: the master: %w", err))
	}
	if err := rtnl.CheckName(c.Name); err != nil {
		errs = append(errs, fmt.Errorf("ipvlan: %w", err))
	}
	if !slices.Contains(rtnl.IPvlanModes[:], string(c.Mode)) {
		errs = append(errs, fmt.Errorf("ipvlan: the mode %q: want l2, l3 or l3s", c.Mode))
	}
	if !slices.Contains(rtnl.IPvlanFlags[:], string(c.Flag)) {
		errs = append(errs, fmt.Errorf("ipvlan: the flag %q: want bridge, private or vepa", c.Flag))
	}
	if c.MTU < 0 {
		errs = append(errs, fmt.Errorf("ipvlan: the MTU %d: want a number of bytes, or 0 for the master's", c.MTU))
	}
	for _, g := range c.Gateways {
		if err := rtnl.CheckGateway(g, c.Addresses); err != nil && (g.Is4() || len(c.Addresses) > 0 && !c.finds(g)) {
			errs = append(errs, fmt.Errorf("ipvlan: %w", err))
		}
	}
	return errors.Join(errs...)
}

// finds reports whether the address beside a gateway may be one that is found out.
func (c *Config) finds(gateway rtnl.Addr) bool {
	return !slices.ContainsFunc(c.Addresses, func(p rtnl.Prefix) bool { return p.Addr.Is4() == gateway.Is4() })
}

// Attach makes the interface in a network namespace. The file is one of /proc/PID/ns/net, or
// what it is bound to, and stays the caller's. When it fails, what it has made is removed. It
// needs CAP_NET_ADMIN and CAP_SYS_ADMIN.
func Attach(netns *os.File, c Config) error {
	list, err := c.Requests()
	if err != nil {
		return err
	}
	sides, err := rtnl.Open(int(netns.Fd()))
	defer runtime.KeepAlive(netns) // until here, or it might be closed
	if err != nil {
		return err
	}
	defer sides.Close()
	made := false
	for _, r := range list {
		if err := sides.Do(r); err != nil {
			if made {
				err = errors.Join(err, sides.Remove(c.name()))
			}
			return err
		}
		if l, ok := r.(rtnl.Link); ok && l.Kind != "" {
			made = true
		}
	}
	return nil
}
