package rtnl

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Address gives an address to an interface of the container's. RTM_NEWADDR, ip-address(8)
type Address struct {
	Link   string
	Prefix Prefix
	// Optimistic lets an IPv6 address be used while the kernel still finds out whether
	// somebody else has it. The kernel takes it for nothing unless optimistic_dad of the
	// interface is 1. RFC 4429
	Optimistic bool
}

// String is the request as ip(8) is told.
func (a Address) String() string {
	text := "RTM_NEWADDR(ip -n PID address add " + a.Prefix.String() + " dev " + a.Link
	if a.Optimistic {
		text += " optimistic"
	}
	return text + ")"
}

func (a Address) message(k known) (*message, error) {
	index, err := k.index(a.Link, true)
	if err != nil {
		return nil, err
	}
	// struct ifaddrmsg of rtnetlink(7): family, length of the prefix, flags, scope, index
	body := make([]byte, unix.SizeofIfAddrmsg)
	body[0], body[1] = family(a.Prefix.Addr), uint8(a.Prefix.Bits)
	binary.LittleEndian.PutUint32(body[4:], index)
	m := begin(unix.RTM_NEWADDR, unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL, body)
	m.attr(unix.IFA_LOCAL, a.Prefix.Addr)
	m.attr(unix.IFA_ADDRESS, a.Prefix.Addr)
	if a.Optimistic {
		m.uint32(unix.IFA_FLAGS, unix.IFA_F_OPTIMISTIC)
	}
	return m, nil
}

func family(a Addr) uint8 {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}
