package main

import (
	"errors"
	"flag"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/nsexec"
)

const runText = `The program of config.json runs with the standard input, output and error of this
command, and gets the signals that are sent to it. The exit status is the program's,
and 128+n if signal n ended it. If the container cannot be made nothing is left of
it, one line on standard error says why, and the exit status is 1.

With "terminal": true in config.json the program has a terminal of its own. If
standard input is one, what is typed there goes to the program, ^C and ^Z
included; if it is none, its end becomes a ^D.
`

func prepareRun(g *global, f *flag.FlagSet) action {
	m := makerFlags(g, f)
	detach := f.Bool("detach", false, "do not wait: the container is nobody's child then")
	f.Var(f.Lookup("detach").Value, "d", "")
	keep := f.Bool("keep", false, "do not remove the container when its program has ended")
	ignored(f, "no-subreaper")
	return func(args []string) (int, error) {
		id, err := containerID(f, args)
		if err != nil {
			return 0, err
		}
		if *detach {
			return 0, m.detached(id)
		}
		return m.attached(id, *keep)
	}
}

// detached starts a container and leaves it to itself.
func (m *maker) detached(id string) error {
	c, _, err := m.make(id, 0, nil)
	if err != nil {
		return err
	}
	if err := c.Exec(); err != nil {
		return errors.Join(m.g.explained(err), c.Destroy(true))
	}
	return nil
}

// attached runs a container and waits for it.
func (m *maker) attached(id string, keep bool) (status int, err error) {
	signals := catchSignals()
	if err := signals.ready(); err != nil {
		return 0, err
	}
	made, err := m.prepare(id, unix.SIGKILL, signals)
	if err != nil {
		return 0, err
	}
	defer made.close()
	if made.spec.Cgroup == nil && made.spec.Hooks.IsZero() && !keep {
		return m.direct(id, made, signals)
	}
	c, err := m.create(id, made)
	if err != nil {
		return 0, err
	}
	if err := c.Exec(); err != nil {
		return 0, errors.Join(m.g.explained(err), c.Destroy(true))
	}
	m.g.log.succeeded()
	wait, err := signals.wait(c, made.pidfd)
	if err == nil {
		made.console.terminal.drain()
	}
	if err == nil && !keep {
		err = c.Destroy(true)
	}
	if err != nil {
		return 0, m.g.explained(err)
	}
	return exitStatus(wait), nil
}

// direct runs a container without a cgroup: nothing of it outlives this command, however
// that ends, so nothing has to be kept for somebody who cleans up.
func (m *maker) direct(id string, made *prepared, signals *signals) (status int, err error) {
	c, err := container.Attach(made.root, id, made.spec, made.options)
	if err != nil {
		return 0, m.failed(made, err)
	}
	m.g.log.succeeded()
	wait, err := signals.wait(c, made.pidfd)
	if err == nil {
		made.console.terminal.drain()
	}
	if err := errors.Join(err, c.Remove()); err != nil {
		return 0, m.g.explained(err)
	}
	return exitStatus(wait), nil
}

// start starts the container. The signals are forwarded to it by [signals.wait].
func start(plan *container.Plan, stdio container.Stdio, signals *signals) (*nsexec.Process, error) {
	if err := signals.ready(); err != nil {
		return nil, err
	}
	return plan.Start(stdio)
}

// exitStatus is what a shell makes of it.
func exitStatus(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
