package container

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
)

// patience is how long a destruction waits for what it has killed, and for who else is at
// work on the container.
const patience = 5 * time.Second

// Destroy removes a stopped container and everything that it has: cgroup and state. With
// force it ends what still runs before, and it is no error that there is no such
// container; without, that has the code [ContainerNotExists], and one that is not
// stopped [ContainerNotStopped]. It may be called again. On what [Create] has returned no zombie
// is left, and [Container.Wait] still tells how it has ended; one that was found by [Load] leaves the
// end of the process to who has made it, and may be asked for it.
//
// What it needs to know cannot be damaged, and it writes nothing: it works on a full disk.
func (c *Container) Destroy(force bool) error {
	const op = "delete"
	if c.removed.Load() {
		return nil
	}
	d, err := c.enter(op)
	if err == nil {
		defer d.close()
		err = c.destroy(d, force)
	}
	if force && errors.Is(err, ContainerNotExists) {
		if err = c.endVanished(); err != nil {
			err = c.failed(op, err)
		}
	}
	if err == nil {
		c.removed.Store(true)
		c.reapEnded()
	}
	return err
}

// endVanished ends a container whose directory somebody has removed. Who has made it still
// knows its process and its cgroup; nobody else does.
func (c *Container) endVanished() error {
	if c.made == nil {
		return nil
	}
	pidfd, err := c.made.open()
	if errors.Is(err, errGone) {
		return nil
	}
	if err != nil {
		return err
	}
	v := &view{process: *c.made, pidfd: pidfd}
	defer v.close()
	in := groupOf(c.made.pid)
	if err := v.signal(unix.SIGKILL); err != nil {
		return err
	}
	// The group is its own as long as it was in there: its number stood in the directory.
	if c.group != "" && (in == c.group || strings.HasPrefix(in, c.group+"/")) {
		if err := emptyAt(c.group); err != nil {
			return err
		}
	}
	return v.gone()
}

// emptyAt ends what is in a group, and removes it, where it is there.
func emptyAt(at string) error {
	h, err := cgroupv2.Find()
	if err != nil {
		return err
	}
	defer h.Close()
	g, err := h.Open(at)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(empty(g), g.Close())
}

// hookPatience is how long a forced destruction lets each hook go on that somebody else
// waits for, after the first.
const hookPatience = time.Second

func (c *Container) destroy(d *stateDir, force bool) error {
	const op = "delete"
	if err := c.take(d, force); err != nil {
		return err
	}
	v, err := d.alive()
	if err != nil {
		return c.failed(op, err)
	}
	defer v.close()
	if v.status != Stopped && !force {
		return c.refused(op, ContainerNotStopped)
	}
	c.at("kill")
	if err := c.end(d, v); err != nil {
		return c.failed(op, err)
	}
	c.at("ended")
	c.gone(d)
	c.at("remove")
	if err := d.remove(); err != nil {
		return c.failed(op, err)
	}
	c.at("removed")
	return nil
}

// take takes the lock. Whoever holds it may wait for the container, or for a hook, so by
// force those are ended first.
func (c *Container) take(d *stateDir, force bool) error {
	const op = "delete"
	again := time.Now()
	for deadline := again.Add(patience); ; {
		free, err := d.tryLock(unix.LOCK_EX)
		switch {
		case err != nil:
			return c.failed(op, err)
		case free:
			if d.linked() != nil {
				return c.refused(op, ContainerNotExists)
			}
			d.unforce() // the hooks are ours to call now
			return nil
		case time.Now().After(deadline):
			return c.failed(op, d.busy())
		}
		v, err := d.alive()
		if err != nil {
			return c.failed(op, err)
		}
		if v.status != Stopped && !force {
			v.close()
			return c.refused(op, ContainerNotStopped)
		}
		if force {
			v.kill(d)
			if now := time.Now(); !now.Before(again) {
				d.force()
				again = now.Add(hookPatience)
			}
		}
		v.close()
		time.Sleep(time.Millisecond)
	}
}

// kill ends what is known of a container at which somebody else is at work.
func (v *view) kill(d *stateDir) {
	if v.pidfd >= 0 {
		_ = unix.PidfdSendSignal(v.pidfd, unix.SIGKILL, nil, 0)
	}
	// Whoever holds the lock may remove the group, so that is not waited for.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_ = d.withGroup(func(g *cgroupv2.Group) error { // who cannot be killed now is tried again, with the lock
		if g == nil {
			return nil
		}
		return g.Kill(ctx)
	})
}

// end kills what lives and waits until it has ended.
func (c *Container) end(d *stateDir, v *view) error {
	if v.pidfd >= 0 {
		if err := v.signal(unix.SIGKILL); err != nil {
			return err
		}
	}
	c.at("killed")
	if err := d.endGroup(); err != nil { // also one that is frozen, and what the first process left behind
		return err
	}
	c.at("group removed")
	if v.pidfd >= 0 {
		return v.gone()
	}
	return d.awaitProgram()
}

// signal sends a signal to the first process. That it has ended meanwhile is no error.
func (v *view) signal(sig unix.Signal) error {
	if err := unix.PidfdSendSignal(v.pidfd, sig, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("%s to process %d: %w", unix.SignalName(sig), v.process.pid, err)
	}
	return nil
}

// gone waits until the first process, which was killed, has ended.
func (v *view) gone() error {
	gone, err := v.awaitEnd()
	if err == nil && !gone {
		err = fmt.Errorf("process %d has not ended within %v after SIGKILL: it waits in the kernel", v.process.pid, patience)
	}
	return err
}

// awaitEnd waits for the end of the first process.
func (v *view) awaitEnd() (gone bool, err error) {
	for deadline := time.Now().Add(patience); ; {
		const look = 20 // milliseconds, between two looks for what a pidfd does not tell
		if gone, err = awaitEnd(v.pidfd, look); gone || err != nil {
			return gone, err
		}
		if released(v.process.pid) {
			return true, nil
		}
		if time.Now().After(deadline) {
			return false, nil
		}
	}
}

// awaitProgram waits for the program of a container that was never made to the end. Nobody
// has written down who it is, and nobody has to end it: it ends by itself when it finds
// that its caller is gone.
func (d *stateDir) awaitProgram() error {
	report, _, err := d.openFile(reportName, unix.O_RDONLY)
	if err != nil { // nothing was born before it was there, and what is none nobody holds
		return nil
	}
	defer unix.Close(report)
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		err := unix.Flock(report, unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("%s/%s: flock: %w", d.path, reportName, err)
		case time.Now().After(deadline):
			return fmt.Errorf("the program that was to make it has not ended within %v", patience)
		}
	}
}
