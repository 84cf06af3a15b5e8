package rtnl

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Addr is an IPv4 or an IPv6 address: its 4 or 16 bytes. Package net/netip would do, and costs
// a program that links it ten page faults at its start, whether it asks for a network or not.
type Addr []byte

// Is4 reports whether it is an IPv4 address.
func (a Addr) Is4() bool { return len(a) == 4 }

// AddrOf is the address that the bytes of a net.IP are, which may be an IPv4 address in 16 of
// them. It is nil for what is none.
func AddrOf(ip []byte) Addr {
	switch {
	case len(ip) == 16 && bytes.Equal(ip[:12], []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}):
		return bytes.Clone(ip[12:])
	case len(ip) == 4, len(ip) == 16:
		return bytes.Clone(ip)
	}
	return nil
}

// isLinkLocal reports whether it is one of fe80::/10, which every interface reaches.
func (a Addr) isLinkLocal() bool { return len(a) == 16 && a[0] == 0xfe && a[1]&0xc0 == 0x80 }

// String is the address in its usual form, that of RFC 5952.
func (a Addr) String() string {
	if len(a) == 4 {
		return fmt.Sprintf("%d.%d.%d.%d", a[0], a[1], a[2], a[3])
	}
	if len(a) != 16 {
		return "no address"
	}
	group := func(i int) uint16 { return uint16(a[2*i])<<8 | uint16(a[2*i+1]) }
	from, to := -1, -1 // the longest run of zeros, which is left out
	for i := 0; i < 8; i++ {
		j := i
		for j < 8 && group(j) == 0 {
			j++
		}
		if j-i > 1 && j-i > to-from {
			from, to = i, j
		}
		i = max(i, j-1)
	}
	var b strings.Builder
	for i := 0; i < 8; i++ {
		if i == from {
			b.WriteString("::")
			i = to - 1
			continue
		}
		if i > 0 && i != to {
			b.WriteByte(':')
		}
		b.WriteString(strconv.FormatUint(uint64(group(i)), 16))
	}
	return b.String()
}

var errAddr = errors.New("want an address such as 192.0.2.1 or 2001:db8::1")

// ParseAddr reads an address. One with a zone is none: the interface is said elsewhere.
func ParseAddr(s string) (Addr, error) {
	if strings.IndexByte(s, ':') < 0 {
		a, ok := parse4(s)
		if !ok {
			return nil, errAddr
		}
		return a, nil
	}
	head, tail, gap := strings.Cut(s, "::")
	front, ok := parseGroups(head, !gap)
	back, ok2 := parseGroups(tail, true)
	n := len(front) + len(back)
	if !ok || !ok2 || !gap && n != 16 || gap && n > 14 {
		return nil, errAddr
	}
	a := make(Addr, 16)
	copy(a, front)
	copy(a[16-len(back):], back)
	return a, nil
}

// parse4 reads four decimal numbers. A leading zero could mean octal and is refused.
func parse4(s string) (Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return nil, false
	}
	a := make(Addr, 4)
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 8)
		if err != nil || p[0] == '+' || len(p) > 1 && p[0] == '0' {
			return nil, false
		}
		a[i] = byte(n)
	}
	return a, true
}

// parseGroups reads groups of hexadecimal digits. The last of an address may be IPv4.
func parseGroups(s string, last bool) (b []byte, ok bool) {
	if s == "" {
		return nil, true
	}
	parts := strings.Split(s, ":")
	for i, p := range parts {
		if last && i == len(parts)-1 && strings.IndexByte(p, '.') >= 0 {
			four, ok := parse4(p)
			return append(b, four...), ok && len(b) <= 12
		}
		n, err := strconv.ParseUint(p, 16, 16)
		if err != nil || len(p) > 4 || p[0] == '+' {
			return nil, false
		}
		b = append(b, byte(n>>8), byte(n))
	}
	return b, len(b) <= 16
}

// Prefix is an address and how many of its bits are those of its network.
type Prefix struct {
	Addr Addr
	Bits int
}

// IsZero reports whether there is none.
func (p Prefix) IsZero() bool { return len(p.Addr) == 0 }

// String is ADDRESS/BITS.
func (p Prefix) String() string { return p.Addr.String() + "/" + strconv.Itoa(p.Bits) }

// Contains reports whether an address is one of the network.
func (p Prefix) Contains(a Addr) bool {
	if len(a) != len(p.Addr) || len(a) == 0 {
		return false
	}
	for i := range p.Bits {
		if mask := byte(0x80) >> (i % 8); (a[i/8]^p.Addr[i/8])&mask != 0 {
			return false
		}
	}
	return true
}

// network is the prefix without the bits behind it.
func (p Prefix) network() Prefix {
	n := Prefix{Addr: bytes.Clone(p.Addr), Bits: p.Bits}
	for i := p.Bits; i < 8*len(n.Addr); i++ {
		n.Addr[i/8] &^= 0x80 >> (i % 8)
	}
	return n
}

// ParsePrefix reads ADDRESS/BITS.
func ParsePrefix(s string) (Prefix, error) {
	addr, bits, found := strings.Cut(s, "/")
	a, err := ParseAddr(addr)
	if err != nil || !found {
		return Prefix{}, errors.New("want an address and the length of its network, such as 192.0.2.2/24 or 2001:db8::2/64")
	}
	n, err := strconv.ParseUint(bits, 10, 8)
	if err != nil || bits[0] == '+' || len(bits) > 1 && bits[0] == '0' || int(n) > 8*len(a) {
		return Prefix{}, fmt.Errorf("the length of the network is %q: want 0 to %d", bits, 8*len(a))
	}
	return Prefix{a, int(n)}, nil
}
