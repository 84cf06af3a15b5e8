package container

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
)

// Exec executes the program of a created container, whose first process has waited for
// that, and returns when it runs. If it could not be executed the error is an
// [*nsexec.OpError] below [Error], and the container is stopped. A second Exec is an error:
// the code is
// [ContainerNotStopped] for one that runs, and [ContainerNotRunning] for one that has
// stopped.
func (c *Container) Exec() error {
	const op = "start"
	d, err := c.hold(op)
	if err != nil {
		return err
	}
	defer d.close()
	v, err := d.view()
	if err != nil {
		return c.failed(op, err)
	}
	defer v.close()
	switch v.status {
	case Created:
	case Paused:
		return c.refused(op, ContainerPaused)
	case Running:
		return &Error{Code: ContainerNotStopped, ID: c.id, Op: op, Err: errors.New("it has been started already")}
	default:
		return c.refused(op, ContainerNotRunning)
	}
	report, _, err := d.openFile(reportName, unix.O_RDONLY)
	if err != nil {
		return c.failed(op, err)
	}
	defer unix.Close(report)
	later, err := c.later(d)
	if err != nil {
		return c.failed(op, err)
	}
	d.unforce()
	hooks := &called{over: d.forced}
	c.at("open")
	connection, err := openGate(d.fd)
	if errors.Is(err, unix.ECONNREFUSED) { // it has ended meanwhile
		return c.refused(op, ContainerNotRunning)
	}
	if err != nil {
		return c.failed(op, err)
	}
	c.at("opened")
	err = v.rest.Await(connection, report, v.process.pid, v.pidfd, func() error { return later.callInside(d, v, hooks) })
	unix.Close(connection)
	c.at("executed")
	if err == nil {
		err = later.call(later.poststart, v, hooks)
	}
	if err = withMore(err, hooks.end(err != nil)); err != nil {
		// It is about to end by itself, and has when we return.
		_ = unix.PidfdSendSignal(v.pidfd, unix.SIGKILL, nil, 0)
		if _, end := awaitEnd(v.pidfd, int(patience.Milliseconds())); end != nil {
			err = errors.Join(err, end)
		}
		d.explain(err)
		return c.failed(op, err)
	}
	return nil
}

// explain finds out why the program could not be executed. The mount namespace of the
// container is gone, so it looks into the root directory from outside.
func (d *stateDir) explain(err error) {
	var failed *nsexec.OpError
	var hook *HookError
	if errors.As(err, &hook) || !errors.As(err, &failed) || failed.Errno == 0 {
		return
	}
	spec, err := d.spec()
	if err != nil {
		return
	}
	if host, err := Probe(); err == nil {
		(&Plan{wanted: &spec, host: &host}).explain(-1, failed)
	}
}

// Run is Exec, and Wait.
func (c *Container) Run() (unix.WaitStatus, error) {
	if err := c.Exec(); err != nil {
		return 0, err
	}
	return c.Wait()
}

// Wait waits until its first process has ended and returns how. How is told only to the
// process that has made the container; for another one the code of the error is
// [NoProcessOps] once it has ended. All that it has written is copied by then, and the
// error may be one of copying. It may be called by many.
func (c *Container) Wait() (unix.WaitStatus, error) {
	if c.made == nil {
		return 0, c.waitOther()
	}
	status, err := c.reap()
	if err != nil {
		return 0, c.failed("wait", err)
	}
	return status, c.first.copied()
}

// reap takes the end of its first process from the kernel, once.
func (c *Container) reap() (unix.WaitStatus, error) {
	c.waiting.Lock()
	defer c.waiting.Unlock()
	if c.waited {
		return c.status, nil
	}
	pidfd, err := c.made.open()
	if err != nil {
		return 0, err
	}
	defer unix.Close(pidfd)
	if c.status, err = nsexec.Reap(pidfd); err != nil {
		return 0, err
	}
	c.waited = true
	return c.status, nil
}

// wayOut is how long a process that has given up all that it had may take for the rest, on
// a machine that has other work.
const wayOut = time.Second

// reapEnded is reap where its first process has ended and nobody has waited for it. One that
// has only given up its namespaces may be a moment from its end, or wait for others in the
// kernel ([released]).
func (c *Container) reapEnded() {
	if c.made == nil {
		return
	}
	pidfd, err := c.made.open()
	if err != nil {
		return // it has been reaped
	}
	gone, err := awaitEnd(pidfd, int(wayOut.Milliseconds()))
	unix.Close(pidfd)
	if gone && err == nil {
		_, _ = c.reap() // who asks for it later is told
	}
}

// waitOther waits for the end of a container that somebody else has made.
func (c *Container) waitOther() error {
	const op = "wait"
	d, err := c.enter(op)
	if err != nil {
		return err
	}
	defer d.close()
	v, err := d.alive()
	if err != nil {
		return c.failed(op, err)
	}
	defer v.close()
	if v.pidfd < 0 {
		return c.refused(op, ContainerNotRunning)
	}
	// A pidfd does not tell of an init that has ended but for others to be reaped.
	for gone := false; !gone; {
		const look = 1000 // milliseconds
		if gone, err = awaitEnd(v.pidfd, look); err != nil {
			return c.failed(op, err)
		}
		gone = gone || released(v.process.pid)
	}
	return &Error{Code: NoProcessOps, ID: c.id, Op: op, Err: errors.New("it has ended; how, its parent knows")}
}
