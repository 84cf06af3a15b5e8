package container

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
)

// Start makes a further process in the container: in its namespaces, its cgroup and its
// root file system, as another child of the calling process, with which it does not end.
// It returns when the program runs, and p is the process then, to be waited for and closed.
// If Start fails nothing is left of it, and the container has seen nothing. Many may start
// processes at a time, each a Process of its own.
//
// What p leaves out is not taken from the container's own program: without Capabilities it
// has none.
//
// The code of the error is [ContainerNotRunning] where the container has stopped, also if
// that happens meanwhile, and [ContainerPaused] for one that is paused.
func (c *Container) Start(p *Process) error { return c.startEdited(p, nil) }

// startEdited is Start, and a test may change what will be done.
func (c *Container) startEdited(p *Process, edit func(*Plan) error) error {
	const op = "exec"
	if p.run != nil {
		return &Error{Code: ConfigInvalid, ID: c.id, Op: op, Err: errors.New("process: it was started already, and every process takes a Process of its own")}
	}
	if err := p.checkStreams(c.id, op); err != nil {
		return err
	}
	d, v, err := c.running(op)
	if err != nil {
		return err
	}
	defer d.close()
	defer v.close()
	if !p.IgnorePaused {
		if err := d.share(); err != nil {
			return c.unlessStopped(op, v, c.failed(op, err))
		}
	}
	births, err := d.births(unix.LOCK_SH)
	if err != nil {
		return c.unlessStopped(op, v, c.failed(op, err))
	}
	born := sync.OnceValue(func() error {
		unix.Close(births)
		return d.unshare()
	})
	defer born()
	plan, err := c.plan(d, v, p)
	if err == nil && edit != nil {
		err = edit(plan)
	}
	if err != nil {
		return c.unlessStopped(op, v, err)
	}
	plan.meanwhile = born // what takes its time from here on, such as a Console, keeps nobody waiting
	if err := p.begin(plan, nil); err != nil {
		plan.explainEntry(err)
		return c.unlessStopped(op, v, c.failed(op, err))
	}
	return nil
}

// Plan is what [Container.Start] would do, and does nothing.
func (c *Container) Plan(p *Process) (*Plan, error) {
	const op = "exec"
	d, v, err := c.running(op)
	if err != nil {
		return nil, err
	}
	defer d.close()
	defer v.close()
	plan, err := c.plan(d, v, p)
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
	v, err := d.alive()
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

// plan asks about the container and the machine, and compiles.
func (c *Container) plan(d *stateDir, v *view, p *Process) (*Plan, error) {
	const op = "exec"
	host, err := probed(c.Host, ProbeProcess)
	if err != nil {
		return nil, c.failed(op, err)
	}
	made, err := c.madeOf(d)
	if err != nil {
		return nil, c.failed(op, err)
	}
	group, err := d.groupFor(v.process.pid, p.Cgroup)
	if err != nil {
		return nil, &Error{Code: ConfigInvalid, ID: c.id, Op: op, Err: err}
	}
	target, err := probeTarget(v.process, host.Cgroup2, group, made)
	if err != nil {
		return nil, c.failed(op, err)
	}
	if target.Frozen && !p.IgnorePaused {
		return nil, c.refused(op, ContainerPaused)
	}
	program := *p
	program.PreserveFDs = len(p.ExtraFiles)
	plan, err := CompileExec(program, target, host)
	if err != nil {
		return nil, &Error{Code: ConfigInvalid, ID: c.id, Op: op, Err: err}
	}
	return plan, nil
}

// madeOf is what of a container's Spec whoever enters it has to know.
type madeOf struct {
	keyring    string
	namespaces clone.Namespaces
}

func (s *Spec) madeOf() *madeOf { return &madeOf{s.Keyring, s.Namespaces} }

// madeOf is that of the container, which does not change.
func (c *Container) madeOf(d *stateDir) (*madeOf, error) {
	if m := c.known.Load(); m != nil {
		return m, nil
	}
	s, err := d.spec()
	if err != nil {
		return nil, err
	}
	m := s.madeOf()
	c.known.Store(m)
	return m, nil
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
