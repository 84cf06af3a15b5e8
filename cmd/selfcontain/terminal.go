package main

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// terminal connects the terminal of a container with the standard streams of this
// command, as long as the container runs. Where standard input is a terminal, its keys
// go to the container one by one and unchanged: ^C and ^Z act inside. The window has the
// size of ours, also when that changes, unless the configuration has asked for one.
//
//	t := newTerminal(os.Stdin, os.Stdout)
//	defer t.close()                          // ours is as it was before
//	signals.catchFor(t)                      // before Start: those about our terminal are not forwarded
//	process, err := plan.Start(container.Stdio{Console: t.attach})
//	status, err := signals.wait(process, process.PidFD())
//	t.drain()                                // what it has written last
//
// Where standard input is no terminal, what comes is typed into the container's, and at
// its end the key for the end of file: ^D, twice behind half a line, of which the first
// only hands that over. A program that reads lines sees the end of its input then.
type terminal struct {
	in, out int
	modes   modes    // of our own terminal
	master  *os.File // nil until there is a container
	copied  chan struct{}
	wake    [2]*os.File // closed to end the copying of what comes in
}

// newTerminal changes nothing yet.
func newTerminal(in, out *os.File) *terminal {
	return &terminal{in: int(in.Fd()), out: int(out.Fd()), modes: modes{fd: int(in.Fd())}, copied: make(chan struct{})}
}

// attach takes the master of the container's terminal, and begins to copy. It is for
// [container.Stdio], which calls it before the program runs.
func (t *terminal) attach(master *os.File) error {
	pollable, err := nonblocking(master)
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return errors.Join(err, pollable.Close())
	}
	t.master, t.wake = pollable, [2]*os.File{r, w}
	if size, err := t.size(); err == nil && size.Row == 0 && size.Col == 0 {
		t.resize()
	}
	// What is written to a file or a pipe has the lines that it would have without a
	// terminal. Ours, which may be raw, needs the carriage returns.
	if !isTerminal(t.out) {
		t.control(func(fd int) { err = bareNewlines(fd) })
	}
	if err != nil {
		return errors.Join(err, r.Close())
	}
	if err := t.modes.raw(); err != nil {
		return errors.Join(err, r.Close())
	}
	go t.guard(t.copyOut)
	go t.guard(t.copyIn)
	return master.Close()
}

// nonblocking is the same open file under another number, in a form for which Go's
// poller waits: Close and deadlines end a Read then.
func nonblocking(f *os.File) (*os.File, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	control := conn.Control(func(from uintptr) {
		if fd, err = unix.FcntlInt(from, unix.F_DUPFD_CLOEXEC, 3); err == nil {
			err = unix.SetNonblock(fd, true)
		}
	})
	if err = errors.Join(control, err); err != nil {
		if fd >= 0 {
			unix.Close(fd)
		}
		return nil, err
	}
	return os.NewFile(uintptr(fd), "master"), nil
}

// guard runs a goroutine whose panic would end this process with a terminal in which
// nobody sees what he types.
func (t *terminal) guard(run func()) {
	defer func() {
		if r := recover(); r != nil {
			t.modes.restore()
			panic(r)
		}
	}()
	run()
}

// copyOut copies what the container writes, until nobody is left who could write.
// The master says EIO then, perhaps a moment before what was written last can be read: the
// kernel looks for that first, and then whether the other end is closed. If the copy cannot
// be written any more the container's terminal hangs up, as a terminal does when its user is
// gone.
func (t *terminal) copyOut() {
	defer close(t.copied)
	b := make([]byte, 32<<10)
	for {
		n, err := t.master.Read(b)
		if n > 0 && !writeAll(t.out, b[:n]) {
			t.master.Close()
			return
		}
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, unix.EIO) {
				t.copyRest(b)
			}
			return
		}
	}
}

