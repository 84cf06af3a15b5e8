package cgroupv2

import (
	"fmt"
	"strings"
)

// Any is every number of a device, in a [DeviceRule].
const Any = -1

// DeviceRule says whether some device files may be opened or made. It is about numbers: where
// the file lies does not matter.
type DeviceRule struct {
	Allow bool
	// Type is "c" for character devices, "b" for block devices, "a" or empty for both.
	Type string
	// Major and Minor are the device's numbers, or [Any].
	Major, Minor int64
	// Access is some of the letters r, w and m: to read, to write, to make with
	// mknod(2). Empty is all three.
	Access string
}

// DefaultDevices are what every container may use: the devices that the OCI runtime
// specification puts into it, and terminals. Any node may be made, which gives
// nothing as long as it cannot be opened.
func DefaultDevices() []DeviceRule {
	return []DeviceRule{
		{Allow: true, Major: Any, Minor: Any, Access: "m"},
		{Allow: true, Type: "c", Major: 1, Minor: 3},     // null
		{Allow: true, Type: "c", Major: 1, Minor: 5},     // zero
		{Allow: true, Type: "c", Major: 1, Minor: 7},     // full
		{Allow: true, Type: "c", Major: 1, Minor: 8},     // random
		{Allow: true, Type: "c", Major: 1, Minor: 9},     // urandom
		{Allow: true, Type: "c", Major: 5, Minor: 0},     // tty
		{Allow: true, Type: "c", Major: 5, Minor: 1},     // console
		{Allow: true, Type: "c", Major: 5, Minor: 2},     // ptmx
		{Allow: true, Type: "c", Major: 136, Minor: Any}, // /dev/pts/N
	}
}

// DeviceFilter is the usual filter: nothing is allowed but what rules allow, and the
// default devices in any case.
func DeviceFilter(rules []DeviceRule) (Filter, error) {
	return NewFilter(append(rules[:len(rules):len(rules)], DefaultDevices()...))
}

// String is the rule as cgroup v1 wrote it, such as "allow c 1:3 rwm".
func (r DeviceRule) String() string {
	word, kind, access := "deny", r.Type, r.Access
	if r.Allow {
		word = "allow"
	}
	if kind == "" {
		kind = "a"
	}
	if access == "" {
		access = "rwm"
	}
	number := func(n int64) string {
		if n == Any {
			return "*"
		}
		return fmt.Sprint(n)
	}
	return word + " " + kind + " " + number(r.Major) + ":" + number(r.Minor) + " " + access
}

// The kernel's numbers, BPF_DEVCG_DEV_* and BPF_DEVCG_ACC_* of linux/bpf.h.
const (
	devBlock = 1
	devChar  = 2

	accMknod = 1
	accRead  = 2
	accWrite = 4
	accAll   = accMknod | accRead | accWrite
)

// numbers is a rule in the kernel's numbers; kind 0 is any.
type numbers struct {
	allow        bool
	kind, access int32
	major, minor int64
}

func (r DeviceRule) numbers() (n numbers, err error) {
	n = numbers{allow: r.Allow, major: r.Major, minor: r.Minor}
	switch r.Type {
	case "", "a":
	case "b":
		n.kind = devBlock
	case "c":
		n.kind = devChar
	default:
		return n, fmt.Errorf("type %q: want a, b or c", r.Type)
	}
	if r.Major < Any || r.Major > majorMax {
		return n, fmt.Errorf("major %d: want 0 to %d, or %d for any", r.Major, majorMax, Any)
	}
	if r.Minor < Any || r.Minor > minorMax {
		return n, fmt.Errorf("minor %d: want 0 to %d, or %d for any", r.Minor, minorMax, Any)
	}
	for _, letter := range r.Access {
		i := strings.IndexRune("mrw", letter)
		if i < 0 {
			return n, fmt.Errorf("access %q: want letters of rwm", r.Access)
		}
		n.access |= 1 << i
	}
	if n.access == 0 {
		n.access = accAll
	}
	return n, nil
}

// everything reports whether a rule decides about every device and every access, so
// that rules before it mean nothing.
func (n numbers) everything() bool {
	return n.kind == 0 && n.major == Any && n.minor == Any && n.access == accAll
}
