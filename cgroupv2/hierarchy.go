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
}

// usual is where systemd and everybody else mounts it: on its own, and on a hybrid host, where
// version 1 has most of the controllers, beside them.
var usual = [...]string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}

// Find finds the hierarchy, and opens it.
func Find() (*Hierarchy, error) {
	point, err := Mountpoint()
	if err != nil {
		return nil, err
	}
	if point != "" {
		return openHierarchy(point)
	}
	if all, err := mounts(); err == nil && len(all) > 0 {
		return nil, fmt.Errorf("find the cgroup hierarchy: %s is covered by another file system", all[0].point)
	}
	return nil, errors.New("cgroup v2 is not mounted: mount -t cgroup2 none /sys/fs/cgroup")
}

// Mountpoint is where the hierarchy is mounted, and empty where it is not. It is nearly always at
// one of the usual places, which a look at the file system tells; /proc/self/mountinfo,
// which may be long, is read only where it is at neither.
func Mountpoint() (string, error) {
	for _, point := range usual {
		if isHierarchy(point) {
			return point, nil
		}
	}
	all, err := mounts()
	if err != nil {
		return "", fmt.Errorf("where is cgroup v2 mounted: %w", err)
	}
	for _, m := range preferred(all) {
		if isHierarchy(m.point) { // and nothing else is mounted on top
			return m.point, nil
		}
	}
	return "", nil
}

func isHierarchy(point string) bool {
	var s unix.Statfs_t
	return unix.Statfs(point, &s) == nil && s.Type == unix.CGROUP2_SUPER_MAGIC
}

// mounts are the lines of /proc/self/mountinfo that show the hierarchy.
func mounts() (list []mount, err error) {
	all, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup2"))
	for _, m := range all {
		list = append(list, mount{m.Mountpoint, m.Root})
	}
	return list, err
}

// mount is a line of mountinfo.
type mount struct{ point, root string }

// preferred puts the whole hierarchy before parts of it.
func preferred(all []mount) []mount {
	var first, rest []mount
	for _, m := range all {
		if m.root == "/" {
			first = append(first, m)
		} else {
			rest = append(rest, m)
		}
	}
	return append(first, rest...)
}

func openHierarchy(point string) (*Hierarchy, error) {
	fd, err := unix.Open(point, oDir|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: point, Err: err}
	}
	// Something else may have been mounted on top.
	var s unix.Statfs_t
	if err := unix.Fstatfs(fd, &s); err != nil || s.Type != unix.CGROUP2_SUPER_MAGIC {
		return nil, errors.Join(fmt.Errorf("%s is covered by another file system", point), unix.Close(fd))
	}
	return &Hierarchy{fd: fd, mountpoint: point}, nil
}

// Close closes the hierarchy. Its groups stay usable. It may be called again.
func (h *Hierarchy) Close() error { return closeOnce(&h.fd) }

// Mountpoint is where it is mounted.
func (h *Hierarchy) Mountpoint() string { return h.mountpoint }

// Own is the path of the caller's own group.
func (h *Hierarchy) Own() (string, error) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	root, err := h.root()
	if err != nil {
		return "", err
	}
	return ownPath(string(text), root)
}

// root is the group at the mountpoint, as /proc/self/cgroup would call it. Of several mounts
// there the last one is seen.
func (h *Hierarchy) root() (string, error) {
	all, err := mounts()
	if err != nil {
		return "", fmt.Errorf("what is mounted at %s: %w", h.mountpoint, err)
	}
	root := "/"
	for _, m := range all {
		if m.point == h.mountpoint {
			root = m.root
		}
	}
	return root, nil
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
