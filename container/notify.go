package container

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
)

// NotifyOOM tells at once when memory of the container has run out from now on: a limit of
// its cgroup or of one above could not be kept by reclaim, and the kernel has killed a
// process for it. What is sent are the counts of memory.events, those of
// before included. Several kills may be one event when they come faster than they are received.
//
// The channel is closed when the container's first process has ended, its cgroup is
// gone, or ctx is done. Until then it has to be received from. The controller memory is
// enabled for the container if it is not; where that cannot be, the error is a
// [cgroupv2.ErrNoController], or the kernel's.
func (c *Container) NotifyOOM(ctx context.Context) (<-chan cgroupv2.MemoryEvents, error) {
	var l *listener
	var w *cgroupv2.MemoryWatch
	var last cgroupv2.MemoryEvents
	err := c.withGroup("events", func(v *view, g *cgroupv2.Group) (err error) {
		if err = g.Enable("memory"); err != nil {
			return err
		}
		if w, err = g.WatchMemory(); err != nil {
			return err
		}
		if last, err = w.Next(ctx); err == nil { // what has happened before
			l, err = c.listen(ctx, v)
		}
		if err != nil {
			err = errors.Join(err, w.Close())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	events := make(chan cgroupv2.MemoryEvents)
	go func() {
		defer close(events)
		defer l.close()
		defer w.Close()
		for over := false; !over; {
			e, err := w.Next(l.ctx)
			if err != nil && !errors.Is(err, cgroupv2.ErrGone) {
				// It has ended, and perhaps for want of memory: what stands there by now
				// is the last word.
				over = true
				e, err = w.Next(l.ctx)
			}
			if err != nil {
				return
			}
			// The kernel counts on the way to a kill and after it, too, each by itself.
			if e.OOMKill == last.OOMKill {
				continue
			}
			last = e
			select {
			case events <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events, nil
}

// NotifyPressure tells when processes of the container wait more than the trigger allows,
// at most once in its Window. The channel is closed as that of [Container.NotifyOOM] is.
func (c *Container) NotifyPressure(ctx context.Context, t cgroupv2.Trigger) (<-chan struct{}, error) {
	var l *listener
	var w *cgroupv2.PressureWatch
	err := c.withGroup("events", func(v *view, g *cgroupv2.Group) (err error) {
		if w, err = g.WatchPressure(t); err != nil {
			return err
		}
		if l, err = c.listen(ctx, v); err != nil {
			err = errors.Join(err, w.Close())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	events := make(chan struct{})
	go func() {
		defer close(events)
		defer l.close()
		defer w.Close()
		for w.Next(l.ctx) == nil {
			select {
			case events <- struct{}{}:
			case <-l.ctx.Done():
				return
			}
		}
	}()
	return events, nil
}

// listener has a context that is done when the first process of a container has ended.
type listener struct {
	ctx    context.Context
	cancel context.CancelFunc
	end    *os.File // a pidfd of the process
	over   chan struct{}
}

// listen begins to wait for the end. No thread waits: that of the Go runtime which waits
// for all descriptors looks after this one too. pidfd_open(2)
func (c *Container) listen(ctx context.Context, v *view) (*listener, error) {
	const op = "events"
	if v.status == Stopped || v.pidfd < 0 {
		return nil, c.refused(op, ContainerNotRunning)
	}
	fd, err := unix.FcntlInt(uintptr(v.pidfd), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		if err = unix.SetNonblock(fd, true); err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	l := &listener{end: os.NewFile(uintptr(fd), "pidfd"), over: make(chan struct{})}
	raw, err := l.end.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, l.end.Close())
	}
	l.ctx, l.cancel = context.WithCancel(ctx)
	go func() {
		defer close(l.over)
		defer l.cancel()
		_ = raw.Read(func(fd uintptr) bool { // its error is that of close
			gone, err := ended(int(fd))
			return gone || err != nil
		})
	}()
	return l, nil
}

// close ends it, also where the process lives.
func (l *listener) close() {
	l.cancel()
	_ = l.end.SetReadDeadline(time.Unix(1, 0))
	<-l.over
	_ = l.end.Close()
}
