package rtnl_test

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/selfcontain/runtime/rtnl"
)

// A request says how a person would do the same, before anybody does it.
func ExampleRequest() {
	address, err := rtnl.ParsePrefix("2001:db8::2/64")
	if err != nil {
		fmt.Println(err)
		return
	}
	router, err := rtnl.ParseAddr("fe80::1")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range []rtnl.Request{
		rtnl.Look{Name: "enp1s0", As: "master"},
		rtnl.Link{Kind: "ipvlan", On: "enp1s0", Name: "eth0", IPvlan: rtnl.IPvlan{Mode: "l2", Flag: "bridge"}},
		rtnl.Sysctl{Path: "net/ipv6/conf/eth0/optimistic_dad", Value: "1", Optional: true},
		rtnl.Address{Link: "eth0", Prefix: address, Optimistic: true},
		rtnl.Link{Name: "eth0", Inside: true, Up: true},
		rtnl.Route{Gateway: router, Link: "eth0"},
	} {
		fmt.Println(r)
	}
	// Output:
	// RTM_GETLINK(ip link show dev enp1s0), up
	// RTM_NEWLINK(ip link add link enp1s0 name eth0 netns PID type ipvlan mode l2 bridge)
	// write(nsenter -t PID -n tee /proc/sys/net/ipv6/conf/eth0/optimistic_dad): 1, if it is there
	// RTM_NEWADDR(ip -n PID address add 2001:db8::2/64 dev eth0 optimistic)
	// RTM_NEWLINK(ip -n PID link set dev eth0 up)
	// RTM_NEWROUTE(ip -n PID route add default via fe80::1 dev eth0)
}

// The network namespace of a program gets an address on its loopback interface. That takes
// root, so the output, the requests and then "1 lo", is not compared.
func ExampleSides_Do() {
	program := exec.Command("sleep", "1000")
	program.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := program.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer program.Wait()         //nolint:errcheck // it was killed
	defer program.Process.Kill() //nolint:errcheck // an example
	netns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", program.Process.Pid))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer netns.Close()
	sides, err := rtnl.Open(int(netns.Fd()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sides.Close()
	address, err := rtnl.ParsePrefix("192.0.2.1/32")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range []rtnl.Request{
		rtnl.Link{Name: "lo", Inside: true, Up: true},
		rtnl.Address{Link: "lo", Prefix: address},
	} {
		fmt.Println(r)
		if err := sides.Do(r); err != nil { // an *rtnl.Error, with the request in it
			fmt.Println(err)
			return
		}
	}
	inside, err := rtnl.DialIn(int(netns.Fd()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer inside.Close()
	list, err := inside.Interfaces()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(list), list[0].Name)
}
