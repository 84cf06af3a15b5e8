package rtnl

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Device moves an interface of the host's side into the container's network namespace, where
// it comes up with the addresses that it had: those of global scope that somebody has given
// to it. The kernel takes all addresses from what it moves.
//
// When the namespace ends, a real device comes back to the first network namespace, down and
// without addresses, and one that is made of software ends.
type Device struct {
	Name string
	// NewName is its name in the container, in which %d is the first number that is free.
	NewName string
	// Parameters are set before it comes up.
	Parameters []Sysctl
}

// String is the request as ip(8) is told.
func (d Device) String() string {
	text := fmt.Sprintf("RTM_NEWLINK(ip link set dev %s netns PID name %s), ", d.Name, d.NewName)
	for _, p := range d.Parameters {
		text += p.String() + ", "
	}
	return text + "RTM_NEWADDR of the addresses that it had, up"
}

func (d Device) do(s *Sides) error {
	i, err := s.host.interfaceOf(d.Name)
	if err != nil {
		return err
	}
	kept, err := s.host.addresses(i.Index)
	if err != nil {
		return err
	}
	before, err := s.inside.Interfaces()
	if err != nil {
		return err
	}
	if err := s.send(Link{Name: d.Name, NewName: d.NewName, MoveIn: true}, s.host); err != nil {
		return err
	}
	after, err := s.inside.Interfaces()
	if err != nil {
		return err
	}
	name, err := arrived(before, after)
	if err != nil {
		return err
	}
	delete(s.indices, d.Name)
	for _, p := range d.Parameters {
		if err := s.Do(p); err != nil {
			return err
		}
	}
	for _, p := range kept {
		if err := s.Do(Address{Link: name, Prefix: p}); err != nil {
			return err
		}
	}
	return s.Do(Link{Name: name, Inside: true, Up: true})
}

// arrived is the name of what is there now and was not before.
func arrived(before, after []Interface) (string, error) {
	known := map[uint32]bool{}
	for _, i := range before {
		known[i.Index] = true
	}
	for _, i := range after {
		if !known[i.Index] {
			return i.Name, nil
		}
	}
	return "", errors.New("it has not arrived in the container's network namespace")
}

// addresses are those of an interface that are of global scope and permanent: not found out by
// the kernel from router advertisements, which it does again.
func (c *Conn) addresses(index uint32) (list []Prefix, err error) {
	err = c.execute(begin(unix.RTM_GETADDR, unix.NLM_F_DUMP, make([]byte, unix.SizeofIfAddrmsg)), func(typ uint16, body []byte) {
		if typ != unix.RTM_NEWADDR || len(body) < unix.SizeofIfAddrmsg || binary.LittleEndian.Uint32(body[4:]) != index {
			return
		}
		// struct ifaddrmsg: family, length of the prefix, flags, scope, index
		flags, p := uint32(body[2]), Prefix{Bits: int(body[1])}
		for typ, v := range attributes(body[unix.SizeofIfAddrmsg:]) {
			switch {
			case typ == unix.IFA_FLAGS:
				flags = number(v)
			case typ == unix.IFA_LOCAL, typ == unix.IFA_ADDRESS && p.IsZero():
				p.Addr = append(Addr(nil), v...)
			}
		}
		if body[3] == unix.RT_SCOPE_UNIVERSE && flags&unix.IFA_F_PERMANENT != 0 && !p.IsZero() {
			list = append(list, p)
		}
	})
	return list, err
}
