package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/selfpipe"
)

// signals forwards signals to a container's first process.
//
// None may end this process while the container goes on as if nothing had happened. So
// they are caught before the container exists, while its configuration is read, and
// wait in a pipe until it does. One that comes even earlier ends this process, and
// there is nothing yet that it could leave behind.
type signals struct {
	pipe selfpipe.Pipe
	err  error // what went wrong so far

	// terminal gets what is about our terminal, where the container has one.
	terminal *terminal
}

// catchSignals begins to catch every signal that is not about this process itself.
func catchSignals() *signals {
	s := new(signals)
	s.pipe, s.err = selfpipe.Open()
	for n := unix.Signal(1); n <= selfpipe.Last && s.err == nil; n++ {
		switch n {
		case unix.SIGCHLD, // is about our child, not for it
			unix.SIGURG,  // the Go runtime interrupts its own threads with it
			unix.SIGPIPE, // is about what we have written ourselves
			// Who reads or writes a terminal from the background is stopped; who catches
			// the signal instead tries again for ever. termios(3), TOSTOP
			unix.SIGTTIN, unix.SIGTTOU,
			unix.SIGKILL, unix.SIGSTOP: // cannot be caught
		default:
			s.err = s.pipe.Catch(n)
		}
	}
	return s
}

// ready reports whether all are caught. Only then may there be a container.
func (s *signals) ready() error { return s.err }

// catchFor gives signals about our terminal to t, before it is touched: they are not
// forwarded then.
func (s *signals) catchFor(t *terminal) { s.terminal = t }

// child is a container's first process, or what knows how it ended.
type child interface {
	Wait() (unix.WaitStatus, error)
}

// wait passes on what is caught until the process has ended, and returns how it did. It
// is in the place of [nsexec.Process.Wait]: one thread waits for both, and Go needs no
// other.
func (s *signals) wait(process child, pidfd int) (unix.WaitStatus, error) {
	both := []unix.PollFd{
		{Fd: int32(s.pipe.FD()), Events: unix.POLLIN},
		{Fd: int32(pidfd), Events: unix.POLLIN},
	}
	var buffer [64]byte
	for {
		if _, err := unix.Poll(both, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return 0, fmt.Errorf("poll: %w", err)
		}
		if both[1].Revents != 0 {
			return process.Wait()
		}
		caught, err := s.pipe.Read(buffer[:])
		if err != nil {
			return 0, err
		}
		for _, n := range caught {
			if sig := unix.Signal(n); !s.terminal.signal(sig) {
				// A process that has ended needs no signal any more.
				_ = unix.PidfdSendSignal(pidfd, sig, nil, 0)
			}
		}
	}
}
