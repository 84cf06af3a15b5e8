package container

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
)

// Pause freezes all of its processes, which takes a cgroup of its own: without one the
// code of the error is [NoProcessOps]. [Container.Resume] goes on. cgroup.freeze, Linux 5.2
func (c *Container) Pause() error {
	return c.withLivingGroup("pause", func(d *stateDir, v *view, g *cgroupv2.Group) error {
		if v.status == Paused {
			return c.refused("pause", ContainerPaused)
		}
		births, err := d.births(unix.LOCK_EX)
		if err != nil {
			return err
		}
		defer unix.Close(births)
		ctx, cancel := patient()
		defer cancel()
		return g.Freeze(ctx)
	})
}

// Resume lets a paused container go on.
func (c *Container) Resume() error {
	return c.withLivingGroup("resume", func(_ *stateDir, v *view, g *cgroupv2.Group) error {
		if v.status != Paused {
			return c.refused("resume", ContainerNotPaused)
		}
		ctx, cancel := patient()
		defer cancel()
		return g.Thaw(ctx)
	})
}

// withLivingGroup calls a function with the cgroup of a container that lives, under the
// lock.
func (c *Container) withLivingGroup(op string, do func(*stateDir, *view, *cgroupv2.Group) error) error {
	d, err := c.hold(op)
	if err != nil {
		return err
	}
	defer d.close()
	return c.onGroup(op, d, func(v *view, g *cgroupv2.Group) error {
		if v.status == Stopped {
			return c.refused(op, ContainerNotRunning)
		}
		if g == nil {
			return c.groupless(op)
		}
		return do(d, v, g)
	})
}

// withGroup calls a function with the cgroup of a container. Whoever only looks needs no
// lock, and waits for nobody who has it.
func (c *Container) withGroup(op string, do func(*view, *cgroupv2.Group) error) error {
	d, err := c.enter(op)
	if err != nil {
		return err
	}
	defer d.close()
	return c.onGroup(op, d, func(v *view, g *cgroupv2.Group) error {
		switch {
		case g != nil:
			return do(v, g)
		case v.status == Stopped:
			return c.refused(op, ContainerNotRunning)
		}
		return c.groupless(op)
	})
}

func (c *Container) groupless(op string) error {
	return &Error{Code: NoProcessOps, ID: c.id, Op: op, Err: errors.New("it has no cgroup of its own")}
}

func (c *Container) onGroup(op string, d *stateDir, do func(*view, *cgroupv2.Group) error) error {
	v, err := d.view()
	if err != nil {
		return c.failed(op, err)
	}
	defer v.close()
	err = d.withGroup(func(g *cgroupv2.Group) error { return do(v, g) })
	var coded *Error
	if err == nil || errors.As(err, &coded) {
		return err
	}
	return c.failed(op, err)
}

// patient is the time that the kernel gets to end or to freeze what is in a group.
func patient() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}
