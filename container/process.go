package container

import (
	"errors"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
)

// execution is a program that runs: what a [Process] is once it was started. Copies of the
// Process are the same one.
type execution struct {
	process *nsexec.Process
	outputs sync.WaitGroup

	mu   sync.Mutex
	errs []error // of the copying
}

// errNotStarted is that of a Process which is not one yet.
var errNotStarted = &Error{Code: NoProcessOps, Op: "process", Err: errors.New("it was not started")}

// Pid is its number in the caller's pid namespace, and 0 before it was started.
func (p *Process) Pid() int {
	if p.run == nil {
		return 0
	}
	return p.run.process.Pid()
}

// PidFD is its pidfd, which belongs to the Process, and -1 before it was started.
// pidfd_open(2)
func (p *Process) PidFD() int {
	if p.run == nil {
		return -1
	}
	return p.run.process.PidFD()
}

// Signal sends it a signal. The error is ESRCH for a process that has been waited for, and
// its code [NoProcessOps] for one that was not started. pidfd_send_signal(2)
func (p *Process) Signal(sig unix.Signal) error {
	if p.run == nil {
		return errNotStarted
	}
	return p.run.process.Signal(sig)
}

// Wait waits until the process has ended, and all that it has written is copied, and
// returns how it has ended. The error may be one of copying. What copies into the program
// ends when it next has something to copy. It may be called by many.
func (p *Process) Wait() (unix.WaitStatus, error) {
	if p.run == nil {
		return 0, errNotStarted
	}
	status, err := p.run.process.Wait()
	if err != nil {
		return status, err
	}
	return status, p.run.copied()
}

// Close gives up the descriptors. It does not end the process, nor wait for it.
func (p *Process) Close() error {
	if p.run == nil {
		return nil
	}
	return p.run.process.Close()
}

// begin does what a plan says, with the streams of the process.
func (p *Process) begin(plan *Plan, at *place) error {
	s := streams{}
	defer s.closeTheirs()
	stdio, err := s.open(p)
	if err != nil {
		return err
	}
	process, err := plan.startIn(stdio, nil, at)
	runtime.KeepAlive(p) // its files have to stay open until here
	if err != nil {
		s.closeOurs()
		return err
	}
	p.run = &execution{process: process}
	s.copy(p.run)
	return nil
}

// checkStreams refuses a console without a terminal, and a terminal without a console.
func (p *Process) checkStreams(id, op string) error {
	switch {
	case p.Console != nil && !p.Terminal:
		return &Error{Code: ConsoleExists, ID: id, Op: op}
	case p.Console == nil && p.Terminal:
		return &Error{Code: ConfigInvalid, ID: id, Op: op, Err: errors.New("process.terminal: nobody takes the other end of the terminal: Process.Console is nil")}
	}
	return nil
}

// copied waits until all that the program has written is copied.
func (e *execution) copied() error {
	e.outputs.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	return errors.Join(e.errs...)
}

// failed keeps an error of copying. That the program does not read is none.
func (e *execution) failed(err error) {
	if err == nil || errors.Is(err, unix.EPIPE) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.errs = append(e.errs, err)
}
