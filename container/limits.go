package container

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
)

// Set changes the limits of the container's cgroup while it lives, all of them or none.
// What r does not ask for stays as it is, and what has been set is known to the next Set:
// a limit of memory and swap together may come alone, after that of memory. What somebody else has
// set in the group meanwhile stays as well.
func (c *Container) Set(r cgroupv2.Resources) error {
	return c.withLivingGroup("update", func(d *stateDir, _ *view, g *cgroupv2.Group) error {
		old, err := d.limits()
		if err != nil {
			return err
		}
		if old, err = g.Now(old); err != nil {
			return err
		}
		files, err := r.Changes(old)
		if err != nil {
			return &Error{Code: ConfigInvalid, ID: c.id, Op: "update", Err: err}
		}
		// A disk that is full is found out before anything is changed.
		if err := d.write(nextLimitsName, r.Merge(old)); err != nil {
			return err
		}
		defer unix.Unlinkat(d.fd, nextLimitsName, 0)
		return g.SetThen(files, func() error {
			if len(r.Devices) > 0 {
				if err := d.replaceFilter(g, r.Devices); err != nil {
					return err
				}
			}
			if err := unix.Renameat(d.fd, nextLimitsName, d.fd, limitsName); err != nil {
				return &os.PathError{Op: "rename", Path: d.path + "/" + limitsName, Err: err}
			}
			return d.sync()
		})
	})
}

// limits are those that were set last, or else those that it was created with.
func (d *stateDir) limits() (r cgroupv2.Resources, err error) {
	err = d.read(limitsName, &r)
	if !errors.Is(err, unix.ENOENT) {
		return r, err
	}
	s, err := d.spec()
	if s.Cgroup == nil || err != nil {
		return r, err
	}
	return s.Cgroup.Resources, nil
}

// replaceFilter has other rules decide about devices, behind those about the devices that
// were made.
func (d *stateDir) replaceFilter(g *cgroupv2.Group, rules []cgroupv2.DeviceRule) error {
	s, err := d.spec()
	if err != nil {
		return err
	}
	return Step{Devices: deviceRules(s.Devices, rules)}.attachFilter(g)
}

// Stats are what the container's cgroup has counted, also when the container has stopped:
// the group is there until it is destroyed. What belongs to a controller that the group
// has not is nil; a limit enables its own. While it lives there are those of its
// interfaces as well.
func (c *Container) Stats() (s Stats, err error) {
	err = c.withGroup("events", func(v *view, g *cgroupv2.Group) error {
		s.Stats, err = g.Stats()
		if err == nil {
			s.Interfaces, err = c.interfaces(v)
		}
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
			return c.refused("events", ContainerNotRunning) // it is being destroyed
		}
		return err
	})
	return s, err
}
