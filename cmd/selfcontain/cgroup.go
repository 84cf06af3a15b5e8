package main

import (
	"fmt"
	"hash/fnv"
	"os"
	"strings"

	"github.com/selfcontain/runtime/container"
)

// cgroupOf gives the container of an id a cgroup, whatever its configuration says: the
// processes of one without are not known, and cannot be frozen. Where the caller may make
// none and has asked for none, the container goes without.
func (g *global) cgroupOf(id string) change {
	return func(s *container.Spec) ([]string, error) {
		switch {
		case g.manager.value == managerDisabled:
			if s.Cgroup != nil && asksLimits(s.Cgroup) {
				return nil, fmt.Errorf("linux.resources: limits take a cgroup, and --cgroup-manager is %s", managerDisabled)
			}
			s.Cgroup = nil
		case s.Cgroup == nil || s.Cgroup.Path == "":
			c := &container.Cgroup{Path: g.defaultGroup(id)}
			if s.Cgroup != nil {
				c.Resources = s.Cgroup.Resources
			}
			c.Optional = !asksLimits(c)
			s.Cgroup = c
		case g.manager.value == managerSystemd && strings.Count(s.Cgroup.Path, ":") == 2:
			return nil, fmt.Errorf("linux.cgroupsPath: %q asks for a unit of systemd's (slice:prefix:name), and that cannot be had yet: name a path, and leave out --systemd-cgroup", s.Cgroup.Path)
		default:
			c := *s.Cgroup
			c.Optional = g.mayLackRights() && !asksLimits(&c)
			s.Cgroup = &c
		}
		return nil, nil
	}
}

// mayLackRights tells whether it is no surprise if the caller may make no cgroup.
func (g *global) mayLackRights() bool {
	return g.rootless.value == "true" || g.rootless.value == "auto" && os.Geteuid() != 0
}

// asksLimits reports whether a cgroup is asked for because of what it limits. What is wrong
// with a limit is said when the container is compiled.
func asksLimits(c *container.Cgroup) bool {
	files, err := c.Resources.Files()
	return err != nil || len(files) > 0 || len(c.Resources.Devices) > 0
}

// defaultGroup is the cgroup of a container that has not asked for one, beside the
// caller's own. There may be a container of the same id in another directory of state.
func (g *global) defaultGroup(id string) string {
	path := "selfcontain/" + id
	if g.root == defaultRoot(os.Geteuid(), os.Getenv("XDG_RUNTIME_DIR")) {
		return path
	}
	h := fnv.New32a()
	h.Write([]byte(g.root)) // it has no error
	return fmt.Sprintf("%s-%08x", path, h.Sum32())
}
