package selfcontain

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/container"
)

// ExitError is a program that has ended otherwise than with status 0.
type ExitError struct {
	// Status is how, as wait(2) tells it.
	Status syscall.WaitStatus
}

// Error says it in words.
func (e *ExitError) Error() string {
	if e.Status.Signaled() {
		return fmt.Sprintf("the program was ended by %s", unix.SignalName(e.Status.Signal()))
	}
	return fmt.Sprintf("the program has exited with status %d", e.Status.ExitStatus())
}

// ExitCode is the status of an exit, and 128 and the number of the signal that has ended
// the program, as a shell has it.
func (e *ExitError) ExitCode() int {
	if e.Status.Signaled() {
		return 128 + int(e.Status.Signal())
	}
	return e.Status.ExitStatus()
}

// command is the current program.
func (c *Container) command(args []string) *container.Process {
	set, _ := c.config.capabilities() // Get has looked
	return &container.Process{
		Args: append([]string{programPath}, args...), Env: environment(os.Environ()),
		Capabilities: &caps.Config{Bounding: set, Permitted: set, Effective: set},
		Stdin:        os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}
}

// environment is one without what is no variable: execve(2) takes any text.
func environment(all []string) (list []string) {
	for _, v := range all {
		if strings.IndexByte(v, '=') > 0 {
			list = append(list, v)
		}
	}
	return list
}

// program is one that was executed in a container.
type program struct {
	*container.Process
	ended  chan struct{} // closed when it has ended, and status and err are there
	status unix.WaitStatus
	err    error
	gone   chan struct{} // of a main process: closed when its container has ended, and after is there
	after  error
}

// execute executes the program.
func execute(in *container.Container, process *container.Process) (*program, error) {
	if err := in.Start(process); err != nil {
		return nil, err
	}
	p := &program{Process: process, ended: make(chan struct{}), gone: make(chan struct{})}
	go func() {
		p.status, p.err = process.Wait()
		process.Close()
		close(p.ended)
	}()
	return p, nil
}

// outcome is what has become of a program that has ended.
func (p *program) outcome() error {
	if p.err != nil {
		return p.err
	}
	if p.status != 0 {
		return &ExitError{Status: syscall.WaitStatus(p.status)}
	}
	return nil
}
