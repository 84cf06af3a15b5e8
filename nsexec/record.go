package nsexec

import (
	"time"

	"golang.org/x/sys/unix"
)

// Record is when everything of a start was done, on the clock CLOCK_MONOTONIC. A nil
// Record costs a comparison at each of its points.
type Record struct {
	// Host is the caller's side, in the order in which it ended.
	Host []HostTiming
	// Ops are the image's operations, as [Process.Trace] says; empty for an image
	// that is not traced, and where the process did not come to life.
	Ops []Timing
	// At is the operation at which the image ended: an exec, an exit, or what failed.
	At int
}

// HostTiming is one thing that the caller's side did.
type HostTiming struct {
	What          RecordPoint
	Before, After time.Duration
	// Err is what it has failed with.
	Err error
}

// RecordPoint is what the caller's side does during a start.
type RecordPoint string

const (
	// RecordImage is the writing of the image into a file in memory.
	RecordImage RecordPoint = "image"
	// RecordClone is clone3, until the child has executed the image: the caller's
	// thread stands still so long.
	RecordClone RecordPoint = "clone"
	// RecordFollow is the change from a first process to the one that it has made.
	RecordFollow RecordPoint = "follow"
	// RecordSync is the caller's part at a sync point.
	RecordSync RecordPoint = "sync"
	// RecordLook is the look at the report once the program runs, or has failed.
	RecordLook RecordPoint = "look"
)

// Now is the time on the clock of a Record.
func Now() time.Duration {
	var ts unix.Timespec
	// It fails for a clock that does not exist, and this one does.
	_ = unix.ClockGettime(clockMonotonic, &ts)
	return time.Duration(ts.Nano())
}

func (r *Record) now() time.Duration {
	if r == nil {
		return 0
	}
	return Now()
}

// host adds what has been done since a time.
func (r *Record) host(since time.Duration, what RecordPoint, err error) {
	if r != nil {
		r.Host = append(r.Host, HostTiming{what, since, Now(), err})
	}
}

// read takes the image's times out of the report of a process that has started or
// failed. Where they cannot be read there are none: that is no reason for a start
// to fail.
func (r *Record) read(p *Process) {
	if r == nil || p.pid == 0 {
		return
	}
	r.Ops, _ = p.Trace()
	r.At, _, _ = p.position()
}
