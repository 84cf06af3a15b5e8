package container

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Command is a program to be executed in a container that runs ([Container.Exec]).
type Command struct {
	// Process is the program, its user, rights and limits. What it leaves out is not
	// taken from the container's own program: without Capabilities it has none. Its
	// PreserveFDs is the number of ExtraFiles, whatever it says.
	Process
	// Stdin, Stdout and Stderr are its standard streams; nil is /dev/null. An [os.File]
	// is handed down as it is. For anything else there is a pipe, and a goroutine copies
	// until its other end is closed, which whatever the program has left behind may do
	// late. A program with a terminal has none of them.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// ExtraFiles are its descriptors from 3 on. With a directory of the host among them
	// the program is not confined any more.
	ExtraFiles []*os.File
	// Console takes the other end of its terminal: [Stdio].Console.
	Console func(master *os.File) error
	// Cgroup is the path of a cgroup in that of the container, in which it runs. Empty is
	// the container's own, or where that has been divided, the one of its first process.
	Cgroup string
	// IgnorePaused executes it also in a container that is paused: it begins when the
	// container is resumed, and Exec returns then.
	IgnorePaused bool
	// Host is the machine, and nil to ask it ([Probe]).
	Host *Host

	edit func(*Plan) error // a test may change what will be done
}

// Exec executes a program in the container: in its namespaces, its cgroup and its root
// file system, as another child of the calling process, with which it does not end. It
// returns when the program runs. If that fails nothing is left of it, and the container
// has seen nothing.
//
// The code of the error is [ContainerNotRunning] where the container has stopped, also if
// that happens meanwhile, and [ContainerPaused] for one that is paused.
func (c *Container) Exec(cmd Command) (*Execution, error) {
	const op = "exec"
	if cmd.Console != nil && !cmd.Terminal {
		return nil, c.refused(op, ConsoleExists)
	}
	d, v, err := c.running(op)
	if err != nil {
		return nil, err
	}
	defer d.close()
	defer v.close()
	plan, err := c.planExec(d, v, &cmd)
	if err != nil {
		return nil, c.unlessStopped(op, v, err)
	}
	if cmd.edit != nil {
		if err := cmd.edit(plan); err != nil {
			return nil, err
		}
	}
	e, err := plan.execute(&cmd)
	if err != nil {
		return nil, c.unlessStopped(op, v, c.failed(op, err))
	}
	return e, nil
}

// PlanExec is what Exec would do, and does nothing.
func (c *Container) PlanExec(cmd Command) (*Plan, error) {
	const op = "exec"
	d, v, err := c.running(op)
	if err != nil {
		return nil, err
	}
	defer d.close()
	defer v.close()
	plan, err := c.planExec(d, v, &cmd)
	if err != nil {
		return nil, c.unlessStopped(op, v, err)
	}
	return plan, nil
}

// running opens a container that has a process, running or waiting to be started.
func (c *Container) running(op string) (*stateDir, *view, error) {
	d, err := c.enter(op)
	if err != nil {
		return nil, nil, err
	}
	v, err := d.view()
	if err != nil {
		d.close()
		return nil, nil, c.failed(op, err)
	}
	if v.status == Stopped || v.status == Creating {
		v.close()
		d.close()
		return nil, nil, c.refused(op, ContainerNotRunning)
	}
	return d, v, nil
}

// planExec asks about the container and the machine, and compiles.
func (c *Container) planExec(d *stateDir, v *view, cmd *Command) (*Plan, error) {
	const op = "exec"
	var host Host
	var err error
	if cmd.Host != nil {
		host = *cmd.Host
	} else if host, err = Probe(); err != nil {
		return nil, c.failed(op, err)
	}
	spec, err := d.spec()
	if err != nil {
		return nil, c.failed(op, err)
	}
	group, err := d.groupFor(v.process.pid, cmd.Cgroup)
	if err != nil {
		return nil, &Error{Code: ConfigInvalid, ID: c.id, Op: op, Err: err}
	}
	target, err := probeTarget(v.process, host.Cgroup2, group, spec.Keyring)
	if err != nil {
		return nil, c.failed(op, err)
	}
	if (target.Frozen || v.status == Paused) && !cmd.IgnorePaused {
		return nil, c.refused(op, ContainerPaused)
	}
	cmd.PreserveFDs = len(cmd.ExtraFiles)
	plan, err := CompileExec(cmd.Process, target, host)
	if err != nil {
		return nil, &Error{Code: ConfigInvalid, ID: c.id, Op: op, Err: err}
	}
	return plan, nil
}

// unlessStopped is an error, or that of a container that has stopped meanwhile, of which
// the other one is what could be seen.
func (c *Container) unlessStopped(op string, v *view, err error) error {
	if !v.ending() {
		return err
	}
	var coded *Error
	if errors.As(err, &coded) {
		err = coded.Err
	}
	return &Error{Code: ContainerNotRunning, ID: c.id, Op: op, Err: err}
}

// execute does what a plan of CompileExec says.
func (p *Plan) execute(cmd *Command) (*Execution, error) {
	s := streams{}
	defer s.closeTheirs()
	stdio := Stdio{Console: cmd.Console}
	var err error
	if !p.Terminal {
		if stdio, err = s.open(cmd); err != nil {
			return nil, err
		}
	}
	for i, f := range cmd.ExtraFiles {
		fd, err := descriptorOf(f)
		if err != nil {
			return nil, fmt.Errorf("descriptor %d: %w", standard+i, err)
		}
		stdio.Extra = append(stdio.Extra, fd)
	}
	process, err := p.Start(stdio)
	if err != nil {
		s.closeOurs()
		p.explainEntry(err)
		return nil, err
	}
	e := &Execution{process: process}
	s.copy(e)
	return e, nil
}
