package container

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// Cgroup is the control group of a container. cgroups(7)
type Cgroup struct {
	// Path is the group, from the mount of the hierarchy: "/machine/box". A path that does
	// not begin with a slash is one beside the caller's own group: the caller's has
	// processes, and so can hand no controller down. The group must not be there, or be
	// empty; it is removed with the container.
	Path string
	// Resources are its limits.
	Resources cgroupv2.Resources
	// Optional lets the container go without a group where the caller may make none. It
	// is for who asks for no limit, and would like to end all processes at once. Rules for
	// devices need the group nevertheless if the caller may load a filter.
	Optional bool
}

// checkCgroup refuses limits that cannot be set, and a group for which there is no place.
func (c *compiler) checkCgroup(wrong complaint) {
	g := c.spec.Cgroup
	if g == nil {
		return
	}
	if _, err := g.Resources.Files(); err != nil {
		wrong("", "%v", err)
	} else if g.Optional && g.Resources.Asks() {
		wrong("linux.resources", "limits cannot be set without a cgroup, and that is optional")
	}
	c.checkDevices(wrong)
	if g.Path == "" {
		wrong("linux.cgroupsPath", "the path of the cgroup is empty")
	} else if _, err := cgroupv2.CleanPath(c.cgroupPath()); err != nil {
		wrong("linux.cgroupsPath", "%v", err)
	}
	switch {
	case !c.gated && !c.held:
		wrong("linux.cgroupsPath", "a cgroup has to be removed in the end, so it takes a container that is created (container.Create)")
	case c.host.Cgroup2 == "" && !g.Optional:
		wrong("linux.cgroupsPath", "cgroup v2 is not mounted")
	}
}

// cgroupPath is where the group is, from the mount of the hierarchy.
func (c *compiler) cgroupPath() string {
	p := c.spec.Cgroup.Path
	if !strings.HasPrefix(p, "/") {
		p = path.Dir(path.Join("/", c.host.Cgroup)) + "/" + p
	}
	if clean, err := cgroupv2.CleanPath(p); err == nil {
		return clean
	}
	return p // checkCgroup says what is wrong with it
}

// beforeCgroup makes the group, with its limits, before there is anything to be limited.
func (c *compiler) beforeCgroup(step func(Step) prog.FD) {
	g := c.spec.Cgroup
	if g == nil || c.host.Cgroup2 == "" {
		return
	}
	at := c.cgroupPath()
	c.plan.cgroup = at
	step(Step{
		Action: MakeCgroup, Path: at, Why: "the container is born in it, and so is everything that it makes", Origin: "linux.cgroupsPath",
	})
	files, _ := g.Resources.Files() // the error is that of checkCgroup
	if files = slices.DeleteFunc(files, birthless); len(files) > 0 {
		step(Step{Action: LimitCgroup, Path: at, Files: files, Why: "limits", Origin: "linux.resources"})
	}
	c.beforeDevices(step, at)
	c.beforeDelegation(step, at)
}

// birthless reports whether nothing can be born in a group in which this is written.
func birthless(f cgroupv2.File) bool { return f.Name == "pids.max" && f.Value == "0" }

// limitBorn writes such a limit when the container has all of its processes, and before it is known
// to be created.
func (c *compiler) limitBorn() {
	if c.plan.cgroup == "" {
		return
	}
	files, _ := c.spec.Cgroup.Resources.Files()
	files = slices.DeleteFunc(files, func(f cgroupv2.File) bool { return !birthless(f) })
	if len(files) == 0 {
		return
	}
	for i, steps := range c.plan.During {
		if keeps(steps) {
			c.plan.During[i] = slices.Insert(steps, len(steps)-1, Step{
				Action: LimitCgroup, Path: c.plan.cgroup, Files: files, Why: "it has been born, and nothing else can be", Origin: "linux.resources",
			})
		}
	}
}

// birthFlags are those of clone3 beside the namespaces.
func (b Birth) birthFlags() uint64 {
	if b.Cgroup == "" {
		return 0
	}
	return unix.CLONE_INTO_CGROUP
}

// cgroupText is a step as what it does.
func (s Step) cgroupText() string {
	var b strings.Builder
	switch s.Action {
	case MakeCgroup:
		return `mkdirat(cgroup2, "` + s.Path + `", 0755)`
	case FilterDevices:
		return s.filterText()
	case DelegateCgroup:
		return s.delegationText()
	}
	fmt.Fprintf(&b, "write(cgroup2, %q", s.Path)
	var controllers []string
	for _, f := range s.Files {
		b.WriteString(", " + f.String())
		if !f.Optional && f.Controller != "" && !slices.Contains(controllers, f.Controller) {
			controllers = append(controllers, f.Controller)
		}
	}
	b.WriteString(")")
	if len(controllers) > 0 {
		b.WriteString("; cgroup.subtree_control above: +" + strings.Join(controllers, " +"))
	}
	return b.String()
}
