package cgroupv2

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Evacuate makes the caller's own group one that others can be made in: all its
// processes, the caller among them, move into a group below it, by the name of leaf, and
// then all controllers that it has are enabled. The kernel wants this order ("no
// internal processes"). It returns the group, and may be called again: a caller who is
// in the leaf already means the group above. In the root group of the machine the
// controllers are enabled, and nothing is moved, since the root may have both.
func (h *Hierarchy) Evacuate(ctx context.Context, leaf string) (*Group, error) {
	if strings.Contains(leaf, "/") || !fileName("leaf."+leaf) {
		return nil, fmt.Errorf("evacuate: %q is no name of a group", leaf)
	}
	own, err := h.Own()
	if err != nil {
		return nil, fmt.Errorf("evacuate: %w", err)
	}
	if own != "/" && path.Base(own) == leaf {
		own = path.Dir(own)
	}
	g, err := h.Open(own)
	if err != nil {
		return nil, fmt.Errorf("evacuate: %w", err)
	}
	if err := g.Evacuate(ctx, leaf); err != nil {
		g.Close()
		return nil, fmt.Errorf("evacuate: %w", err)
	}
	return g, nil
}

// Evacuate does it to a group that is not the caller's own as well.
func (g *Group) Evacuate(ctx context.Context, leaf string) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	kind, err := g.read("cgroup.type")
	switch {
	case errors.Is(err, unix.ENOENT):
		return g.enableBelow() // the root of the machine
	case err != nil:
		return err
	case strings.TrimSpace(kind) != "domain":
		return fmt.Errorf("cgroup %s: its type is %q, and the processes of a threaded group cannot be moved below it", g.path, strings.TrimSpace(kind))
	}
	for {
		stay, err := g.moveAll(ctx, leaf)
		if err != nil {
			return err
		}
		// EBUSY: somebody has moved a process in, after the pass that found none. Or a
		// kernel thread, which nobody can move, is here and not in the root.
		err = g.enableBelow()
		if !errors.Is(err, unix.EBUSY) || ctx.Err() != nil || len(stay) != 0 {
			return err
		}
	}
}

// enableBelow enables all controllers that the group has.
func (g *Group) enableBelow() error {
	has, err := g.Controllers()
	if err != nil {
		return err
	}
	return enableIn(g.root, g.path, has)
}

// moveAll moves processes until a pass finds none. A process forks into the group it
// is in, so the children of those that were not reached yet come in the next pass, and
// those of the others are below already. It returns those that cannot be moved.
func (g *Group) moveAll(ctx context.Context, leaf string) (stay map[int]bool, err error) {
	stay = map[int]bool{}
	to := -1
	defer func() {
		if to >= 0 {
			unix.Close(to)
		}
	}()
	for {
		pids, err := processes(g.fd)
		if err != nil {
			return nil, g.failed("cgroup.procs", err)
		}
		pids = slices.DeleteFunc(pids, func(pid int) bool { return stay[pid] })
		if len(pids) == 0 {
			return stay, nil
		}
		if slices.Contains(pids, 0) { // and written it would mean ourselves
			return nil, fmt.Errorf("cgroup %s: a process of another pid namespace cannot be moved from here", g.path)
		}
		if err := ctx.Err(); err != nil {
			return nil, g.failed("cgroup.procs", fmt.Errorf("%w: %s still there", context.Cause(ctx), pidList(pids)))
		}
		if to < 0 {
			if to, err = g.openLeaf(leaf); err != nil {
				return nil, err
			}
		}
		if err := g.move(to, leaf, pids, stay); err != nil {
			return nil, err
		}
	}
}

func (g *Group) openLeaf(leaf string) (int, error) {
	if err := unix.Mkdirat(g.fd, leaf, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
		return -1, fmt.Errorf("cgroup %s/%s: mkdir: %w%s", g.path, leaf, err, mkdirHint(err))
	}
	fd, err := openBelow(g.fd, leaf, oDir)
	return fd, g.failed(leaf, err)
}

// move moves processes, one a write as the kernel wants it. One that has ended
// meanwhile is passed over, and so is a kernel thread, which stays where it is.
func (g *Group) move(to int, leaf string, pids []int, stay map[int]bool) error {
	for _, pid := range pids {
		err := writeFile(to, "cgroup.procs", fmt.Sprint(pid))
		switch {
		case err == nil, errors.Is(err, unix.ESRCH):
		case errors.Is(err, unix.EINVAL):
			stay[pid] = true
		default:
			return fmt.Errorf("cgroup %s: move %d to %s: %w%s", g.path, pid, leaf, err, moveHint(err))
		}
	}
	return nil
}

func moveHint(err error) string {
	switch {
	case errors.Is(err, unix.EBUSY):
		return ": that group has controllers for groups below it, and so no processes of its own"
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return ": the groups have to be delegated to this user, both"
	case errors.Is(err, unix.EOPNOTSUPP):
		return ": that group is threaded"
	}
	return ""
}
