package rtnl

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Look asks for an interface of the host's side that is going to be used, so that what is wrong
// with it is said of it. RTM_GETLINK
type Look struct {
	Name string
	// As says what it is going to be, in an error: "master", "bridge".
	As string
	// Kind is what it has to be; empty is anything.
	Kind string
}

// String is the request as ip(8) is told.
func (l Look) String() string {
	text := "RTM_GETLINK(ip link show dev " + l.Name + ")"
	if l.Kind != "" {
		text += ": " + l.Kind
	}
	if l.As != "" {
		text += ", up"
	}
	return text
}

func (l Look) do(s *Sides) error {
	i, err := s.host.interfaceOf(l.Name)
	if errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("there is no interface %s on this side: ip link lists those that there are: %w", l.Name, unix.ENODEV)
	}
	if err != nil {
		return err
	}
	switch {
	case l.As == "":
	case l.Kind != "" && i.Kind != l.Kind:
		return fmt.Errorf("%s is no %s: ip link add NAME type %s makes one: %w", l.Name, l.Kind, l.Kind, unix.EINVAL)
	case i.Flags&unix.IFF_LOOPBACK != 0:
		return fmt.Errorf("%s is the loopback interface, on which nothing can stand: %w", l.Name, unix.EINVAL)
	case i.Flags&unix.IFF_UP == 0:
		return fmt.Errorf("the %s %s is down: ip link set dev %s up: %w", l.As, l.Name, l.Name, unix.ENETDOWN)
	}
	s.indices[l.Name] = i.Index
	return nil
}
