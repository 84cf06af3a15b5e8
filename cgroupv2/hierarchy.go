package cgroupv2

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Hierarchy is the hierarchy of version 2, or the part of it that is mounted.
type Hierarchy struct {
	fd         int
	mountpoint string
	root       string // the group at the mountpoint, as /proc/self/cgroup would call it
}

// usual is where systemd and everybody else mounts it.
const usual = "/sys/fs/cgroup"

// Find finds the hierarchy in /proc/self/mountinfo. On a hybrid host, where version 1
// has most of the controllers, it is beside them, usually in /sys/fs/cgroup/unified.
func Find() (*Hierarchy, error) {
	all, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup2"))
	if err != nil {
		return nil, fmt.Errorf("find the cgroup hierarchy: %w", err)
	}
	var places []mount
	for _, m := range all {
		places = append(places, mount{m.Mountpoint, m.Root})
	}
	var errs []error
	for _, m := range preferred(places) {
		h, err := openHierarchy(m)
		if err == nil {
			return h, nil
		}
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		return nil, errors.New("cgroup v2 is not mounted: mount -t cgroup2 none /sys/fs/cgroup")
	}
	return nil, fmt.Errorf("find the cgroup hierarchy: %w", errors.Join(errs...))
}

// mount is a line of mountinfo.
type mount struct{ point, root string }

// preferred puts the whole hierarchy before parts of it, and the usual place first.
func preferred(all []mount) []mount {
	var first, second, rest []mount
	for _, m := range all {
		switch {
		case m.point == usual:
			first = append(first, m)
		case m.root == "/":
			second = append(second, m)
		default:
			rest = append(rest, m)
		}
	}
	return append(append(first, second...), rest...)
}

func openHierarchy(m mount) (*Hierarchy, error) {
	fd, err := unix.Open(m.point, oDir|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: m.point, Err: err}
	}
	// Something else may have been mounted on top.
	var s unix.Statfs_t
	if err := unix.Fstatfs(fd, &s); err != nil || s.Type != unix.CGROUP2_SUPER_MAGIC {
		return nil, errors.Join(fmt.Errorf("%s is covered by another file system", m.point), unix.Close(fd))
	}
	return &Hierarchy{fd: fd, mountpoint: m.point, root: m.root}, nil
}

// Close closes the hierarchy. Its groups stay usable.
func (h *Hierarchy) Close() error { return unix.Close(h.fd) }

// Mountpoint is where it is mounted.
func (h *Hierarchy) Mountpoint() string { return h.mountpoint }

// Own is the path of the caller's own group.
func (h *Hierarchy) Own() (string, error) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	return ownPath(string(text), h.root)
}

// ownPath finds the line of version 2 in /proc/PID/cgroup, and makes its path, which
// starts at the cgroup namespace's root, one that starts at the mount's. cgroups(7)
func ownPath(text, root string) (string, error) {
	for line := range strings.Lines(text) {
		own, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::")
		if !ok {
			continue
		}
		own = strings.TrimSuffix(own, " (deleted)")
		rest, ok := strings.CutPrefix(own, strings.TrimSuffix(root, "/"))
		if !ok || strings.Contains(own+"/", "/../") || rest != "" && rest[0] != '/' {
			return "", fmt.Errorf("the own cgroup %s is not below %s, which is what is mounted", own, root)
		}
		return CleanPath("/" + rest)
	}
	return "", errors.New("/proc/self/cgroup has no line of version 2")
}
