package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/selfcontain/runtime/container"
)

// netFlag is --net: the machine's network, none, or interfaces on the machine's.
type netFlag struct {
	choice
	networks []container.Network
}

// words are what may stand behind it.
func (n *netFlag) words() string {
	return n.choice.words() + "|ipvlan:MASTER|veth:BRIDGE"
}

// Set takes a word, or adds an interface: it may be repeated for more.
func (n *netFlag) Set(text string) error {
	kind, rest, found := strings.Cut(text, ":")
	if !found {
		if len(n.networks) > 0 {
			return fmt.Errorf("it has an interface already, and is not %s as well", text)
		}
		if err := n.choice.Set(text); err != nil {
			return errors.New("want none, host, ipvlan:MASTER or veth:BRIDGE")
		}
		return nil
	}
	if n.value == shared {
		return errors.New("it is the machine's own already: no interface is added to that")
	}
	network, err := parseNetwork(kind, rest)
	if err != nil {
		return err
	}
	if network.Name == "" {
		network.Name = "eth" + strconv.Itoa(len(n.networks))
	}
	n.networks = append(n.networks, network)
	return nil
}

// parseNetwork reads MASTER or BRIDGE, and options behind it. What they mean is checked with
// the rest of the box.
func parseNetwork(kind, text string) (container.Network, error) {
	where, options, _ := strings.Cut(text, ",")
	n := container.Network{Type: kind}
	switch kind {
	case "ipvlan":
		n.HostInterfaceName = where
	case "veth":
		n.Bridge = where
	default:
		return n, fmt.Errorf("%q: want none, host, ipvlan:MASTER or veth:BRIDGE", kind)
	}
	if where == "" {
		return n, fmt.Errorf("%s: which interface of the machine's?", kind)
	}
	mode, flag := "", ""
	for option := range strings.SplitSeq(options, ",") {
		if option == "" {
			continue
		}
		name, value, _ := strings.Cut(option, "=")
		to := map[string]*string{"name": &n.Name}
		to["ip"], to["gw"] = &n.Address, &n.Gateway
		if strings.IndexByte(value, ':') >= 0 {
			to["ip"], to["gw"] = &n.IPv6Address, &n.IPv6Gateway
		}
		if kind == "ipvlan" {
			to["mode"], to["flag"] = &mode, &flag
		} else {
			to["mac"] = &n.MacAddress
		}
		field := to[name]
		switch {
		case name == "mtu":
			mtu, err := strconv.Atoi(value)
			if err != nil || mtu <= 0 {
				return n, fmt.Errorf("mtu=%s: want a number of bytes", value)
			}
			n.Mtu = mtu
		case field == nil:
			return n, fmt.Errorf("%q: want ip=ADDRESS/BITS, gw=ADDRESS, mtu=BYTES or name=NAME%s", option, map[string]string{"ipvlan": ", mode=MODE or flag=FLAG", "veth": ", or mac=ADDRESS"}[kind])
		case value == "":
			return n, fmt.Errorf("%q: it has no value", option)
		case *field != "":
			return n, fmt.Errorf("%q: %s is there already; one of each family is possible", option, *field)
		default:
			*field = value
		}
	}
	if flag != "" && mode == "" {
		mode = "l2"
	}
	if mode != "" {
		n.Type += ":" + mode
	}
	if flag != "" {
		n.Type += "," + flag
	}
	return n, nil
}
