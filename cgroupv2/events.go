package cgroupv2

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// ErrGone says that a group that was listened to has been removed.
var ErrGone = errors.New("the group is gone")

// MemoryWatch tells when the memory of a group runs out.
type MemoryWatch struct {
	w    *watch
	g    *Group
	last string
}

// WatchMemory starts to listen to memory.events, in which processes that are killed
// for want of memory are counted, those of groups below too. What has happened before is
// the first thing that [MemoryWatch.Next] returns.
func (g *Group) WatchMemory() (*MemoryWatch, error) {
	w, err := g.watch("memory.events", unix.O_RDONLY)
	if errors.Is(err, unix.ENOENT) {
		return nil, &ControllerError{Group: g.path, Controller: "memory"}
	}
	if err != nil {
		return nil, err
	}
	return &MemoryWatch{w: w, g: g}, nil
}

// Next returns the counts at once the first time, and then whenever one has changed. The error
// is [ErrGone] when the group has been removed, and that of ctx when it is done.
func (m *MemoryWatch) Next(ctx context.Context) (MemoryEvents, error) {
	const name = "memory.events"
	var e MemoryEvents
	for {
		text, err := readAll(m.w.fd)
		if gone(err) {
			return e, ErrGone
		}
		if err != nil {
			return e, m.g.failed(name, err)
		}
		if text != m.last {
			m.last = text
			flat, err := parseFlat(text)
			e.set(flat)
			return e, m.g.failed(name, err)
		}
		if _, err := m.w.wait(ctx); err != nil {
			return e, m.g.failed(name, err)
		}
	}
}

// Close ends it. No Next may be waiting.
func (m *MemoryWatch) Close() error { return m.w.close() }

// PressureWatch tells when a group waits too much.
type PressureWatch struct {
	w *watch
	g *Group
}

// Trigger says what too much is: Stall of waiting within a Window.
type Trigger struct {
	// Resource is "cpu", "memory" or "io".
	Resource string
	// Full is the time in which no process could run, instead of that in which one or
	// more waited.
	Full bool
	// Window is 500 ms to 10 s, and for a caller without CAP_SYS_RESOURCE a multiple
	// of 2 s, which needs Linux 6.5.
	Stall, Window time.Duration
}

// WatchPressure asks the kernel to say when a trigger is reached, at most once in a
// Window. https://docs.kernel.org/accounting/psi.html, Linux 5.2
func (g *Group) WatchPressure(t Trigger) (*PressureWatch, error) {
	name, value, err := t.words()
	if err != nil {
		return nil, fmt.Errorf("cgroup %s: %w", g.path, err)
	}
	w, err := g.watch(name, unix.O_RDWR|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	// The trigger lives as long as the descriptor; the kernel wants the byte 0 at the end.
	if _, err := unix.Write(w.fd, append([]byte(value), 0)); err != nil {
		hint := ""
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM) {
			hint = ": without CAP_SYS_RESOURCE the window is a multiple of 2 s, since Linux 6.5"
		}
		err = fmt.Errorf("cgroup %s: %s = %q: %w%s", g.path, name, value, err, hint)
		return nil, errors.Join(err, w.close())
	}
	return &PressureWatch{w: w, g: g}, nil
}

// words are the file and what is written into it.
func (t Trigger) words() (name, value string, err error) {
	switch t.Resource {
	case "cpu", "memory", "io":
	default:
		return "", "", fmt.Errorf("pressure of %q: want cpu, memory or io", t.Resource)
	}
	if t.Window < 500*time.Millisecond || t.Window > 10*time.Second || t.Stall <= 0 || t.Stall > t.Window {
		return "", "", fmt.Errorf("%v of pressure in %v: want a window of 500ms to 10s, and a part of it", t.Stall, t.Window)
	}
	kind := "some"
	if t.Full {
		kind = "full"
	}
	return t.Resource + ".pressure", fmt.Sprintf("%s %d %d", kind, t.Stall.Microseconds(), t.Window.Microseconds()), nil
}

// Next returns when the trigger is reached. The error is [ErrGone] when the group has
// been removed, and that of ctx when it is done.
func (p *PressureWatch) Next(ctx context.Context) error {
	events, err := p.w.wait(ctx)
	if err != nil {
		return p.g.failed("pressure", err)
	}
	if events&unix.POLLERR != 0 {
		return ErrGone
	}
	return nil
}

// Close ends it. No Next may be waiting.
func (p *PressureWatch) Close() error { return p.w.close() }
