// Package veth describes a pair of interfaces of the kind veth: one end is a port of a bridge on
// the host, the other one is the container's.
//
// The requests are those of package rtnl. veth(4)
package veth

import (
	"github.com/selfcontain/runtime/rtnl"
)

// Config is one pair. IPv6 is found out where it is not said, as with package ipvlan.
type Config struct {
	// Bridge is the bridge of the host's, which has to be up.
	Bridge string
	// HostName is the name of the host's end; empty lets the kernel find one.
	HostName string
	// Name is that in the container.
	Name string
	// MAC is the hardware address of the container's end; empty is one by chance.
	MAC []byte
	// MTU, in bytes, and TxQueueLen, in packets, are those of both ends: packets that only one
	// end takes are lost. 0 is the kernel's.
	MTU, TxQueueLen int
	// Hairpin lets the bridge send back to the container what it has sent to an address of the
	// host's that leads to itself.
	Hairpin bool
	// Addresses, Gateways and Parameters are those of ipvlan.Config.
	Addresses  []rtnl.Prefix
	Gateways   []rtnl.Addr
	Parameters []rtnl.Sysctl
}

// Requests are what has to be done, in order.
func (c Config) Requests() []rtnl.Request {
	list := []rtnl.Request{
		rtnl.Look{Name: c.Bridge, As: "bridge", Kind: "bridge"},
		// Both ends at once, each where it belongs, and the host's a port of the bridge.
		rtnl.Link{
			Name: c.HostName, Kind: "veth", MTU: c.MTU, TxQueueLen: c.TxQueueLen, Bridge: c.Bridge, Up: true,
			Peer: &rtnl.Link{Name: c.Name, MAC: c.MAC, MTU: c.MTU, TxQueueLen: c.TxQueueLen},
		},
	}
	if c.Hairpin {
		port := rtnl.Link{Name: c.HostName, Hairpin: true}
		if c.HostName == "" {
			port.OtherEnd = c.Name
		}
		list = append(list, port)
	}
	inside := rtnl.Inside{Link: c.Name, Addresses: c.Addresses, Gateways: c.Gateways, Parameters: c.Parameters}
	return append(list, inside.Requests()...)
}
