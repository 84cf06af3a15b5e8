package rtnl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CheckName refuses what can be no name of an interface. dev_valid_name of net/core/dev.c in
// the kernel
func CheckName(s string) error {
	switch {
	case s == "" || s == "." || s == "..":
		return fmt.Errorf("%q is no name of an interface", s)
	case len(s) >= unix.IFNAMSIZ:
		return fmt.Errorf("%q has %d bytes, and an interface's name at most %d", s, len(s), unix.IFNAMSIZ-1)
	case strings.ContainsAny(s, "/:% \t\n\v\f\r\x00"):
		return fmt.Errorf("%q is no name of an interface: it may not have a slash, a colon, a percent sign or a space", s)
	}
	return nil
}

// ParseMAC reads a hardware address, of six bytes in hexadecimal with colons.
func ParseMAC(s string) ([]byte, error) {
	mac := make([]byte, 0, 6)
	for part := range strings.SplitSeq(s, ":") {
		n, err := strconv.ParseUint(part, 16, 8)
		if err != nil || len(part) != 2 || part[0] == '+' {
			break
		}
		mac = append(mac, byte(n))
	}
	switch {
	case len(mac) != 6 || len(s) != 17:
		return nil, errors.New("want a hardware address such as 02:00:00:00:00:01")
	case mac[0]&1 != 0:
		return nil, errors.New("that is the hardware address of a group: the first byte has to be even")
	case string(mac) == strings.Repeat("\x00", 6):
		return nil, errors.New("a hardware address of zeros is none")
	}
	return mac, nil
}

// CheckGateway refuses a gateway that no address of an interface has beside it: the kernel finds
// its way to it through a network of the interface's alone. For IPv6 a link-local one, fe80::/10,
// is beside every interface.
func CheckGateway(gateway Addr, addresses []Prefix) error {
	if gateway.isLinkLocal() {
		return nil
	}
	same := false
	for _, p := range addresses {
		if p.Contains(gateway) {
			return nil
		}
		same = same || p.Addr.Is4() == gateway.Is4()
	}
	if !same {
		return fmt.Errorf("there is no %s address beside the gateway %v", map[bool]string{true: "IPv4", false: "IPv6"}[gateway.Is4()], gateway)
	}
	return fmt.Errorf("the gateway %v is in no network of the interface's addresses", gateway)
}