// copyRest copies what is there already. To ask with poll(2) makes the kernel look at
// what its writers have left behind, drivers/tty/n_tty.c.
func (t *terminal) copyRest(b []byte) {
	t.control(func(fd int) {
		for {
			ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			if n, err := unix.Poll(ready, 0); errors.Is(err, unix.EINTR) {
				continue
			} else if err != nil || n == 0 || ready[0].Revents&unix.POLLIN == 0 {
				return
			}
			n, err := unix.Read(fd, b)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil || n <= 0 || !writeAll(t.out, b[:n]) {
				return
			}
		}
	})
}

// writeAll writes with write(2): to os.Stdout a write without a reader would end this
// process at once.
func writeAll(fd int, b []byte) bool {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1); err != nil && !errors.Is(err, unix.EINTR) {
				return false
			}
		case err != nil:
			return false
		default:
			b = b[n:]
		}
	}
	return true
}

// copyIn copies what comes for the container. It reads only when there is something: a
// read that waits would swallow the first key that is meant for somebody else.
func (t *terminal) copyIn() {
	b := make([]byte, 4<<10)
	last := byte('\n')
	wake := int(t.wake[0].Fd())
	defer t.wake[0].Close()
	for {
		ready := []unix.PollFd{{Fd: int32(t.in), Events: unix.POLLIN}, {Fd: int32(wake), Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, -1); errors.Is(err, unix.EINTR) {
			continue
		} else if err != nil || ready[1].Revents != 0 {
			return
		}
		n, err := unix.Read(t.in, b)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case err != nil, n == 0:
			t.typeEnd(last)
			return
		}
		last = b[n-1]
		if _, err := t.master.Write(b[:n]); err != nil {
			return
		}
	}
}

// typeEnd types the key for the end of file. The master answers for its slave.
// termios(3), VEOF
func (t *terminal) typeEnd(last byte) {
	var key byte
	t.control(func(fd int) {
		if modes, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			key = modes.Cc[unix.VEOF]
		}
	})
	keys := []byte{key, key}
	switch {
	case key == 0: // _POSIX_VDISABLE: there is no such key
		return
	case last == '\n':
		keys = keys[:1]
	}
	// If the container has ended it needs no end of its input.
	_, _ = t.master.Write(keys)
}

// control calls f with the master.
func (t *terminal) control(f func(fd int)) {
	if conn, err := t.master.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { f(int(fd)) }) // it is closed: there is nothing to do
	}
}

// size is that of the container's window.
func (t *terminal) size() (size unix.Winsize, err error) {
	t.control(func(fd int) {
		if s, e := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); e != nil {
			err = e
		} else {
			size = *s
		}
	})
	return size, err
}

// resize gives the container's window the size of ours. The kernel tells the program.
func (t *terminal) resize() {
	for _, ours := range []int{t.in, t.out} {
		if size, err := unix.IoctlGetWinsize(ours, unix.TIOCGWINSZ); err == nil {
			t.control(func(fd int) {
				_ = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, size) // of a terminal that has hung up
			})
			return
		}
	}
}

// signal does what a signal about our own terminal asks for, and reports whether it
// was one.
func (t *terminal) signal(sig syscall.Signal) bool {
	if t == nil || t.master == nil {
		return false
	}
	switch sig {
	case unix.SIGWINCH:
		t.resize()
	case unix.SIGTSTP:
		// From outside: the key of that name goes to the container.
		t.modes.restore()
		_ = unix.Kill(os.Getpid(), unix.SIGSTOP) // nobody may refuse it
	case unix.SIGCONT:
		t.modes.again()
		t.resize()
	default:
		return false
	}
	return true
}

// drain returns when all that the container has written is copied. It is called when
// the container has ended. A process of it that lives on, in a pid namespace that is
// not its own, has lost its terminal by then and is not waited for.
func (t *terminal) drain() {
	if t == nil || t.master == nil {
		return
	}
	_ = t.master.SetReadDeadline(time.Unix(1, 0)) // closed already, or it works
	<-t.copied
}

// close gives our terminal back. It may be called at any time, and on nil.
func (t *terminal) close() {
	if t == nil {
		return
	}
	t.modes.restore()
	if t.master != nil {
		t.wake[1].Close()
		t.master.Close()
	}
}
