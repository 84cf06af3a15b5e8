package cgroupv2

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Group is one control group, held by descriptors: that of its directory, and that of
// the hierarchy it was opened in. It is safe for concurrent use, but for Close.
type Group struct {
	fd, root int
	path     string
	made     []string
}

// Open opens a group that is there.
func (h *Hierarchy) Open(p string) (*Group, error) {
	p, err := CleanPath(p)
	if err != nil {
		return nil, err
	}
	fd, err := openBelow(h.fd, below(p), oDir)
	if err != nil {
		return nil, fmt.Errorf("cgroup %s: %w", p, err)
	}
	return h.group(fd, p)
}

// group takes fd over.
func (h *Hierarchy) group(fd int, p string) (*Group, error) {
	root, err := unix.FcntlInt(uintptr(h.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cgroup %s: %w", p, err), unix.Close(fd))
	}
	return &Group{fd: fd, root: root, path: p}, nil
}

// Create makes a group, and those above it that are missing. It enables nothing and
// accepts a group that is there: [Group.Made] tells them apart. If it fails, what it has made is
// removed.
func (h *Hierarchy) Create(p string) (*Group, error) {
	p, err := CleanPath(p)
	if err != nil {
		return nil, err
	}
	for range attempts {
		var g *Group
		g, err = h.create(p)
		// ENOENT: one on the way has been removed between its mkdir and its open, as
		// whoever cleans up behind another container does.
		if !errors.Is(err, unix.ENOENT) {
			return g, err
		}
	}
	return nil, err
}

func (h *Hierarchy) create(p string) (_ *Group, err error) {
	var made []string
	defer func() {
		if err != nil {
			h.Prune(made)
		}
	}()
	fd, err := openBelow(h.fd, ".", oDir)
	if err != nil {
		return nil, fmt.Errorf("cgroup /: %w", err)
	}
	at := "/"
	for name := range strings.SplitSeq(p[1:], "/") {
		if name == "" { // the root itself
			break
		}
		at = path.Join(at, name)
		err = unix.Mkdirat(fd, name, 0o755)
		if err == nil {
			made = append(made, at)
		} else if !errors.Is(err, unix.EEXIST) {
			return nil, errors.Join(fmt.Errorf("cgroup %s: mkdir: %w%s", at, err, mkdirHint(err)), unix.Close(fd))
		}
		next, err := openBelow(fd, name, oDir)
		if err := errors.Join(err, unix.Close(fd)); err != nil {
			return nil, fmt.Errorf("cgroup %s: %w", at, err)
		}
		fd = next
	}
	g, err := h.group(fd, p)
	if err == nil {
		g.made = made
	}
	return g, err
}

func mkdirHint(err error) string {
	switch {
	case errors.Is(err, unix.EAGAIN):
		return ": a group above has cgroup.max.depth or cgroup.max.descendants, and it is reached"
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return ": the group above belongs to somebody else: it has to be delegated to this user"
	case errors.Is(err, unix.EROFS):
		return ": the hierarchy is mounted read-only"
	}
	return ""
}

// Prune removes groups that are empty, the last one first, and leaves alone those that
// are not: for what [Group.Made] says, when the group is gone. Others may have made
// groups in them meanwhile.
func (h *Hierarchy) Prune(paths []string) {
	for _, path := range slices.Backward(paths) {
		p, err := CleanPath(path)
		if err != nil || p == "/" {
			return
		}
		// One that is not there says nothing of those above it.
		if err := unix.Unlinkat(h.fd, below(p), unix.AT_REMOVEDIR); err != nil && !errors.Is(err, unix.ENOENT) {
			return
		}
	}
}

// Close closes the descriptors. The group stays. It may be called again.
func (g *Group) Close() error { return errors.Join(closeOnce(&g.fd), closeOnce(&g.root)) }

// closeOnce closes a descriptor, whose number may be another's from then on.
func closeOnce(fd *int) error {
	if *fd < 0 {
		return nil
	}
	err := unix.Close(*fd)
	*fd = -1
	return err
}

// FD is the descriptor of its directory (O_PATH), for CLONE_INTO_CGROUP. It is the
// group's: who keeps it longer duplicates it.
func (g *Group) FD() int { return g.fd }

// Path is its path in the hierarchy.
func (g *Group) Path() string { return g.path }

// Made are the groups that Create has made, this one included, the outermost first.
func (g *Group) Made() []string { return g.made }

// State is what cgroup.events says: whether a living process is in the group or below,
// and whether all of them are frozen. A container is born in one that is neither.
func (g *Group) State() (populated, frozen bool, err error) {
	text, err := g.read("cgroup.events")
	if err != nil {
		return false, false, err
	}
	events, err := parseFlat(text)
	return events["populated"] != 0, events["frozen"] != 0, g.failed("cgroup.events", err)
}

// notRoot refuses what must not be done to everything that runs.
func (g *Group) notRoot(what string) error {
	if g.path == "/" {
		return fmt.Errorf("cgroup /: %s: this is the whole hierarchy", what)
	}
	return nil
}
