package rtnl

// Inside is what an interface of a container gets once it is there, whatever kind it is.
type Inside struct {
	Link      string
	Addresses []Prefix
	Gateways  []Addr // of the default routes, at most one a family
	// Parameters are set before it comes up, by their paths below /proc/sys.
	Parameters []Sysctl
	// NoNeighbours says that packets are routed by what the interface stands on: a default
	// route has no gateway then.
	NoNeighbours bool
}

// Requests are those for the interface, in an order in which nothing happens too early: no
// router advertisement is taken before the parameters say which, and no address is asked for
// among the neighbours before the kernel knows that it may be used meanwhile.
func (n Inside) Requests() []Request {
	var list []Request
	conf := func(parameter, value string) {
		list = append(list, Sysctl{Path: "net/ipv6/conf/" + n.Link + "/" + parameter, Value: value})
	}
	has6, gateway6 := false, false
	for _, p := range n.Addresses {
		has6 = has6 || !p.Addr.Is4()
	}
	for _, g := range n.Gateways {
		gateway6 = gateway6 || !g.Is4()
	}
	if has6 || gateway6 {
		// What is not said is found out. 2 is also with forwarding, as a node of a cluster has it.
		conf("accept_ra", choose(has6 && gateway6, "0", "2"))
		conf("accept_ra_pinfo", choose(has6, "0", "1"))
		conf("accept_ra_defrtr", choose(gateway6, "0", "1"))
	}
	if has6 {
		list = append(list, Sysctl{Path: "net/ipv6/conf/" + n.Link + "/optimistic_dad", Value: "1", Optional: true})
	}
	for _, p := range n.Parameters {
		list = append(list, p)
	}
	for _, p := range n.Addresses {
		list = append(list, Address{Link: n.Link, Prefix: p, Optimistic: !p.Addr.Is4()})
	}
	list = append(list, Link{Name: n.Link, Inside: true, Up: true})
	if n.NoNeighbours && len(n.Gateways) == 0 {
		for _, p := range n.Addresses {
			list = append(list, Route{To: Everything(p.Addr), Link: n.Link})
		}
	}
	for _, g := range n.Gateways {
		list = append(list, Route{To: Everything(g), Gateway: g, Link: n.Link})
	}
	return list
}

func choose(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}
