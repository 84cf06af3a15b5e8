package cgroupv2

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Resources are the limits of a group, with the meaning that linux.resources of the
// OCI runtime specification gives them. The zero value asks for nothing and touches
// no controller. Numbers are those of cgroup v1 where the specification says so;
// [Resources.Files] has the conversions.
type Resources struct {
	Memory Memory
	CPU    CPU
	// Pids is the number of processes and threads: nil leaves it alone, -1 is no
	// limit, 0 lets nothing be born. Before version 1.3 of the specification 0 meant
	// no limit: who reads such a configuration writes -1 here. pids.max, Linux 4.5
	Pids    *int64
	BlockIO BlockIO
	// Hugepages are limits of huge pages, one for each size.
	Hugepages []Hugepages
	// RDMA are limits by the name of the device.
	RDMA    map[string]RDMA
	Network Network
	// Unified are values by the name of the group's file. They are written after all
	// others, in the order of their names, a line at a time.
	Unified map[string]string
	// Devices are rules for device files, the last one that fits decides. They are no
	// files: see [NewFilter].
	Devices []DeviceRule
}

// Network has what cgroup v2 does not have: packets are told apart by their group
// itself (the cgroup match of nftables). Anything set is an error.
type Network struct {
	// ClassID is net_cls.classid; 0 is none.
	ClassID uint32
	// Priorities are net_prio.ifpriomap.
	Priorities map[string]uint32
}

// File is one write into a file of a group.
type File struct {
	// Name is the file and Value what is written, without a line feed at its end.
	Name, Value string
	// Controller has to be enabled for the file to be there. Empty for the files that
	// every group has.
	Controller string
	// Origin is the line of the configuration that asks for it.
	Origin string
	// Instead is written where the group has no file of this name.
	Instead *File
	// Optional is passed over where the group has no such file: it has no such limit, and
	// what is asked for is how it is without one. No controller is enabled for it.
	Optional bool
	// NotBelow names a file with a number. If it is above Value nothing is written,
	// and setting fails.
	NotBelow string
}

// String is the file as a shell would write it.
func (f File) String() string { return f.Name + " = " + f.Value }

// Files says what is to be written for r, in this order. It is pure: what the kernel
// has is found out by [Group.Set]. What cgroup v2 cannot express is an error that
// names the line of the configuration; all of them are reported together.
func (r *Resources) Files() ([]File, error) {
	l := &lister{}
	r.Memory.list(l)
	r.CPU.list(l)
	if r.Pids != nil {
		l.limit("pids.limit", "pids.max", *r.Pids)
	}
	r.BlockIO.list(l)
	for i := range r.Hugepages {
		r.Hugepages[i].list(l, i)
	}
	listRDMA(l, r.RDMA)
	if r.Network.ClassID != 0 {
		l.cannot("network.classID", "cgroup v2 has no network classes: match the group itself with nftables")
	}
	if len(r.Network.Priorities) != 0 {
		l.cannot("network.priorities", "cgroup v2 has no network priorities: match the group itself with nftables")
	}
	listUnified(l, r.Unified)
	return l.files, errors.Join(l.errs...)
}

// Asks reports whether r asks for limits, so that a group is needed; if only for some that
// cannot be had. That there be no limit is how it is without a group. Device rules are no
// limit: who may make a group may still not be allowed to load a filter.
func (r *Resources) Asks() bool {
	files, err := r.Files()
	return err != nil || slices.ContainsFunc(files, func(f File) bool { return !f.Optional })
}

// lister collects the files and what is wrong.
type lister struct {
	files []File
	errs  []error
}

// origin is where the properties stand in a configuration.
const origin = "linux.resources."

func (l *lister) wrong(property, format string, args ...any) {
	l.errs = append(l.errs, &LimitError{Origin: origin + property, Problem: fmt.Sprintf(format, args...)})
}

// cannot is about what cgroup v1 had.
func (l *lister) cannot(property, problem string) {
	l.errs = append(l.errs, &LimitError{Origin: origin + property, Problem: problem, Unsupported: true})
}

// LimitError is a limit that cannot be set.
type LimitError struct {
	// Origin is the line of the configuration that asks for it, and Problem what is the
	// matter with it.
	Origin, Problem string
	// Unsupported says that it is right, and that cgroup v2 has no such thing. errors.Is
	// says [errors.ErrUnsupported] of it.
	Unsupported bool
}

// Error is one line.
func (e *LimitError) Error() string { return e.Origin + ": " + e.Problem }

// Is makes errors.Is(err, errors.ErrUnsupported) true.
func (e *LimitError) Is(target error) bool { return e.Unsupported && target == errors.ErrUnsupported }

// file is a write for a property; the controller is the first word of the name.
func file(property, name, value string) File {
	controller, _, _ := strings.Cut(name, ".")
	if controller == "cgroup" {
		controller = ""
	}
	return File{Name: name, Value: value, Controller: controller, Origin: origin + property}
}

func (l *lister) add(property, name, value string) {
	l.files = append(l.files, file(property, name, value))
}

// limit adds a number that -1 takes away. A group that does not have the controller has no
// limit to be taken away.
func (l *lister) limit(property, name string, n int64) {
	switch {
	case n < -1:
		l.wrong(property, "%d is below 0: -1 takes the limit away", n)
	case n == -1:
		l.add(property, name, "max")
		l.files[len(l.files)-1].Optional = true
	default:
		l.add(property, name, strconv.FormatInt(n, 10))
	}
}

// inRange reports whether n is in the range, and if not, says so.
func inRange[N cmp.Ordered](l *lister, property string, n, low, high N) bool {
	if n < low || n > high {
		l.wrong(property, "%v: want %v to %v", n, low, high)
		return false
	}
	return true
}
