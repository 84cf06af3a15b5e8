package container

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
)

// Execution is a program that was executed in a container ([Container.Exec]). It is a
// child of this process, and may be used by several goroutines.
type Execution struct {
	process *nsexec.Process
	outputs sync.WaitGroup

	mu   sync.Mutex
	errs []error // of the copying
}

// Pid is its number in the caller's pid namespace.
func (e *Execution) Pid() int { return e.process.Pid() }

// PidFD is its pidfd, which belongs to the Execution.
func (e *Execution) PidFD() int { return e.process.PidFD() }

// Signal sends it a signal. [nsexec.Process.Signal]
func (e *Execution) Signal(sig unix.Signal) error { return e.process.Signal(sig) }

// Wait waits until the program has ended, and all that it has written is copied, and
// returns how it has ended. The error may be one of copying. What copies into the program ends when
// it next has something to copy. It may be called by many.
func (e *Execution) Wait() (unix.WaitStatus, error) {
	status, err := e.process.Wait()
	if err != nil {
		return status, err
	}
	e.outputs.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	return status, errors.Join(e.errs...)
}

// Close gives up the descriptors. It does not end the program, nor wait for it.
func (e *Execution) Close() error { return e.process.Close() }

// failed keeps an error of copying. That the program does not read is none.
func (e *Execution) failed(err error) {
	if err == nil || errors.Is(err, unix.EPIPE) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.errs = append(e.errs, err)
}
