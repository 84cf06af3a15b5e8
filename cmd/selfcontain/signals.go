package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/selfpipe"
	"github.com/selfcontain/runtime/nsexec"
)

// signals forwards signals to a container's first process.
//
// None may end this process while the container goes on as if nothing had happened. So
// they are caught before the container exists, while its configuration is read, and
// wait in a pipe until it does. One that comes even earlier ends this process, and
// there is nothing yet that it could leave behind.
type signals struct{ pipe selfpipe.Pipe }

// catchSignals begins to catch every signal that can be.
func catchSignals() (signals, error) {
	pipe, err := selfpipe.Open()
	if err != nil {
		return signals{}, err
	}
	for n := unix.Signal(1); n <= selfpipe.Last; n++ {
		switch n {
		case unix.SIGCHLD, // is about our child, not for it
			unix.SIGURG,                // the Go runtime interrupts its own threads with it
			unix.SIGPIPE,               // is about what we have written ourselves
			unix.SIGKILL, unix.SIGSTOP: // cannot be caught
			continue
		}
		if err := pipe.Catch(n); err != nil {
			return signals{}, err
		}
	}
	return signals{pipe}, nil
}

// forward passes on what is caught until the process has ended, and returns how it did.
// One thread waits for both: that is the whole of it.
func (s signals) forward(process *nsexec.Process) (unix.WaitStatus, error) {
	wait := []unix.PollFd{
		{Fd: int32(s.pipe.FD()), Events: unix.POLLIN},
		{Fd: int32(process.PidFD()), Events: unix.POLLIN},
	}
	var buffer [64]byte
	for {
		if _, err := unix.Poll(wait, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return 0, fmt.Errorf("poll: %w", err)
		}
		if wait[1].Revents != 0 {
			return process.Wait()
		}
		caught, err := s.pipe.Read(buffer[:])
		if err != nil {
			return 0, err
		}
		for _, n := range caught {
			// A process that has ended needs no signal any more.
			_ = process.Signal(unix.Signal(n))
		}
	}
}
