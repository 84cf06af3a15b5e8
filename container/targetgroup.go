package container

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// group is the directory of the container's cgroup, or of one below it. A program in the
// container that has made groups of its own, as an init system does, has left the
// container's without processes, and none may be born there any more ("no internal
// processes", cgroups(7)): then it is the group of the first process.
func (d *stateDir) group(v *view, host Host, sub string) (string, error) {
	group, err := d.readLink(cgroupName)
	if err == nil && host.Cgroup2 != "" {
		boot, at, _ := strings.Cut(group, " ")
		if boot != v.process.boot || !strings.HasPrefix(at, "/") {
			return "", fmt.Errorf("linux.cgroupsPath: %q is no cgroup of this boot", group)
		}
		group = at
	} else {
		group = ""
	}
	if group == "" || strings.Trim(sub, "/") != "" {
		if group != "" {
			group = host.Cgroup2 + group
		}
		return groupBelow(group, sub)
	}
	if own := groupOf(v.process.pid); strings.HasPrefix(own, group+"/") {
		group = own
	}
	return host.Cgroup2 + group, nil
}

// groupOf is the cgroup of a process.
func groupOf(pid int) string {
	for line := range strings.Lines(string(contents("/proc/" + strconv.Itoa(pid) + "/cgroup"))) {
		if group, ok := strings.CutPrefix(line, "0::"); ok {
			return strings.TrimSuffix(group, "\n")
		}
	}
	return ""
}

// frozen reports whether the processes of a cgroup stand still, or are going to: by its
// own setting, or by that of a group above. cgroups(7)
func frozen(dir string) bool {
	return strings.TrimSpace(string(contents(dir+"/cgroup.freeze"))) == "1" ||
		strings.Contains(string(contents(dir+"/cgroup.events")), "frozen 1\n")
}

// groupBelow is a cgroup in the one of the container, which it does not leave. What the
// container itself has made there are directories; there are no links in this file
// system.
func groupBelow(group, sub string) (string, error) {
	for name := range strings.SplitSeq(sub, "/") {
		if name == ".." {
			return "", fmt.Errorf("%q: the path of a cgroup goes up with \"..\"", sub)
		}
	}
	if strings.IndexByte(sub, 0) >= 0 {
		return "", fmt.Errorf("%q holds a NUL", sub)
	}
	if group == "" && path.Clean("/"+sub) != "/" {
		return "", fmt.Errorf("%q: the container has no cgroup of its own", sub)
	}
	if group == "" {
		return "", nil
	}
	return path.Join(group, path.Clean("/"+sub)), nil
}
