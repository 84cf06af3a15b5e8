package container

import (
	"fmt"
	"path"
	"slices"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// cgroupMount is where a container has its cgroups.
const cgroupMount = "/sys/fs/cgroup"

// A container with a user namespace and a cgroup namespace of its own that has its cgroups
// mounted writable is to make groups in its own: without that it could not, since they belong
// to somebody whom it does not have. So its root gets the group, and not the limits of it.
//
// https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config-linux.md#cgroup-ownership

// delegates reports whether the container's cgroup is to be given to its root, and who that
// is on the host.
func (c *compiler) delegates() (uid, gid uint32, ok bool) {
	s := &c.spec
	if !c.inUser() || !c.isNew(clone.NEWCGROUP) || !slices.ContainsFunc(s.Mounts, mountsCgroup) {
		return 0, 0, false
	}
	uid, hasUser := s.UIDMappings.ToHost(0)
	gid, hasGroup := s.GIDMappings.ToHost(0)
	return uid, gid, hasUser && hasGroup
}

// mountsCgroup reports whether a mount is one of the container's cgroups, to write to.
func mountsCgroup(m mounts.Mount) bool {
	readonly := slices.Contains(m.Options, "ro") || slices.Contains(m.Options, "rro")
	return path.Clean(m.Destination) == cgroupMount && (m.Type == "cgroup" || m.Type == "cgroup2") && !readonly
}

// beforeDelegation gives it away, if it is not the caller's own root that gets it.
func (c *compiler) beforeDelegation(step func(Step) prog.FD, at string) {
	uid, gid, ok := c.delegates()
	switch {
	case !ok, int(uid) == c.host.UID && int(gid) == c.host.GID:
		return
	case !c.host.Capabilities.Effective.Has(caps.CHOWN):
		c.warn("linux.cgroupsPath: the cgroup stays the caller's, who may give nothing away: the container can make no groups in its own")
		return
	}
	step(Step{
		Action: DelegateCgroup, Path: at, UID: uid, GID: gid,
		Why: "the container's root may make groups in its own, which it has mounted writable", Origin: "linux.cgroupsPath",
	})
}

func (s Step) delegationText() string {
	return fmt.Sprintf("fchownat(cgroup2, %q, %d, %d); so the files of /sys/kernel/cgroup/delegate in it", s.Path, s.UID, s.GID)
}
