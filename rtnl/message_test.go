package rtnl

import (
	"errors"
	"net"
	"reflect"
	"testing"

	"github.com/jsimonetti/rtnetlink"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// numbers are what the tests' names stand for.
var numbers = known{
	netns: 9,
	index: func(name string, inside bool) (uint32, error) {
		n, ok := map[string]uint32{"eth0": 2, "br0": 5, "enp1s0": 7}[name]
		if !ok || inside != (name == "eth0") {
			return 0, unix.ENODEV
		}
		return n, nil
	},
	otherEnd: func(string) (uint32, error) { return 11, nil },
}

func encoded(t *testing.T, r messenger) netlink.Message {
	t.Helper()
	m, err := r.message(numbers)
	if err != nil {
		t.Fatal(err)
	}
	var read netlink.Message
	if err := read.UnmarshalBinary(m.finish(3)); err != nil {
		t.Fatalf("%v: package netlink cannot read it: %v", r, err)
	}
	if read.Header.Sequence != 3 || read.Header.Flags&(netlink.Request|netlink.Acknowledge) != netlink.Request|netlink.Acknowledge {
		t.Errorf("%v: header %+v", r, read.Header)
	}
	return read
}

// TestMessagesAreRead has another library read the bytes of requests.
func TestMessagesAreRead(t *testing.T) {
	four, six := net.IPv4(192, 0, 2, 2).To4(), net.ParseIP("2001:db8::2")
	queue := uint32(77)
	for _, row := range []struct {
		about string
		r     messenger
		typ   netlink.HeaderType
		want  rtnetlink.Message
	}{
		{"an IPv4 address", Address{Link: "eth0", Prefix: Prefix{Addr(four), 24}}, unix.RTM_NEWADDR, &rtnetlink.AddressMessage{
			Family: unix.AF_INET, PrefixLength: 24, Index: 2, Attributes: &rtnetlink.AddressAttributes{Address: four, Local: four},
		}},
		{"an optimistic IPv6 address", Address{Link: "eth0", Prefix: Prefix{Addr(six), 64}, Optimistic: true}, unix.RTM_NEWADDR, &rtnetlink.AddressMessage{
			Family: unix.AF_INET6, PrefixLength: 64, Index: 2,
			Attributes: &rtnetlink.AddressAttributes{Address: six, Local: six, Flags: unix.IFA_F_OPTIMISTIC},
		}},
		{"a default route", Route{To: Everything(Addr(four)), Gateway: Addr{192, 0, 2, 1}, Link: "eth0"}, unix.RTM_NEWROUTE, &rtnetlink.RouteMessage{
			Family: unix.AF_INET, Table: unix.RT_TABLE_MAIN, Protocol: unix.RTPROT_STATIC, Type: unix.RTN_UNICAST,
			Attributes: rtnetlink.RouteAttributes{Gateway: net.IPv4(192, 0, 2, 1).To4(), OutIface: 2},
		}},
		{"a route with a source, to a network that is written with a host in it", Route{To: Prefix{Addr{10, 1, 2, 3}, 8}, Gateway: Addr{192, 0, 2, 1}, Link: "eth0", Source: Addr(four)}, unix.RTM_NEWROUTE, &rtnetlink.RouteMessage{
			Family: unix.AF_INET, DstLength: 8, Table: unix.RT_TABLE_MAIN, Protocol: unix.RTPROT_STATIC, Type: unix.RTN_UNICAST,
			Attributes: rtnetlink.RouteAttributes{Dst: net.IPv4(10, 0, 0, 0).To4(), Gateway: net.IPv4(192, 0, 2, 1).To4(), Src: four, OutIface: 2},
		}},
		{"an IPv4 route without a gateway", Route{To: Everything(Addr(four)), Link: "eth0"}, unix.RTM_NEWROUTE, &rtnetlink.RouteMessage{
			Family: unix.AF_INET, Table: unix.RT_TABLE_MAIN, Protocol: unix.RTPROT_STATIC, Scope: unix.RT_SCOPE_LINK, Type: unix.RTN_UNICAST,
			Attributes: rtnetlink.RouteAttributes{OutIface: 2},
		}},
		{"an interface that comes up", Link{Name: "eth0", Inside: true, Up: true}, unix.RTM_NEWLINK, &rtnetlink.LinkMessage{
			Flags: unix.IFF_UP, Change: unix.IFF_UP, Attributes: &rtnetlink.LinkAttributes{Name: "eth0"},
		}},
		{"properties", Link{Name: "eth0", MAC: []byte{2, 0, 0, 0, 0, 1}, MTU: 1400, TxQueueLen: 77}, unix.RTM_NEWLINK, &rtnetlink.LinkMessage{
			Attributes: &rtnetlink.LinkAttributes{Name: "eth0", Address: net.HardwareAddr{2, 0, 0, 0, 0, 1}, MTU: 1400, TxQueueLen: &queue},
		}},
		{"the hairpin of the other end", Link{OtherEnd: "eth0", Hairpin: true}, unix.RTM_NEWLINK, &rtnetlink.LinkMessage{
			Index: 11, Attributes: &rtnetlink.LinkAttributes{Info: &rtnetlink.LinkInfo{SlaveKind: "bridge", SlaveData: []byte{5, 0, 4, 0, 1, 0, 0, 0}}},
		}},
	} {
		t.Run(row.about, func(t *testing.T) {
			got := encoded(t, row.r)
			if got.Header.Type != row.typ {
				t.Errorf("type %d, want %d", got.Header.Type, row.typ)
			}
			read := reflect.New(reflect.TypeOf(row.want).Elem()).Interface().(rtnetlink.Message)
			if err := read.UnmarshalBinary(got.Data); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(read, row.want) {
				t.Errorf("%v\n%+v, want\n%+v", row.r, read, row.want)
			}
		})
	}
}

// TestNestedMessages is about what that library has no name for: interfaces that are made in
// another network namespace.
func TestNestedMessages(t *testing.T) {
	var link rtnetlink.LinkMessage
	m := encoded(t, Link{Name: "eth0", Kind: "ipvlan", On: "enp1s0", MTU: 1300, IPvlan: IPvlan{"l3s", "vepa"}})
	if err := link.UnmarshalBinary(m.Data); err != nil {
		t.Fatal(err)
	}
	a := link.Attributes
	if m.Header.Flags&(netlink.Create|netlink.Excl) != netlink.Create|netlink.Excl {
		t.Errorf("flags %v: it could change an interface that is there", m.Header.Flags)
	}
	if a.Name != "eth0" || a.Type != 7 || a.MTU != 1300 || a.Info.Kind != "ipvlan" || string(a.Info.Data) != "\x06\x00\x01\x00\x02\x00\x00\x00\x06\x00\x02\x00\x02\x00\x00\x00" {
		t.Errorf("%+v, info %+v", a, a.Info)
	}
	m = encoded(t, Link{Name: "vh", Kind: "veth", Bridge: "br0", Up: true, Peer: &Link{Name: "eth0", MAC: []byte{2, 0, 0, 0, 0, 1}, TxQueueLen: 5}})
	link = rtnetlink.LinkMessage{}
	if err := link.UnmarshalBinary(m.Data); err != nil {
		t.Fatal(err)
	}
	a = link.Attributes
	if a.Name != "vh" || *a.Master != 5 || link.Flags != unix.IFF_UP || a.Info.Kind != "veth" {
		t.Errorf("%+v, info %+v", a, a.Info)
	}
	peers, err := netlink.UnmarshalAttributes(a.Info.Data)
	if err != nil || len(peers) != 1 || peers[0].Type != 1 {
		t.Fatalf("peer %+v, %v", peers, err)
	}
	found := map[uint16]string{}
	inner, err := netlink.UnmarshalAttributes(peers[0].Data[unix.SizeofIfInfomsg:])
	if err != nil {
		t.Fatal(err)
	}
	for _, attr := range inner {
		found[attr.Type] = string(attr.Data)
	}
	if found[unix.IFLA_IFNAME] != "eth0\x00" || found[unix.IFLA_NET_NS_FD] != "\x09\x00\x00\x00" || found[unix.IFLA_TXQLEN] != "\x05\x00\x00\x00" || found[unix.IFLA_ADDRESS] != "\x02\x00\x00\x00\x00\x01" {
		t.Errorf("peer %+v", found)
	}
}

// FuzzAnswer reads answers of a kernel that is out of its mind.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte("\x24\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xfe\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x14\x00\x00\x00\x03\x00\x02\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &Conn{seq: 1}
		_, err := c.answer(b, func(_ uint16, body []byte) {
			if len(body) >= unix.SizeofIfInfomsg {
				readInterface(body)
			}
		})
		var k *kernelError
		if errors.As(err, &k) && k.errno == 0 {
			t.Errorf("an error without a number: %v", err)
		}
	})
}
