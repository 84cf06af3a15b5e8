package container

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// emitClocks makes the time namespace. It can be changed only until somebody is in it,
// which is at the next fork. time_namespaces(7), Linux 5.6
func (c *compiler) emitClocks() {
	if !c.isNew(clone.NEWTIME) {
		return
	}
	c.b.From("linux.namespaces")
	c.b.Add(prog.Op{
		Call: prog.Unshare, Args: prog.Args{prog.Int(unix.CLONE_NEWTIME)}, Why: "for the process that is forked",
		Hint: "EINVAL: the kernel is built without time namespaces; ENOSPC: user.max_time_namespaces is reached",
	})
	text := offsets(c.spec.TimeOffsets)
	if text == "" {
		return
	}
	c.b.From("linux.timeOffsets")
	// The file belongs to root of the whole machine where the process is not dumpable.
	open := func(v uint64, why string) {
		if c.joinsUser() {
			c.b.Add(prog.Op{Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_DUMPABLE), prog.Int(v)}, Why: why})
		}
	}
	open(1, "its own files in /proc are its own; no process of the container's sees it yet")
	fd := mounts.OpenProc(c.b, c.hostProc(), "self/timens_offsets", unix.O_WRONLY)
	c.b.Add(prog.Op{
		Call: prog.Write, Args: prog.Args{fd, prog.Str(text), prog.Int(len(text))}, Why: "the clocks of the time namespace",
		Hint: "ERANGE: the clock would stand before 0, or later than 146 years from now",
	})
	open(0, "it holds descriptors of the host: nobody may trace it")
}

// clocks are the clocks of a time namespace by their names in /proc/PID/timens_offsets.
var clocks = [...]string{"monotonic", "boottime"}

// offsets is what is written there.
func offsets(m map[string]TimeOffset) (text string) {
	for _, clock := range clocks {
		if o, ok := m[clock]; ok {
			text += fmt.Sprintf("%s %d %d\n", clock, o.Secs, o.Nanosecs)
		}
	}
	return text
}

// checkClocks refuses offsets that cannot be set.
func (c *compiler) checkClocks(wrong refuse) {
	if len(c.spec.TimeOffsets) == 0 {
		return
	}
	switch {
	case c.spec.Namespaces.PathOf(clone.NEWTIME) != "":
		wrong("linux.timeOffsets", "the time namespace is joined: its clocks were set when it was made")
	case !c.isNew(clone.NEWTIME):
		wrong("linux.timeOffsets", "there is no new time namespace whose clocks these could be")
	}
	for name, o := range c.spec.TimeOffsets {
		if !slices.Contains(clocks[:], name) {
			wrong("linux.timeOffsets", "%q is no clock of a time namespace: want monotonic or boottime", name)
		}
		if o.Nanosecs >= 1e9 {
			wrong("linux.timeOffsets."+name, "%d nanoseconds are a second or more", o.Nanosecs)
		}
	}
}
