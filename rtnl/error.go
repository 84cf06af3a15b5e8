package rtnl

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Error is a request that failed.
type Error struct {
	Request Request
	// Err is why: an errno of the kernel's is in it ([errors.Is]).
	Err error
}

// Error is one line: the request, what the kernel has said, and what to do.
func (e *Error) Error() string { return e.Request.String() + ": " + e.Err.Error() + e.hint() }

// Unwrap is why.
func (e *Error) Unwrap() error { return e.Err }

// hint says what most likely is the matter.
func (e *Error) hint() string {
	is := func(errno unix.Errno) bool { return errors.Is(e.Err, errno) }
	if is(unix.EPERM) {
		return ": it needs CAP_NET_ADMIN on the host's side and in the container's user namespace"
	}
	switch r := e.Request.(type) {
	case Link:
		return r.hint(is)
	case Device:
		return Link{Name: r.Name, MoveIn: true}.hint(is)
	case Address:
		switch {
		case is(unix.EEXIST):
			return ": the interface has this address already"
		case is(unix.EADDRINUSE):
			return ": another ipvlan of the same master has this address"
		case !r.Prefix.Addr.Is4() && (is(unix.EOPNOTSUPP) || is(unix.EACCES)):
			return ": IPv6 is switched off (ipv6.disable of the kernel, disable_ipv6 of the interface)"
		}
	case Route:
		switch {
		case is(unix.EEXIST):
			return ": there is a route to the same place already"
		case is(unix.ENETUNREACH), is(unix.EHOSTUNREACH):
			return ": no network of the interface has the gateway: it needs an address beside it"
		case is(unix.EINVAL) && !r.Source.isZero():
			return ": the source has to be an address of the container's"
		}
	case Sysctl:
		if is(unix.ENOENT) {
			return ": this kernel has no such parameter for the interface; without IPv6 it has none of net.ipv6"
		}
	}
	return ""
}

func (l Link) hint(is func(unix.Errno) bool) string {
	switch {
	case is(unix.EEXIST) && l.Kind == "veth":
		return ": one of the two names is taken: " + l.Name + " on the host's side, or " + l.Peer.Name + " in the container"
	case is(unix.EEXIST):
		return ": the container has an interface of that name already"
	case is(unix.EOPNOTSUPP) && l.Kind != "":
		return ": this kernel has no " + l.Kind + ": modprobe " + l.Kind + " loads the module, if there is one"
	case is(unix.EBUSY) && l.Kind == "ipvlan":
		return ": something else has taken " + l.On + ": a macvlan stands on it, or it is a port of a bridge or of a bond. An interface is the master of ipvlans or of macvlans, not of both"
	case is(unix.EINVAL) && l.Kind == "ipvlan" && l.MTU > 0:
		return ": the MTU may not be above that of " + l.On
	case is(unix.ENODEV) && l.MoveIn:
		return ": there is no interface " + l.Name + " on the host's side"
	case is(unix.EINVAL) && l.MoveIn:
		return ": the kernel does not move this kind of interface to another network namespace"
	case is(unix.ERANGE), is(unix.EINVAL) && l.MTU > 0:
		return ": the MTU is outside of what the interface takes"
	case is(unix.EADDRNOTAVAIL):
		return ": that is no hardware address of a single interface: its first byte has to be even, and not all may be 0"
	}
	return ""
}
