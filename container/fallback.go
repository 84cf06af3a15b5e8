package container

import (
	"slices"
	"strconv"
	"strings"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// fallback is a file system of the kernel's that shows what belongs to a namespace. In
// a user namespace it can be made only where that namespace belongs to the same user
// namespace; otherwise the host's is bound in its place, which shows the same.
type fallback struct {
	types  []string
	needs  clone.NamespaceType
	source string // what is bound
	option string // that is added
}

var fallbacks = [...]fallback{
	{[]string{"proc"}, clone.NEWPID, "/proc", ""},
	{[]string{"sysfs"}, clone.NEWNET, "/sys", "rro"},
	{[]string{"mqueue"}, clone.NEWIPC, "/dev/mqueue", ""},
	{[]string{"cgroup", "cgroup2"}, clone.NEWCGROUP, "/sys/fs/cgroup", ""},
}

// fallBack changes the mounts that a user namespace cannot have as they are asked for.
// It works on a copy: the spec's lists are its owner's.
func (c *compiler) fallBack() {
	if !c.boxedIn() {
		return
	}
	c.spec.Mounts = slices.Clone(c.spec.Mounts)
	for i := range c.spec.Mounts {
		m := &c.spec.Mounts[i]
		if m.Origin == "" {
			m.Origin = "mounts[" + strconv.Itoa(i) + "]"
		}
		if m.Type == "devpts" && len(c.spec.GIDMappings) > 0 {
			c.dropUnmapped(m)
		}
		for _, f := range fallbacks {
			if slices.Contains(f.types, m.Type) && !c.owns(f.needs) && !binds(*m) {
				c.warn("%s: the host's %s is bound: a user namespace can make a %s only with a new %s namespace",
					m.Origin, c.bindHost(m, f), f.types[0], clone.NsName(f.needs))
			}
		}
	}
}

// owns reports whether the container's namespace of this type may belong to its user
// namespace. One that is joined may where the user namespace is not new; if it does not,
// the kernel will say so.
func (c *compiler) owns(t clone.NamespaceType) bool {
	return c.isNew(t) || !c.newUser() && c.spec.Namespaces.Contains(t)
}

// boxedIn reports whether the container is in a user namespace, its own or its caller's.
func (c *compiler) boxedIn() bool { return c.inUser() || c.host.Inside }

// bindHost makes of a mount a bind of the host's, with all that is mounted in it: the
// kernel does not show what a mount below covers to those who have not made it.
func (c *compiler) bindHost(m *mounts.Mount, f fallback) string {
	source := f.source
	if f.needs == clone.NEWCGROUP && c.host.Cgroup2 != "" {
		source = c.host.Cgroup2
	}
	options := []string{"rbind"}
	opts, err := mounts.ParseOptions(m.Options)
	for _, o := range m.Options {
		if err != nil || !slices.Contains(opts.Data, o) { // those belong to the file system that is not made
			options = append(options, o)
		}
	}
	if f.option != "" {
		options = append(options, f.option)
	}
	m.Type, m.Source, m.Options = "bind", source, options
	return source
}

// binds reports whether it is a bind mount, or a change of a mount, which needs nothing.
func binds(m mounts.Mount) bool {
	opts, err := mounts.ParseOptions(m.Options)
	return err == nil && (opts.Bind || opts.Remount)
}

// dropUnmapped takes the owner out of the options of a devpts where the user namespace
// has no such id: gid=5, the group tty, is in every configuration. What it is for, that
// others of the group may write to a terminal, does not exist there.
func (c *compiler) dropUnmapped(m *mounts.Mount) {
	m.Options = slices.DeleteFunc(slices.Clone(m.Options), func(o string) bool {
		name, value, _ := strings.Cut(o, "=")
		ids := c.spec.GIDMappings
		if name == "uid" {
			ids = c.spec.UIDMappings
		} else if name != "gid" {
			return false
		}
		id, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return false
		}
		_, mapped := ids.ToHost(uint32(id))
		if !mapped {
			c.warn("%s: the option %s is left out: the user namespace has no such id", m.Origin, o)
		}
		return !mapped
	})
}

// beforeMounts has the host's side copy what the container may not reach by itself:
// the sources of bind mounts, which its ids need not be allowed to search the way to,
// those that get ids of their own, and those that are the caller's by their name.
func (c *compiler) beforeMounts(step func(Step) prog.FD) {
	if !c.host.copiesMounts() {
		return
	}
	c.spec.Mounts = slices.Clone(c.spec.Mounts)
	for i := range c.spec.Mounts {
		own := ofCaller(c.spec.Mounts[i].Source)
		if !c.inUser() && c.usualIDs(i) && !own {
			continue
		}
		m := &c.spec.Mounts[i]
		opts, ids, err := c.mountIDs(i)
		if err != nil || !opts.Bind || !c.inUser() && ids == nil && !own {
			continue
		}
		s := Step{
			Action: CloneSource, Path: m.Source, Recursive: opts.Recursive,
			Why: "what is bound at " + m.Destination, Origin: m.Origin,
		}
		if s.Origin == "" {
			s.Origin = "mounts[" + strconv.Itoa(i) + "]"
		}
		if ids != nil {
			s.Action, s.IDs, s.GIDs, s.Below = CloneIDMapped, ids.UIDs, ids.GIDs, ids.recursive
			s.Why += ", with ids of its own"
		}
		s.As = c.hand(s.Origin)
		m.From = step(s)
	}
}

// ofCaller reports whether a path means something else to every process: /proc/self/exe
// is the caller's program on the host's side, and the image in the container.
func ofCaller(source string) bool {
	return strings.HasPrefix(source, "/proc/self/") || strings.HasPrefix(source, "/proc/thread-self/")
}
