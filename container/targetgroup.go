package container

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/selfcontain/runtime/cgroupv2"
)

// groupFor is the path of the container's cgroup, or of one below it. It is empty where
// the container has none.
//
// A program in the container that has made groups of its own, as an init system does, has
// left the container's without processes, and none may be born there any more ("no
// internal processes", cgroups(7)): then it is the group of the first process.
func (d *stateDir) groupFor(pid int, sub string) (string, error) {
	group := ""
	err := d.withGroup(func(g *cgroupv2.Group) error {
		if g != nil {
			group = g.Path()
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if strings.Trim(sub, "/") != "" {
		return groupBelow(group, sub)
	}
	if own := groupOf(pid); group != "" && strings.HasPrefix(own, group+"/") {
		group = own
	}
	return group, nil
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
// own setting, or by that of a group above. That they stand still alone does not tell:
// they do not as long as another is on its way in. cgroups(7)
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
	if group == "" {
		return "", fmt.Errorf("%q: the container has no cgroup of its own", sub)
	}
	return path.Join(group, path.Clean("/"+sub)), nil
}
