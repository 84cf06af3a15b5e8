package rtnl

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Link makes an interface, or changes one that is there. RTM_NEWLINK, ip-link(8)
type Link struct {
	// Name is that of the interface. A new one may have none, and the kernel finds one then.
	Name string
	// Inside says that it is one of the container's network namespace.
	Inside bool
	// Kind is what is made: "ipvlan" or "veth". Empty changes the interface Name.
	Kind string
	// On is the interface that a new ipvlan stands on, its master.
	On string
	// IPvlan is the mode and the flag of an ipvlan.
	IPvlan IPvlan
	// Peer is the other end of a veth, which is made in the container's network namespace.
	Peer *Link
	// Bridge is the bridge of which it becomes a port.
	Bridge string
	// MAC is its hardware address, of 6 bytes; empty leaves it to the kernel.
	MAC []byte
	// MTU and TxQueueLen are the largest packet in bytes and the queue in packets; 0 leaves
	// them as the kernel has them.
	MTU, TxQueueLen int
	// Up brings it up.
	Up bool
	// Hairpin lets a port of a bridge send back what came in at it.
	Hairpin bool
	// OtherEnd is a veth of the container's whose other end is meant, where that has no name
	// that would be known before.
	OtherEnd string
	// MoveIn moves it into the container's network namespace, under the name NewName, in
	// which %d is the first number that is free.
	MoveIn  bool
	NewName string
}

// IPvlan is how the ipvlans of a master work. All of one master have the same mode and flag:
// the last one that is made says which.
type IPvlan struct{ Mode, Flag string }

// vethPeer is VETH_INFO_PEER of linux/veth.h.
const vethPeer = 1

// IPvlanModes and IPvlanFlags are what there is, each at the place of its number.
// linux/if_link.h
var (
	IPvlanModes = [...]string{"l2", "l3", "l3s"}
	IPvlanFlags = [...]string{"bridge", "private", "vepa"}
)

// String is the request as ip(8) is told.
func (l Link) String() string {
	var b strings.Builder
	b.WriteString("RTM_NEWLINK(ip")
	if l.Inside {
		b.WriteString(" -n PID")
	}
	if l.Kind != "" {
		b.WriteString(" link add")
		if l.On != "" {
			b.WriteString(" link " + l.On)
		}
		if l.Name != "" {
			b.WriteString(" name " + l.Name)
		}
		if l.Kind == "ipvlan" {
			b.WriteString(" netns PID")
		}
	} else if b.WriteString(" link set dev " + l.Name); l.OtherEnd != "" {
		b.WriteString("(the other end of " + l.OtherEnd + ")")
	}
	if l.MoveIn {
		b.WriteString(" netns PID name " + l.NewName)
	}
	l.properties(&b)
	if l.Bridge != "" {
		b.WriteString(" master " + l.Bridge)
	}
	if l.Up {
		b.WriteString(" up")
	}
	switch {
	case l.Kind == "ipvlan":
		b.WriteString(" type ipvlan mode " + l.IPvlan.Mode + " " + l.IPvlan.Flag)
	case l.Peer != nil:
		b.WriteString(" type veth peer name " + l.Peer.Name + " netns PID")
		l.Peer.properties(&b)
	case l.Hairpin:
		b.WriteString(" type bridge_slave hairpin on")
	}
	return b.String() + ")"
}

func (l Link) properties(b *strings.Builder) {
	for i, octet := range l.MAC {
		fmt.Fprintf(b, "%s%02x", map[bool]string{true: " address ", false: ":"}[i == 0], octet)
	}
	if l.MTU > 0 {
		fmt.Fprintf(b, " mtu %d", l.MTU)
	}
	if l.TxQueueLen > 0 {
		fmt.Fprintf(b, " txqueuelen %d", l.TxQueueLen)
	}
}

