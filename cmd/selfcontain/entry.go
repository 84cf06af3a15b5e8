package main

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
)

// A command that lives for some milliseconds has no use for much that Go's runtime does for
// programs with a long life, and what it does before main nothing in Go can change. So
// `make` links it with an entry point of its own, which does three things and goes on
// to Go's:
//
//   - The timers of this process may be late. The monitor thread of Go's scheduler wakes every
//     20 microseconds in its first milliseconds, to see whether somebody computes for too long:
//     sixty times in a "run", for nothing, and a timer is expensive in a virtual machine.
//   - The environment has one variable more, for one processor. There is nothing that two
//     threads would do at a time, and the runtime starts two fewer.
//   - Until the first package is initialised no file can be opened but the standard ones: the
//     soft limit is lower. The runtime reads five files of /proc and /sys to find a quota of
//     its cgroup, which says how many processors it should use where nobody has told it. Where
//     it can open none it goes on without.
//
// What the command starts is not to notice: it gets the timers that the command was started
// with ([global.probe]), its variables ([ownEnvironment]), and package nofile has given the limit
// back by then. A command that was linked without works as well, 20 % slower.

// patientSlack is how late timers may be then, in nanoseconds.
//
//lint:ignore U1000 the assembler takes it
const patientSlack = 20_000_000

// standardFiles is that soft limit of open files.
//
//lint:ignore U1000 the assembler takes it
const standardFiles = 3

// startSlack is how late they could be before, and 0 where the entry point was Go's. The entry
// point writes it. PR_SET_TIMERSLACK(2const)
var startSlack uint64

// oneProcessor is the value of GOMAXPROCS that the entry point sets; nobody else writes a 1 like
// that. Where the caller has set it, his stands in front, and counts.
const oneProcessor = "01"

// leaveEntry gives the first thread, which calls it, its own slack back, and returns that. The
// threads that there are besides stay patient, and those that they make.
func leaveEntry() (slack uint64) {
	if startSlack != 0 {
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(startSlack), 0, 0, 0) // what it was before is allowed
	}
	return startSlack
}

// ownEnvironment is that of this command, without what the entry point has added.
func ownEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return v == "GOMAXPROCS="+oneProcessor })
}

// probe asks the machine by one of package container's functions, and knows how late the
// timers of what this command starts may be.
func (g *global) probe(ask func() (container.Host, error)) (container.Host, error) {
	host, err := ask()
	host.TimerSlack = g.slack
	return host, err
}

// growStack makes the stack as large as a "run" needs, at once. It would grow three times
// otherwise, and be copied, with all of a deep call's frames.
func growStack()
