package cgroupv2

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Set writes limits, in this order, and enables the controllers they need. It may be used
// while processes run. When one cannot be written, those before it are set back to
// what they were, and the error says which one it was; controllers stay enabled.
func (g *Group) Set(files []File) error {
	return g.SetThen(files, func() error { return nil })
}

// SetThen is Set, and then: what belongs to the same change and is no file of the group's,
// such as a [Filter]. If that fails all limits are set back as well.
func (g *Group) SetThen(files []File, then func() error) error {
	if err := g.enableFor(files); err != nil {
		return err
	}
	var done []File // what sets it back
	for _, f := range files {
		undo, err := g.setOne(f)
		if err != nil {
			return g.setBack(done, err)
		}
		done = append(done, undo...)
	}
	if err := then(); err != nil {
		return g.setBack(done, err)
	}
	return nil
}

func (g *Group) enableFor(files []File) error {
	var names []string
	for _, f := range files {
		if !f.Optional {
			names = append(names, f.Controller)
		}
	}
	err := g.Enable(names...)
	var missing *ControllerError
	if errors.As(err, &missing) {
		for _, f := range files {
			if f.Controller == missing.Controller {
				missing.Origin = f.Origin
				break
			}
		}
	}
	return err
}

// setOne writes one file and returns what sets it back.
func (g *Group) setOne(f File) (undo []File, err error) {
	before, err := readFile(g.fd, f.Name)
	switch {
	case errors.Is(err, unix.ENOENT) && f.Instead != nil:
		return g.setOne(*f.Instead)
	case errors.Is(err, unix.ENOENT) && f.Optional:
		return nil, nil
	case errors.Is(err, unix.ENOENT):
		return nil, fmt.Errorf("%s: cgroup %s: %s: %w: this kernel has no such file", f.Origin, g.path, f.Name, err)
	case err == nil:
		undo = g.setsBack(f, before)
	}
	// What cannot be read, such as memory.reclaim, cannot be set back.
	if f.NotBelow != "" {
		if err := g.notBelow(f); err != nil {
			return nil, err
		}
	}
	err = writeFile(g.fd, f.Name, f.Value)
	if errors.Is(err, unix.EOPNOTSUPP) && f.Instead != nil { // BFQ is loaded, but not this disk's scheduler
		return g.setOne(*f.Instead)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: cgroup %s: %s = %q: %w%s", f.Origin, g.path, f.Name, f.Value, err, setHint(f, err))
	}
	return undo, nil
}

// notBelow compares the value with what the group uses.
func (g *Group) notBelow(f File) error {
	text, err := g.read(f.NotBelow)
	if err != nil {
		return err
	}
	used, err := parseNumber(text)
	if err != nil {
		return g.failed(f.NotBelow, err)
	}
	value, err := parseNumber(f.Value)
	if err != nil {
		return g.failed(f.Name, err)
	}
	if value < used {
		return fmt.Errorf("%s: cgroup %s: %s is %d already, more than %d: the limit is left as it was", f.Origin, g.path, f.NotBelow, used, value)
	}
	return nil
}

// setsBack are the writes that undo f, the last one first, in a file that had this text before.
func (g *Group) setsBack(f File, before string) []File {
	back := setsBack(f, before)
	switch {
	case f.Name == "cpu.idle" && back.Value == "0":
		// The kernel forgets the weight of a group that is idle.
		if weight, err := readFile(g.fd, "cpu.weight"); err == nil {
			return []File{setsBack(File{Name: "cpu.weight"}, weight), back}
		}
	case f.Controller == "cpuset" && back.Value == "":
		// Once somebody is in the group the kernel lets nobody empty the list (ENOSPC). What it
		// meant was this one.
		if list, err := readFile(g.fd, f.Name+".effective"); err == nil {
			same := setsBack(f, list)
			back.Instead = &same
		}
	}
	return []File{back}
}

// setBack undoes what was done before err.
func (g *Group) setBack(done []File, err error) error {
	for _, f := range slices.Backward(done) {
		e := g.write(f.Name, f.Value)
		if errors.Is(e, unix.ENOSPC) && f.Instead != nil {
			e = g.write(f.Instead.Name, f.Instead.Value)
		}
		if e != nil {
			err = fmt.Errorf("%w; not set back: %w", err, e)
		}
	}
	return err
}

// keyed reports whether a file has a line for each device, and what a line has that nobody
// has set.
func keyed(name string) (unset string, ok bool) {
	switch name {
	case "io.max":
		return "rbps=max wbps=max riops=max wiops=max", true
	case "io.weight", "io.bfq.weight":
		return "default", true
	case "io.latency":
		return "target=0", true
	case "rdma.max":
		return "hca_handle=max hca_object=max", true
	case "misc.max":
		return "max", true
	}
	return "", false
}

// setsBack is the write that undoes f, in a file that had this text before.
func setsBack(f File, before string) File {
	f.Instead = nil
	unset, ok := keyed(f.Name)
	if !ok {
		f.Value = strings.TrimSuffix(before, "\n")
		return f
	}
	key, _, ok := strings.Cut(f.Value, " ")
	if !ok { // a weight alone
		key = "default"
	}
	f.Value = key + " " + unset
	for line := range strings.Lines(before) {
		if line = strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, key+" ") {
			f.Value = line
		}
	}
	return f
}

// setHint says what a refusal most likely means.
func setHint(f File, err error) string {
	switch {
	case errors.Is(err, unix.ENODEV) && f.Controller == "io":
		return ": there is no such disk, or it is a partition, of which the whole disk is to be named"
	case errors.Is(err, unix.EOPNOTSUPP) && f.Name == "io.weight":
		return ": the disk has no scheduler that knows weights: write bfq to /sys/block/DISK/queue/scheduler, or set io.cost.qos up"
	case errors.Is(err, unix.ENODEV):
		return ": there is no such device"
	case f.Controller == "cpuset" && (errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ERANGE)):
		return ": this machine has fewer, or the group above may not use them"
	case f.Name == "cpu.max" && errors.Is(err, unix.EINVAL):
		return ": the kernel wants a quota of 1000 microseconds or more, not below the burst"
	case f.Name == "cpu.max.burst" && errors.Is(err, unix.EINVAL):
		return ": the kernel wants a burst that is not above the quota"
	}
	return ""
}
