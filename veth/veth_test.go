package veth_test

import (
	"fmt"

	"github.com/selfcontain/runtime/rtnl"
	"github.com/selfcontain/runtime/veth"
)

func ExampleConfig_Requests() {
	c := veth.Config{
		Bridge: "br0", Name: "eth0", MTU: 1400, TxQueueLen: 100, Hairpin: true, MAC: []byte{2, 0, 0, 0, 0, 1},
		Addresses: []rtnl.Prefix{{Addr: rtnl.Addr{192, 0, 2, 2}, Bits: 24}},
		Gateways:  []rtnl.Addr{{192, 0, 2, 1}},
	}
	for _, r := range c.Requests() {
		fmt.Println(r)
	}
	// Output:
	// RTM_GETLINK(ip link show dev br0): bridge, up
	// RTM_NEWLINK(ip link add mtu 1400 txqueuelen 100 master br0 up type veth peer name eth0 netns PID address 02:00:00:00:00:01 mtu 1400 txqueuelen 100)
	// RTM_NEWLINK(ip link set dev (the other end of eth0) type bridge_slave hairpin on)
	// RTM_NEWADDR(ip -n PID address add 192.0.2.2/24 dev eth0)
	// RTM_NEWLINK(ip -n PID link set dev eth0 up)
	// RTM_NEWROUTE(ip -n PID route add default via 192.0.2.1 dev eth0)
}
