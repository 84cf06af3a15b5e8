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
		case g.manager.value == managerSystemd:
			return nil, noUnit(s.Cgroup)
		case g.manager.value == managerDisabled:
			if s.Cgroup != nil && s.Cgroup.Resources.Asks() {
				return nil, fmt.Errorf("linux.resources: limits take a cgroup, and --cgroup-manager is %s", managerDisabled)
			}
			warnings := unfiltered(s.Cgroup)
			s.Cgroup = nil
			return warnings, nil
		case s.Cgroup == nil || s.Cgroup.Path == "":
			c := &container.Cgroup{Path: g.defaultGroup(id)}
			if s.Cgroup != nil {
				c.Resources = s.Cgroup.Resources
			}
			c.Optional = !c.Resources.Asks()
			s.Cgroup = c
		default:
			c := *s.Cgroup
			c.Optional = g.mayLackRights() && !c.Resources.Asks()
			s.Cgroup = &c
		}
		return nil, nil
	}
}

// noUnit is the error of a container whose cgroup is to be a unit of systemd's. One that is
// made in another way would be neither where its caller looks for it nor systemd's.
func noUnit(c *container.Cgroup) error {
	const (
		form = "(slice:prefix:name)"
		do   = "and that cannot be had yet: name a path, and leave out --systemd-cgroup and --cgroup-manager systemd"
	)
	switch {
	case c == nil || c.Path == "":
		return fmt.Errorf("linux.cgroupsPath: it is empty, which asks for a unit of systemd's %s here, %s", form, do)
	case strings.Count(c.Path, ":") == 2:
		return fmt.Errorf("linux.cgroupsPath: %q asks for a unit of systemd's %s, %s", c.Path, form, do)
	}
	return fmt.Errorf("linux.cgroupsPath: %q is no unit of systemd's %s, which --systemd-cgroup asks for, %s", c.Path, form, do)
}

// unfiltered is the warning about rules that nobody follows.
func unfiltered(c *container.Cgroup) []string {
	if c == nil || len(c.Resources.Devices) == 0 {
		return nil
	}
	return []string{"linux.resources.devices: not enforced: without a cgroup, and with CAP_MKNOD, the container can use any device of the host"}
}

// mayLackRights tells whether it is no surprise if the caller may make no cgroup.
func (g *global) mayLackRights() bool {
	return g.rootless.value == "true" || g.rootless.value == "auto" && os.Geteuid() != 0
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
