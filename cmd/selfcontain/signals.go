package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
)

// signals forwards signals to a container's first process.
//
// None may end this process while the container goes on as if nothing had happened.
// But catching one costs 10 to 20 µs of two threads, because os/signal hands every
// number over to a thread of its own and waits for it: a millisecond for all 60, which
// is half of what a container takes to start. So it is done in two parts:
//   - Those that end a Go program where nobody catches them, and those that programs
//     are used to, before the container exists, while its configuration is read. They
//     wait in the channel until it is there, and none is lost. One that comes even
//     earlier ends this process, and there is nothing yet that it could leave behind.
//   - The others when the container has run for a moment, while it is being waited
//     for. Until then the Go runtime takes them without effect. So does the kernel with
//     what comes from outside for the first process of a pid namespace, until that
//     process has installed a handler; and a container that has ended by then has
//     not paid for what it did not need.
type signals struct {
	caught chan os.Signal
	armed  chan struct{} // closed when the first part is done

	// terminal gets what is about our terminal, where the container has one.
	terminal *terminal
}

// early are the signals of the first part.
var early = [...]os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2}

// catchSignals begins with the first part.
func catchSignals() *signals {
	// Room for every number: os/signal drops what nobody takes.
	s := &signals{caught: make(chan os.Signal, lastSignal), armed: make(chan struct{})}
	go func() {
		for _, sig := range early {
			s.catch(sig)
		}
		close(s.armed)
	}()
	return s
}

// ready returns when the first part is done.
func (s *signals) ready() { <-s.armed }

// catchFor gives signals about our terminal to t, before it is touched, and catches all
// the others at once: none may end this process while its terminal is not as it was.
func (s *signals) catchFor(t *terminal) {
	s.terminal = t
	s.ready()
	s.all()
}

// forward passes on what is caught, for as long as this process lives.
func (s *signals) forward(process *nsexec.Process) {
	if s.terminal == nil {
		go func() {
			time.Sleep(moment)
			s.all()
		}()
	}
	for sig := range s.caught {
		if n, ok := sig.(syscall.Signal); ok && !s.terminal.signal(n) {
			// A process that has ended needs no signal any more.
			_ = process.Signal(n)
		}
	}
}

// all is the second part. The C library's own 32 to 34 are not to be had: os/signal
// leaves them alone, and 32 and 34 end this process, the container with it.
func (s *signals) all() {
	for n := syscall.Signal(1); n <= lastSignal; n++ {
		switch n {
		case unix.SIGCHLD, // is about our child, not for it
			unix.SIGURG,                // the Go runtime interrupts its own threads with it
			unix.SIGPIPE,               // is about what we have written ourselves
			unix.SIGKILL, unix.SIGSTOP: // cannot be caught
		case unix.SIGTTIN, unix.SIGTTOU:
			// Who reads or changes a terminal from the background is stopped, and who
			// catches the signal instead tries again for ever.
			if s.terminal == nil {
				s.catch(n)
			}
		default:
			s.catch(n)
		}
	}
}

// catch begins to catch one signal. One that was ignored when this process began stays
// ignored: this is how nohup(1) and the shell's background jobs work.
func (s *signals) catch(sig os.Signal) {
	if !signal.Ignored(sig) {
		signal.Notify(s.caught, sig)
	}
}

const lastSignal = 64

// moment is more than a small program takes, and less than people notice.
const moment = 3 * time.Millisecond
