package container

import (
	"errors"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/clone"
)

// Signal sends a signal to its first process, or to all of its processes. The code of
// the error is [ContainerNotRunning] where none lives. pidfd_send_signal(2)
func (c *Container) Signal(sig unix.Signal, all bool) error {
	const op = "kill"
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
	if v.status == Stopped || v.status == Creating {
		return c.refused(op, ContainerNotRunning)
	}
	if all {
		return c.signalAll(d, v, sig)
	}
	return c.signal(v.pidfd, sig)
}

func (c *Container) signal(pidfd int, sig unix.Signal) error {
	err := unix.PidfdSendSignal(pidfd, sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return c.refused("kill", ContainerNotRunning)
	}
	if err != nil {
		return c.failed("kill", err)
	}
	return nil
}

// signalAll sends a signal to everything in the container. A number is looked at again
// once its process is held: it may be another's by then.
func (c *Container) signalAll(d *stateDir, v *view, sig unix.Signal) error {
	grouped := false
	err := d.withGroup(func(g *cgroupv2.Group) error {
		if grouped = g != nil; !grouped {
			return nil
		}
		if sig == unix.SIGKILL {
			ctx, cancel := patient()
			defer cancel()
			return g.Kill(ctx)
		}
		return signalGroup(g, sig)
	})
	if err != nil {
		return c.failed("kill", err)
	}
	if grouped {
		return nil
	}
	if sig == unix.SIGKILL {
		if own, err := d.ownsPids(); err == nil && own {
			return c.signal(v.pidfd, sig) // the kernel ends the others with it
		}
	}
	pids, err := d.processes(v)
	if err != nil {
		return c.failed("kill", err)
	}
	member, err := d.members(v)
	if err != nil {
		return c.failed("kill", err)
	}
	var errs []error
	for _, pid := range pids {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue // it has ended
		}
		if member(pid) {
			if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
				errs = append(errs, err)
			}
		}
		unix.Close(fd)
	}
	if len(errs) > 0 {
		return c.failed("kill", errors.Join(errs...))
	}
	return nil
}

// Processes are the numbers of its processes, in the caller's pid namespace.
func (c *Container) Processes() ([]int, error) {
	const op = "ps"
	d, err := c.enter(op)
	if err != nil {
		return nil, err
	}
	defer d.close()
	v, err := d.alive()
	if err != nil {
		return nil, c.failed(op, err)
	}
	defer v.close()
	if v.status == Stopped || v.status == Creating {
		return nil, nil
	}
	pids, err := d.processes(v)
	if err != nil {
		return nil, c.failed(op, err)
	}
	return pids, nil
}

// signalGroup sends a signal to every process of a group, and to those that are born into
// it meanwhile. A number is believed when it is still there once its process is held.
func signalGroup(g *cgroupv2.Group, sig unix.Signal) error {
	sent := map[int]bool{}
	for range signalPasses {
		held := map[int]int{}
		pids, err := g.Processes()
		if err != nil {
			return err
		}
		for _, pid := range pids {
			if fd, err := unix.PidfdOpen(pid, 0); err == nil && !sent[pid] {
				held[pid] = fd
			} else if err == nil {
				unix.Close(fd)
			}
		}
		if len(held) == 0 {
			return nil
		}
		pids, err = g.Processes()
		for pid, fd := range held {
			if err == nil && slices.Contains(pids, pid) {
				if e := unix.PidfdSendSignal(fd, sig, nil, 0); e != nil && !errors.Is(e, unix.ESRCH) {
					err = e
				}
				sent[pid] = true
			}
			unix.Close(fd)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// signalPasses bounds how often one looks for processes that are new.
const signalPasses = 16

// processes are all that are in the container. Without a cgroup they are those of its pid
// namespace; where it has none of its own the first one is all that is known.
func (d *stateDir) processes(v *view) ([]int, error) {
	var pids []int
	grouped := false
	err := d.withGroup(func(g *cgroupv2.Group) (err error) {
		if grouped = g != nil; grouped {
			pids, err = g.Processes()
		}
		return err
	})
	if grouped || err != nil {
		return pids, err
	}
	member, err := d.members(v)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && member(pid) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// members tells whether a process is one of the container's.
func (d *stateDir) members(v *view) (func(pid int) bool, error) {
	own, err := d.ownsPids()
	if err != nil || !own {
		return func(pid int) bool { return pid == v.process.pid }, nil //nolint:nilerr // what is damaged owns nothing
	}
	var space unix.Stat_t
	if err := unix.Stat(pidNamespace(v.process.pid), &space); err != nil {
		return nil, err
	}
	return func(pid int) bool {
		var st unix.Stat_t
		return unix.Stat(pidNamespace(pid), &st) == nil && st.Dev == space.Dev && st.Ino == space.Ino
	}, nil
}

func pidNamespace(pid int) string { return "/proc/" + strconv.Itoa(pid) + "/ns/pid" }

// ownsPids reports whether the container has made a pid namespace, and so ends with its
// first process.
func (d *stateDir) ownsPids() (bool, error) {
	s, err := d.spec()
	return err == nil && s.Namespaces.Contains(clone.NEWPID) && s.Namespaces.PathOf(clone.NEWPID) == "", err
}
