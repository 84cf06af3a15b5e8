package ipvlan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/ipvlan"
	"github.com/selfcontain/runtime/rtnl"
)

func ExampleConfig_Requests() {
	list, err := ipvlan.Config{
		Master:    "enp1s0",
		Addresses: []rtnl.Prefix{prefix("2001:db8::2/64"), prefix("192.0.2.2/24")},
		Gateways:  []rtnl.Addr{addr("192.0.2.1")},
	}.Requests()
	if err != nil {
		fmt.Println(err)
	}
	for _, r := range list {
		fmt.Println(r)
	}
	// Output:
	// RTM_GETLINK(ip link show dev enp1s0), up
	// RTM_NEWLINK(ip link add link enp1s0 name eth0 netns PID type ipvlan mode l2 bridge)
	// write(nsenter -t PID -n tee /proc/sys/net/ipv6/conf/eth0/accept_ra): 2
	// write(nsenter -t PID -n tee /proc/sys/net/ipv6/conf/eth0/accept_ra_pinfo): 0
	// write(nsenter -t PID -n tee /proc/sys/net/ipv6/conf/eth0/accept_ra_defrtr): 1
	// write(nsenter -t PID -n tee /proc/sys/net/ipv6/conf/eth0/optimistic_dad): 1, if it is there
	// RTM_NEWADDR(ip -n PID address add 2001:db8::2/64 dev eth0 optimistic)
	// RTM_NEWADDR(ip -n PID address add 192.0.2.2/24 dev eth0)
	// RTM_NEWLINK(ip -n PID link set dev eth0 up)
	// RTM_NEWROUTE(ip -n PID route add default via 192.0.2.1 dev eth0)
}

func prefix(s string) rtnl.Prefix {
	p, err := rtnl.ParsePrefix(s)
	if err != nil {
		panic(err)
	}
	return p
}

func addr(s string) rtnl.Addr {
	a, err := rtnl.ParseAddr(s)
	if err != nil {
		panic(err)
	}
	return a
}

func TestRefused(t *testing.T) {
	for _, row := range []struct {
		about string
		c     ipvlan.Config
		want  string
	}{
		{"nothing to stand on", ipvlan.Config{}, "there is no master"},
		{"a master with too long a name", ipvlan.Config{Master: "sixteen-letters-"}, "at most 15"},
		{"a name with a slash", ipvlan.Config{Master: "m", Name: "a/b"}, `"a/b" is no name of an interface`},
		{"another mode", ipvlan.Config{Master: "m", Mode: "l4"}, `the mode "l4": want l2, l3 or l3s`},
		{"another flag", ipvlan.Config{Master: "m", Flag: "public"}, `the flag "public": want bridge, private or vepa`},
		{"a negative MTU", ipvlan.Config{Master: "m", MTU: -1}, "the MTU -1"},
		{"an IPv4 gateway alone", ipvlan.Config{Master: "m", Gateways: []rtnl.Addr{addr("192.0.2.1")}}, "there is no IPv4 address beside the gateway 192.0.2.1"},
		{"a gateway elsewhere", ipvlan.Config{Master: "m", Addresses: []rtnl.Prefix{prefix("2001:db8::2/64")}, Gateways: []rtnl.Addr{addr("2001:db8:1::1")}}, "the gateway 2001:db8:1::1 is in no network of the interface's addresses"},
	} {
		if _, err := row.c.Requests(); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q in it", row.about, err, row.want)
		}
	}
	for _, row := range []ipvlan.Config{
		{Master: "m", Gateways: []rtnl.Addr{addr("fe80::1")}},
		{Master: "m", Gateways: []rtnl.Addr{addr("2001:db8::1")}}, // its network is what is found out
		{Master: "m", Addresses: []rtnl.Prefix{prefix("192.0.2.2/24")}, Gateways: []rtnl.Addr{addr("fe80::1"), addr("192.0.2.1")}},
	} {
		if _, err := row.Requests(); err != nil {
			t.Errorf("%+v: %v", row, err)
		}
	}
}
