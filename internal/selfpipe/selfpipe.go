// Package selfpipe catches signals with a handler of its own, which writes their numbers
// to a pipe.
//
// os/signal hands each number over to a thread of its own and waits for it, needs
// another thread that receives, and a third as soon as somebody waits for a child
// meanwhile: 10 to 20 µs a signal, and in a program that lives for a few milliseconds 5
// to 13 % of its time. Here catching a signal is one system call, and who waits for
// the pipe and for a child at once is the one thread there is. signal(7), pipe(7)
//
// The handler is ten instructions of assembler. It runs on the signal stack that the Go
// runtime has given to every thread, with all signals blocked, and touches nothing but
// that stack; Go's runtime does not learn of the signal. What a processor raises because
// of the program itself (a nil pointer that is used) goes on to the runtime, which
// makes a panic of it.
//
// The handlers of a process are shared by everything in it, and os/signal does not get
// what is caught here. So this is for commands, and not for libraries.
package selfpipe

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Last is the last signal there is, _NSIG on both architectures.
const Last = unix.Signal(64)

// writing is the end of the pipe that the handler writes to. It is set before the
// handler is installed, and never changed.
var writing int32

// runtimeHandler is the handler of Go's runtime, which has one for all signals.
//
//lint:ignore U1000 the assembler reads it
var runtimeHandler uintptr

// The addresses of the handlers, set by the assembler.
var (
	handlerCode  unsafe.Pointer
	faultCode    unsafe.Pointer
	restorerCode unsafe.Pointer // nil where the kernel brings its own
)

// handler, fault and restorer are called by the kernel and never from Go.
//
//lint:ignore U1000 the assembler defines it, and the kernel calls it
func handler()

//lint:ignore U1000 the assembler defines it, and the kernel calls it
func fault()

// sigaction is struct kernel_sigaction of both architectures. rt_sigaction(2)
type sigaction struct {
	handler, flags, restorer, mask uint64
}

const (
	sigIgn     = 1          // SIG_IGN, asm-generic/signal-defs.h
	saSiginfo  = 0x00000004 // the SA_ flags of asm-generic/signal-defs.h
	saRestorer = 0x04000000
	saOnStack  = 0x08000000
	saRestart  = 0x10000000
	sigsetSize = 8
)

// Pipe is where the numbers of caught signals arrive, a byte each, in the order in which
// the handler saw them.
type Pipe struct{ reading int }

// Open makes the pipe. A process has one.
func Open() (Pipe, error) {
	if writing != 0 {
		return Pipe{}, errors.New("signals are caught already")
	}
	var ends [2]int
	// A handler must not wait: what does not fit, 65536 signals that nobody wanted to
	// read, is lost.
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return Pipe{}, fmt.Errorf("a pipe for signals: %w", err)
	}
	writing = int32(ends[1])
	return Pipe{ends[0]}, nil
}

// FD is the end to read from, which does not block. Poll(2) says when there is something.
func (p Pipe) FD() int { return p.reading }

// Catch begins to catch a signal. One that is ignored stays ignored, and that is no
// error: this is how nohup(1) and the shell's background jobs work. Go keeps SIGHUP and
// SIGINT ignored where they were; whatever else was ignored when the program began it
// has taken away already. rt_sigaction(2)
func (p Pipe) Catch(sig unix.Signal) error {
	new := sigaction{
		handler: uint64(uintptr(handlerCode)),
		flags:   saSiginfo | saOnStack | saRestart,
		mask:    ^uint64(0),
	}
	if restorerCode != nil {
		new.flags |= saRestorer
		new.restorer = uint64(uintptr(restorerCode))
	}
	var old sigaction
	switch sig {
	case unix.SIGHUP, unix.SIGINT, unix.SIGCONT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		// Go leaves these alone where they are ignored, or has no handler for them.
		if err := rtSigaction(sig, nil, &old); err != nil || old.handler == sigIgn {
			return err
		}
	case unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP, unix.SIGSYS:
		if err := rtSigaction(sig, nil, &old); err != nil {
			return err
		}
		runtimeHandler = uintptr(old.handler)
		new.handler = uint64(uintptr(faultCode))
	}
	return rtSigaction(sig, &new, nil)
}

func rtSigaction(sig unix.Signal, new, old *sigaction) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(new)), uintptr(unsafe.Pointer(old)), sigsetSize, 0, 0)
	if errno != 0 {
		return fmt.Errorf("rt_sigaction %d: %w", int(sig), errno)
	}
	return nil
}

// Read returns the signals that have arrived, into a buffer of the caller's. There may
// be none.
func (p Pipe) Read(buffer []byte) ([]byte, error) {
	n, err := unix.Read(p.reading, buffer)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the pipe for signals: %w", err)
	}
	return buffer[:n], nil
}