// ifinfomsg is the structure of that name. rtnetlink(7)
func ifinfomsg(index uint32, up bool) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.LittleEndian.PutUint32(b[4:], index)
	if up {
		binary.LittleEndian.PutUint32(b[8:], unix.IFF_UP)
		binary.LittleEndian.PutUint32(b[12:], unix.IFF_UP)
	}
	return b
}

// message is the request as bytes. It asks known for numbers that names stand for.
func (l Link) message(k known) (*message, error) {
	flags, index := uint16(unix.NLM_F_ACK), uint32(0)
	if l.Kind != "" {
		flags |= unix.NLM_F_CREATE | unix.NLM_F_EXCL
	} else if l.OtherEnd != "" {
		var err error
		if index, err = k.otherEnd(l.OtherEnd); err != nil {
			return nil, err
		}
	}
	m := begin(unix.RTM_NEWLINK, flags, nil)
	if l.MoveIn { // found by its index, so that IFLA_IFNAME can be its new name
		var err error
		if index, err = k.index(l.Name, false); err != nil {
			return nil, err
		}
		m.b = append(m.b, ifinfomsg(index, false)...)
		m.text(unix.IFLA_IFNAME, l.NewName)
		m.uint32(unix.IFLA_NET_NS_FD, uint32(k.netns))
		return m, nil
	}
	m.b = append(m.b, ifinfomsg(index, l.Up)...)
	if l.Kind == "ipvlan" {
		m.uint32(unix.IFLA_NET_NS_FD, uint32(k.netns))
	}
	l.attributes(m)
	for _, below := range []struct {
		typ  uint16
		name string
	}{{unix.IFLA_LINK, l.On}, {unix.IFLA_MASTER, l.Bridge}} {
		if below.name == "" {
			continue
		}
		index, err := k.index(below.name, false)
		if err != nil {
			return nil, err
		}
		m.uint32(below.typ, index)
	}
	l.info(m, k)
	return m, nil
}

// attributes are those of the interface itself.
func (l Link) attributes(m *message) {
	if l.Name != "" {
		m.text(unix.IFLA_IFNAME, l.Name)
	}
	if len(l.MAC) > 0 {
		m.attr(unix.IFLA_ADDRESS, l.MAC)
	}
	if l.MTU > 0 {
		m.uint32(unix.IFLA_MTU, uint32(l.MTU))
	}
	if l.TxQueueLen > 0 {
		m.uint32(unix.IFLA_TXQLEN, uint32(l.TxQueueLen))
	}
}

// info is what belongs to its kind.
func (l Link) info(m *message, k known) {
	switch {
	case l.Kind == "ipvlan":
		m.nest(unix.IFLA_LINKINFO, func() {
			m.text(unix.IFLA_INFO_KIND, l.Kind)
			m.nest(unix.IFLA_INFO_DATA, func() {
				m.uint16(unix.IFLA_IPVLAN_MODE, uint16(slices.Index(IPvlanModes[:], l.IPvlan.Mode)))
				m.uint16(unix.IFLA_IPVLAN_FLAGS, uint16(slices.Index(IPvlanFlags[:], l.IPvlan.Flag)))
			})
		})
	case l.Peer != nil:
		m.nest(unix.IFLA_LINKINFO, func() {
			m.text(unix.IFLA_INFO_KIND, l.Kind)
			m.nest(unix.IFLA_INFO_DATA, func() {
				m.nest(vethPeer, func() {
					m.b = append(m.b, ifinfomsg(0, false)...)
					m.uint32(unix.IFLA_NET_NS_FD, uint32(k.netns))
					l.Peer.attributes(m)
				})
			})
		})
	case l.Hairpin:
		m.nest(unix.IFLA_LINKINFO, func() {
			m.text(unix.IFLA_INFO_SLAVE_KIND, "bridge")
			m.nest(unix.IFLA_INFO_SLAVE_DATA, func() { m.uint8(unix.IFLA_BRPORT_MODE, 1) })
		})
	}
}
