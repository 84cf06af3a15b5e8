package rtnl

import (
	"golang.org/x/sys/unix"
)

// Route is a route of the container's, in its main table. RTM_NEWROUTE, ip-route(8)
type Route struct {
	// To is where it leads. Its network counts, and with 0 bits it is the default route of
	// the family.
	To Prefix
	// Gateway is the router; none means that the network is at the interface itself.
	Gateway Addr
	// Link is the interface.
	Link string
	// Source is the address that packets have which the container sends there.
	Source Addr
}

// String is the request as ip(8) is told.
func (r Route) String() string {
	text := "RTM_NEWROUTE(ip -n PID route add "
	switch {
	case r.To.Bits > 0:
		text += r.To.network().String()
	case r.To.Addr.Is4() || !r.Gateway.isZero():
		text += "default"
	default:
		text = "RTM_NEWROUTE(ip -n PID -6 route add default"
	}
	if !r.Gateway.isZero() {
		text += " via " + r.Gateway.String()
	}
	text += " dev " + r.Link
	if !r.Source.isZero() {
		text += " src " + r.Source.String()
	}
	return text + ")"
}

func (a Addr) isZero() bool { return len(a) == 0 }

func (r Route) message(k known) (*message, error) {
	index, err := k.index(r.Link, true)
	if err != nil {
		return nil, err
	}
	// struct rtmsg of rtnetlink(7): family, lengths of destination and source, type of
	// service, table, protocol, scope, type, flags
	body := make([]byte, unix.SizeofRtMsg)
	body[0], body[1] = family(r.To.Addr), uint8(r.To.Bits)
	body[4], body[5], body[6], body[7] = unix.RT_TABLE_MAIN, unix.RTPROT_STATIC, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST
	if r.Gateway.isZero() && r.To.Addr.Is4() {
		body[6] = unix.RT_SCOPE_LINK
	}
	m := begin(unix.RTM_NEWROUTE, unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL, body)
	if r.To.Bits > 0 {
		m.attr(unix.RTA_DST, r.To.network().Addr)
	}
	if !r.Gateway.isZero() {
		m.attr(unix.RTA_GATEWAY, r.Gateway)
	}
	if !r.Source.isZero() {
		m.attr(unix.RTA_PREFSRC, r.Source)
	}
	m.uint32(unix.RTA_OIF, index)
	return m, nil
}

// Everything is all addresses of the family that an address is of: where a default route leads.
func Everything(a Addr) Prefix { return Prefix{Addr: make(Addr, len(a))} }
