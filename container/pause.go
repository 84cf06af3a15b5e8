package container

import (
	"context"
	"errors"

	"github.com/selfcontain/runtime/cgroupv2"
)

// Pause freezes all of its processes, which takes a cgroup of its own: without one the
// code of the error is [NoProcessOps]. [Container.Resume] goes on. cgroup.freeze, Linux 5.2
func (c *Container) Pause() error {
	return c.withLivingGroup("pause", func(v *view, g *cgroupv2.Group) error {
		if v.status == Paused {
			return c.refused("pause", ContainerPaused)
		}
		ctx, cancel := patient()
		defer cancel()
		return g.Freeze(ctx)
	})
}

// Resume lets a paused container go on.
func (c *Container) Resume() error {
	return c.withLivingGroup("resume", func(v *view, g *cgroupv2.Group) error {
		if v.status != Paused {
			return c.refused("resume", ContainerNotPaused)
		}
		ctx, cancel := patient()
		defer cancel()
		return g.Thaw(ctx)
	})
}

// Set changes the limits of the container's cgroup, all of them or none. What r does not
// ask for stays as it is.
func (c *Container) Set(r cgroupv2.Resources) error {
	files, err := r.Files()
	if err != nil {
		return &Error{Code: ConfigInvalid, ID: c.id, Op: "update", Err: err}
	}
	return c.withLivingGroup("update", func(_ *view, g *cgroupv2.Group) error {
		if err := g.Set(files); err != nil || len(r.Devices) == 0 {
			return err
		}
		return filterDevices(g, r.Devices)
	})
}

// Stats are what the container's cgroup has counted.
func (c *Container) Stats() (s cgroupv2.Stats, err error) {
	err = c.withLivingGroup("events", func(_ *view, g *cgroupv2.Group) error {
		s, err = g.Stats()
		return err
	})
	return s, err
}

// withLivingGroup calls a function with the cgroup of a container that lives, under the
// lock.
func (c *Container) withLivingGroup(op string, do func(*view, *cgroupv2.Group) error) error {
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
	if v.status == Stopped {
		return c.refused(op, ContainerNotRunning)
	}
	err = d.withGroup(func(g *cgroupv2.Group) error {
		if g == nil {
			return &Error{Code: NoProcessOps, ID: c.id, Op: op, Err: errors.New("it has no cgroup of its own")}
		}
		return do(v, g)
	})
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

// filterDevices sets which devices may be opened.
func filterDevices(g *cgroupv2.Group, rules []cgroupv2.DeviceRule) error {
	filter, err := cgroupv2.DeviceFilter(rules)
	if err != nil {
		return err
	}
	return g.SetFilter(filter)
}
