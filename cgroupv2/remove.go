package cgroupv2

import (
	"context"
	"errors"
	"fmt"
	"path"

	"golang.org/x/sys/unix"
)

// removals bounds the passes of Remove: somebody inside may make groups as fast as
// they are removed.
const removals = 20

// Remove removes the group and all below it, the innermost first. It ends no process:
// while one lives it waits, and when ctx is done the error names it. A group that
// is not there any more is removed.
func (g *Group) Remove(ctx context.Context) error {
	if err := g.notRoot("remove"); err != nil {
		return err
	}
	err := g.RemoveEmpty()
	if !errors.Is(err, unix.EBUSY) {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	for range removals {
		err = g.removeOnce()
		if err == nil || !errors.Is(err, unix.EBUSY) {
			return err
		}
		if err := g.awaitEmpty(ctx); err != nil {
			return fmt.Errorf("%w: cannot be removed", err)
		}
	}
	return fmt.Errorf("%w: %d times, without a process in it", err, removals)
}

// removeOnce is one pass, bottom up.
func (g *Group) removeOnce() error {
	names, err := children(g.fd)
	if err != nil && !gone(err) {
		return fmt.Errorf("cgroup %s: %w", g.path, err)
	}
	for _, name := range names {
		if err := removeTree(g.fd, name, maxDepth); err != nil {
			return fmt.Errorf("cgroup %s/%s: rmdir: %w", g.path, name, err)
		}
	}
	return g.RemoveEmpty()
}

// RemoveEmpty removes the group if there is no living process in it and no group below. The
// kernel decides about both when it removes it, and the error is EBUSY where it does not.
func (g *Group) RemoveEmpty() error {
	if err := g.notRoot("remove"); err != nil {
		return err
	}
	parent, err := openBelow(g.root, below(path.Dir(g.path)), oDir)
	if gone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cgroup %s: %w", path.Dir(g.path), err)
	}
	defer unix.Close(parent)
	same, err := g.isAt(parent)
	if err != nil || !same {
		return err
	}
	if err := unix.Unlinkat(parent, path.Base(g.path), unix.AT_REMOVEDIR); err != nil && !gone(err) {
		return fmt.Errorf("cgroup %s: rmdir: %w", g.path, err)
	}
	return nil
}

// isAt reports whether the group is what the name below parent leads to. It may have
// been removed, and another container's be there: the kernel gives no number twice.
func (g *Group) isAt(parent int) (bool, error) {
	var own, there unix.Stat_t
	err := unix.Fstatat(parent, path.Base(g.path), &there, unix.AT_SYMLINK_NOFOLLOW)
	if gone(err) {
		return false, nil
	}
	if err == nil {
		err = unix.Fstat(g.fd, &own)
	}
	return own.Ino == there.Ino, g.failed("stat", err)
}

// removeTree removes a group below parent, and all that is in it.
func removeTree(parent int, name string, depth int) error {
	err := unix.Unlinkat(parent, name, unix.AT_REMOVEDIR)
	if err == nil || gone(err) {
		return nil
	}
	if !errors.Is(err, unix.EBUSY) || depth == 0 {
		return err
	}
	fd, openErr := openBelow(parent, name, oDir)
	if openErr != nil {
		return openErr
	}
	defer unix.Close(fd)
	names, listErr := children(fd)
	if listErr != nil {
		return listErr
	}
	if len(names) == 0 {
		return err
	}
	for _, n := range names {
		if err := removeTree(fd, n, depth-1); err != nil {
			return err
		}
	}
	if err := unix.Unlinkat(parent, name, unix.AT_REMOVEDIR); !gone(err) {
		return err
	}
	return nil
}
