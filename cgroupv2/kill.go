package cgroupv2

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// Kill sends SIGKILL to every process of the group and below, also to those that are
// being born, and returns when none is left. If some are when ctx is done, the
// error names them. cgroup.kill, Linux 5.14
func (g *Group) Kill(ctx context.Context) error {
	return g.kill(ctx, func() error { return g.write("cgroup.kill", "1") })
}

// kill has the write as an argument, so that a test can be an older kernel.
func (g *Group) kill(ctx context.Context, all func() error) error {
	if err := g.notRoot("kill"); err != nil {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	err := all()
	switch {
	case gone(err), errors.Is(err, unix.EOPNOTSUPP): // a threaded group has the file, and does not take the write
		if _, _, err := g.State(); gone(err) {
			return nil
		}
		if err := g.killEach(ctx); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	return g.awaitEmpty(ctx)
}

// awaitEmpty waits until no living process is left.
func (g *Group) awaitEmpty(ctx context.Context) error {
	err := g.await(ctx, "populated", 0)
	if err == nil || gone(err) {
		return nil
	}
	if pids, e := g.Processes(); e == nil && len(pids) != 0 {
		return fmt.Errorf("%w: %s still there", err, pidList(pids))
	}
	return err
}

// killEach is for kernels without cgroup.kill, and for threaded groups: the group is frozen, so that nothing is born
// in it while it is gone through, until a pass finds nothing. A frozen process can
// be killed.
func (g *Group) killEach(ctx context.Context) error {
	if err := g.write("cgroup.freeze", "1"); err != nil {
		return err
	}
	for {
		pids, err := g.Processes()
		if err != nil {
			return err
		}
		if slices.Contains(pids, 0) {
			return fmt.Errorf("cgroup %s: a process of another pid namespace cannot be killed from here", g.path)
		}
		if len(pids) == 0 {
			return g.write("cgroup.freeze", "0")
		}
		if err := g.killKnown(pids); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return g.failed("kill", fmt.Errorf("%w: %s still there", context.Cause(ctx), pidList(pids)))
		}
	}
}

// killKnown kills processes of the group. A pid that was read may have become another
// process's meanwhile. So each is held by a pidfd first, and signalled if the group
// still has the pid then: either it is the one that is held, or that one is dead and cannot
// be hit.
func (g *Group) killKnown(pids []int) error {
	held := map[int]int{}
	defer func() {
		for _, fd := range held {
			unix.Close(fd)
		}
	}()
	for _, pid := range pids[:min(len(pids), 500)] { // the next pass takes more
		fd, err := unix.PidfdOpen(pid, 0)
		if err == nil {
			held[pid] = fd
		} else if !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("cgroup %s: pidfd_open %d: %w", g.path, pid, err)
		}
	}
	still, err := g.Processes()
	if err != nil {
		return err
	}
	var dying []unix.PollFd
	for _, pid := range still {
		if fd, ok := held[pid]; ok {
			dying = append(dying, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
			if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("cgroup %s: kill %d: %w", g.path, pid, err)
			}
		}
	}
	unix.Poll(dying, 100) // milliseconds, until one is dead
	return nil
}
