// Package rtnl changes networks through rtnetlink(7): interfaces, addresses, routes.
//
// What is to be done is a list of values of the type [Request], which say how ip(8) would be
// told the same and which message the kernel gets:
//
//	RTM_GETLINK(ip link show dev enp1s0), up
//	RTM_NEWLINK(ip link add link enp1s0 name eth0 netns PID type ipvlan mode l2 bridge)
//	write(nsenter -t PID -n tee /proc/sys/net/ipv6/conf/eth0/optimistic_dad): 1, if it is there
//	RTM_NEWADDR(ip -n PID address add 2001:db8::2/64 dev eth0 optimistic)
//	RTM_NEWLINK(ip -n PID link set dev eth0 up)
//	RTM_NEWROUTE(ip -n PID route add default via fe80::1 dev eth0)
//
// PID stands for the container's network namespace, /proc/PID/ns/net. Packages ipvlan and
// veth make such lists, without asking anybody. [Sides] does what they say: it has a socket in
// the network namespace of its caller and one in the container's.
//
// Nothing has to be taken back. A network namespace ends with its last process, and what was
// made in it ends with it: an ipvlan, and of a veth both ends. The kernel does so in the
// background, some milliseconds later, and not as long as somebody has the namespace open or
// bound to a file. Devices that were moved in come back to the first network namespace then
// (network_namespaces(7)).
package rtnl
