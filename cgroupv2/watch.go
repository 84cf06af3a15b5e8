package cgroupv2

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long is waited for what takes the kernel milliseconds, when the
// caller does not say.
const patience = 10 * time.Second

// bounded gives a context an end, if it has none.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, patience)
}

// watch waits for changes of a file of a group. The kernel answers poll(2) on such a
// file with POLLPRI when it has changed since it was read, and for ever when its
// group is gone.
type watch struct {
	fd   int
	wake int // an eventfd, which a context that is done makes readable
}

func (g *Group) watch(name string, flags uint64) (*watch, error) {
	fd, err := openBelow(g.fd, name, flags)
	if err != nil {
		return nil, g.failed(name, err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("eventfd: %w", err), unix.Close(fd))
	}
	return &watch{fd: fd, wake: wake}, nil
}

func (w *watch) close() error { return errors.Join(unix.Close(w.fd), unix.Close(w.wake)) }

// wait returns what poll has seen. Only one goroutine may wait.
func (w *watch) wait(ctx context.Context) (events int16, err error) {
	if err := ctx.Err(); err != nil {
		return 0, context.Cause(ctx)
	}
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		unix.Write(w.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	fds := []unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLPRI}, {Fd: int32(w.wake), Events: unix.POLLIN}}
	for {
		_, err = unix.Poll(fds, -1)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if !stop() { // or it would write into whatever has the descriptor's number next
		<-woken
		unix.Read(w.wake, make([]byte, 8))
		return 0, context.Cause(ctx)
	}
	return fds[0].Revents, err
}

// await waits until a word of cgroup.events is value.
func (g *Group) await(ctx context.Context, key string, value uint64) error {
	const name = "cgroup.events"
	w, err := g.watch(name, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer w.close()
	for {
		text, err := readAll(w.fd)
		if err != nil {
			return g.failed(name, err)
		}
		events, err := parseFlat(text)
		if err != nil {
			return g.failed(name, err)
		}
		if events[key] == value {
			return nil
		}
		if _, err := w.wait(ctx); err != nil {
			return g.failed(fmt.Sprintf("waiting for %s %d", key, value), err)
		}
	}
}
