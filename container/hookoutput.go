package container

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// outputKept is how much of a hook's output is kept: its end.
const outputKept = 4096

// lookAgain is how often one looks whether a hook is to be ended by somebody else.
const lookAgain = 50 * time.Millisecond

// attend reads what a process says until it has ended, its time is over (0 has no end), or over says
// so. That others still hold its output, which it may have left behind, does not keep anybody
// waiting. It has not been waited for then. The end of the pipe that is read does not block.
func attend(pidfd, out int, timeout time.Duration, over func() bool) (said string, err error) {
	end := time.Now().Add(timeout)
	output := tail{}
	list := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}, {Fd: int32(out), Events: unix.POLLIN}}
	for {
		wait := -1
		if over != nil {
			if over() {
				return output.String(), errOver
			}
			wait = int(lookAgain.Milliseconds())
		}
		if timeout > 0 {
			left := time.Until(end)
			if left <= 0 {
				return output.String(), fmt.Errorf("it has not ended within %v", timeout)
			}
			if ms := int((left + time.Millisecond - 1) / time.Millisecond); wait < 0 || ms < wait {
				wait = ms
			}
		}
		if _, err := unix.Poll(list, wait); err != nil && !errors.Is(err, unix.EINTR) {
			return output.String(), fmt.Errorf("poll: %w", err)
		}
		ended := list[0].Revents != 0
		if output.read(out) && !ended {
			list = list[:1] // it was closed
		}
		if ended {
			return output.String(), nil
		}
	}
}

// errOver is that of a hook which was ended because somebody destroys the container.
var errOver = errors.New("it was ended: the container is destroyed by force")

// tail is the end of what was read.
type tail struct{ b []byte }

// read takes what there is, and reports whether that was the end of it.
func (t *tail) read(fd int) (closed bool) {
	var b [outputKept]byte
	// One that writes without end must not keep us from looking at the time.
	for range 16 {
		n, err := unix.Read(fd, b[:])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return !errors.Is(err, unix.EAGAIN)
		case n == 0:
			return true
		}
		t.b = append(t.b, b[:n]...)
		t.b = t.b[max(0, len(t.b)-outputKept):]
	}
	return false
}

func (t *tail) String() string { return string(t.b) }
