package container

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"

	"github.com/selfcontain/runtime/mounts"
)

// MountPoint is one mount of the machine. proc_pid_mountinfo(5)
type MountPoint struct {
	ID     int    `json:"id"`
	Parent int    `json:"parent"` // the mount in which Path is
	Path   string `json:"path"`
	Type   string `json:"type"` // the file system
}

// MountPoints lists what is mounted where the caller is.
func MountPoints() ([]MountPoint, error) {
	list, err := mountinfo.GetMounts(nil)
	if err != nil {
		return nil, fmt.Errorf("what is mounted: %w", err)
	}
	points := make([]MountPoint, 0, len(list))
	for _, i := range list {
		points = append(points, MountPoint{i.ID, i.Parent, i.Mountpoint, i.FSType})
	}
	return points, nil
}

// fresh are the directories of the machine that a container with a root of the machine's
// files does not show, but has new: the kernel's own file systems, and the two
// directories through which programs of the machine talk to each other.
var fresh = [...]string{"/proc", "/sys", "/dev", "/run", "/tmp"}

// IsFresh reports whether a path is in a directory that such a container has new.
func IsFresh(p string) bool {
	return slices.ContainsFunc(fresh[:], func(dir string) bool { return Below(p, dir) })
}

// kernels are file systems that show the kernel or lead to other processes.
var kernels = [...]string{
	"autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs",
	"fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs",
	"smackfs", "sysfs", "tracefs",
}

// IsKernels reports whether a file system is one that shows the kernel or leads to other
// processes. Wherever one is mounted, in a chroot say, it stays out of a container.
func IsKernels(fsType string) bool { return slices.Contains(kernels[:], fsType) }

// Below reports whether a clean path is a directory or something in it.
func Below(p, dir string) bool {
	return p == dir || dir == "/" || strings.HasPrefix(p, dir) && p[len(dir)] == '/'
}

// Visible are the mounts that a path leads to, besides /, by their paths. One
// is hidden by a mount on itself, and with all that is in it by another one in the same
// parent that is nearer to its root.
func Visible(all []MountPoint) (list []MountPoint) {
	byID, inside := map[int]MountPoint{}, map[int][]MountPoint{}
	for _, m := range all {
		byID[m.ID] = m
		inside[m.Parent] = append(inside[m.Parent], m)
	}
	hidden := func(m MountPoint) bool {
		return slices.ContainsFunc(inside[m.Parent], func(n MountPoint) bool {
			return n.ID != m.ID && Below(m.Path, n.Path)
		})
	}
	for _, m := range all {
		out := m.Path == "/" || slices.ContainsFunc(inside[m.ID], func(n MountPoint) bool { return n.Path == m.Path })
		// The file of mounts is the kernel's, but a loop in it would be one here.
		for at, depth := m, 0; !out && depth < len(all); depth++ {
			out = hidden(at)
			parent, known := byID[at.Parent]
			if !known || parent.Path == "/" {
				break
			}
			at = parent
		}
		if !out {
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(a, b MountPoint) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// MachineMounts are for a root that is an overlay of the machine's own /, which only root
// may have. An overlay shows one file system; the others are bound where they are,
// read-only. They come one by one and not with what is mounted below them, or the
// kernel's would be among them. Origins begin with the given word.
func MachineMounts(all []MountPoint, origin string) (list []mounts.Mount) {
	for _, at := range Visible(all) {
		if IsFresh(at.Path) || IsKernels(at.Type) {
			continue
		}
		list = append(list, mounts.Mount{
			Destination: at.Path, Type: "bind", Source: at.Path, Options: []string{"bind", "ro", "rprivate"},
			Origin: origin + "[" + at.Path + "]",
		})
	}
	return list
}
