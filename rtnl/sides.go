package rtnl

import (
	"encoding/binary"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Sides are the two network namespaces that a container's network is made in.
type Sides struct {
	netns   int
	host    *Conn
	inside  *Conn
	indices map[string]uint32 // of the host's side
	within  map[string]uint32 // of the container's
}

// Open opens a socket on each side. netns is a descriptor of the container's network namespace,
// which stays the caller's and has to stay open. It needs CAP_NET_ADMIN and CAP_SYS_ADMIN in the
// user namespaces that own the two.
func Open(netns int) (*Sides, error) {
	s := &Sides{netns: netns, indices: map[string]uint32{}, within: map[string]uint32{}}
	var err error
	if s.host, err = Dial(); err != nil {
		return nil, err
	}
	if s.inside, err = DialIn(netns); err != nil {
		s.host.Close()
		return nil, err
	}
	return s, nil
}

// Close closes them.
func (s *Sides) Close() error { return errors.Join(s.host.Close(), s.inside.Close()) }

// Do does what a request says. The error is an [*Error].
func (s *Sides) Do(r Request) error {
	if err := r.do(s); err != nil {
		return &Error{Request: r, Err: err}
	}
	return nil
}

// Remove removes an interface of the container's.
func (s *Sides) Remove(link string) error { return s.inside.Remove(link) }

// send sends the message of a request to one side.
func (s *Sides) send(r messenger, c *Conn) error {
	m, err := r.message(known{netns: s.netns, index: s.index, otherEnd: s.otherEnd})
	if err != nil {
		return err
	}
	return c.execute(m, nil)
}

func (l Link) do(s *Sides) error {
	if l.Inside {
		return s.send(l, s.inside)
	}
	return s.send(l, s.host)
}

// An ipvlan may not have an address that another one of its master has, and one of a container
// that has just ended has it until the kernel has removed that one's network namespace, which it
// does in the background. So this waits for a while.
func (a Address) do(s *Sides) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		err := s.send(a, s.inside)
		if !errors.Is(err, unix.EADDRINUSE) || time.Now().After(deadline) {
			return err
		}
	}
}

const patience = 2 * time.Second

func (r Route) do(s *Sides) error { return s.send(r, s.inside) }

// index is the number of an interface, which the kernel is asked for once.
func (s *Sides) index(name string, inside bool) (uint32, error) {
	c, seen := s.host, s.indices
	if inside {
		c, seen = s.inside, s.within
	}
	if n, ok := seen[name]; ok {
		return n, nil
	}
	i, err := c.interfaceOf(name)
	if err != nil {
		return 0, err
	}
	seen[name] = i.Index
	return i.Index, nil
}

// otherEnd is the number, on the host's side, of the other end of a veth of the container's.
func (s *Sides) otherEnd(name string) (uint32, error) {
	i, err := s.inside.interfaceOf(name)
	if err == nil {
		s.within[name] = i.Index
	}
	return i.link, err
}

// interfaceOf asks for an interface by its name.
func (c *Conn) interfaceOf(name string) (i Interface, err error) {
	m := begin(unix.RTM_GETLINK, unix.NLM_F_ACK, make([]byte, unix.SizeofIfInfomsg))
	m.text(unix.IFLA_IFNAME, name)
	err = c.execute(m, func(typ uint16, body []byte) {
		if typ == unix.RTM_NEWLINK && len(body) >= unix.SizeofIfInfomsg {
			i = readInterface(body)
		}
	})
	return i, err
}

// Interfaces lists the interfaces of the network namespace.
func (c *Conn) Interfaces() (list []Interface, err error) {
	for range 5 { // it begins again where the list has changed meanwhile
		list = nil
		err = c.execute(begin(unix.RTM_GETLINK, unix.NLM_F_DUMP, make([]byte, unix.SizeofIfInfomsg)), func(typ uint16, body []byte) {
			if typ == unix.RTM_NEWLINK && len(body) >= unix.SizeofIfInfomsg {
				list = append(list, readInterface(body))
			}
		})
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	return list, err
}

// Interface is an interface as the kernel has it.
type Interface struct {
	Name  string
	Index uint32
	// Kind is what ip-link(8) calls its type: "ipvlan", "veth", "bridge". A device has none.
	Kind string
	// Flags are those of netdevice(7): IFF_UP and others.
	Flags uint32

	link uint32 // what it stands on, or its other end
}

func readInterface(body []byte) Interface {
	i := Interface{Index: binary.LittleEndian.Uint32(body[4:]), Flags: binary.LittleEndian.Uint32(body[8:])}
	for typ, v := range attributes(body[unix.SizeofIfInfomsg:]) {
		switch typ {
		case unix.IFLA_IFNAME:
			i.Name = name(v)
		case unix.IFLA_LINK:
			i.link = number(v)
		case unix.IFLA_LINKINFO:
			for typ, v := range attributes(v) {
				if typ == unix.IFLA_INFO_KIND {
					i.Kind = name(v)
				}
			}
		}
	}
	return i
}

// Remove removes an interface, and of a veth both ends. RTM_DELLINK
func (c *Conn) Remove(link string) error {
	m := begin(unix.RTM_DELLINK, unix.NLM_F_ACK, make([]byte, unix.SizeofIfInfomsg))
	m.text(unix.IFLA_IFNAME, link)
	return c.execute(m, nil)
}
