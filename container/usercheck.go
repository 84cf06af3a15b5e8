package container

import (
	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
)

// mapping is the map of user ids, or that of group ids, and who can write it.
type mapping struct {
	origin  string
	ids     clone.IDMaps
	own     int    // the caller's id
	may     bool   // the caller may map any
	program string // that maps subordinate ids
	called  string
	subIDs  string // the file that has them
	file    string
}

func (c *compiler) mappings() [2]mapping {
	h, held := &c.host, c.host.Capabilities.Effective
	return [2]mapping{
		{"linux.uidMappings", c.spec.UIDMappings, h.UID, held.Has(caps.SETUID), h.NewUIDMap, "newuidmap", "/etc/subuid", "uid_map"},
		{"linux.gidMappings", c.spec.GIDMappings, h.GID, held.Has(caps.SETGID), h.NewGIDMap, "newgidmap", "/etc/subgid", "gid_map"},
	}
}

// direct reports whether the caller may write the map by itself: any with the
// capability, and otherwise that of its own id alone. user_namespaces(7)
func (m *mapping) direct() bool {
	return m.may || len(m.ids) == 1 && m.ids[0].Size == 1 && int64(m.ids[0].HostID) == int64(m.own)
}

// setgroupsDenied reports whether nobody in the new user namespace may call
// setgroups(2): who maps a group without a right to it could otherwise drop one that
// keeps files from him.
func (c *compiler) setgroupsDenied() bool {
	m := c.mappings()[1]
	return c.host.SetgroupsDenied || !m.may && m.direct()
}

// mapSteps are what the host's side does when the process has made its user namespace.
// setgroups comes before gid_map, and each map is written once.
func (c *compiler) mapSteps() (steps []Step) {
	for i, m := range c.mappings() {
		if i == 1 && m.direct() && c.setgroupsDenied() {
			steps = append(steps, Step{
				Action: DenySetgroups, Path: "/proc/PID/setgroups", Why: "who may not map groups may not drop them", Origin: m.origin,
			})
		}
		s := Step{Action: WriteMap, Path: "/proc/PID/" + m.file, IDs: m.ids, Why: "the ids of the user namespace", Origin: m.origin}
		if !m.direct() {
			s.Action, s.Path, s.Why = RunMapProgram, m.program, "it may give away what "+m.subIDs+" says"
		}
		steps = append(steps, s)
	}
	return steps
}

type refuse func(origin, format string, v ...any)

// checkUser refuses a user namespace that cannot be had.
func (c *compiler) checkUser(wrong refuse) {
	s := &c.spec
	if len(s.Process.User.AdditionalGIDs) > 0 && (c.newUser() && c.setgroupsDenied() || !c.joinsUser() && c.host.SetgroupsDenied) {
		wrong("process.user.additionalGids", "the kernel allows no setgroups(2) where an ordinary user has mapped its own group by itself: map more groups, by newgidmap(1)")
	}
	if !c.newUser() {
		for _, m := range c.mappings() {
			if len(m.ids) > 0 && !c.joinsUser() { // engines say again what is in one that is joined
				wrong(m.origin, "there is no user namespace whose ids these could be")
			}
		}
		return
	}
	if c.host.Forbidden != "" {
		wrong("linux.namespaces", "this machine forbids user namespaces to ordinary users: %s", c.host.Forbidden)
	}
	valid := true
	for _, m := range c.mappings() {
		if len(m.ids) == 0 {
			wrong(m.origin, "a new user namespace needs at least one id: {containerID: 0, hostID: %d, size: 1}", m.own)
			valid = false
			continue
		}
		if err := m.ids.Validate(); err != nil {
			wrong(m.origin, "%v", err)
			valid = false
		} else if !m.direct() && m.program == "" {
			wrong(m.origin, "%s may map its own id %d alone; for more install %s (package uidmap), and give the user a line in %s", c.host.caller(), m.own, m.called, m.subIDs)
		}
	}
	if !valid {
		return
	}
	u := &s.Process.User
	if _, ok := s.UIDMappings.ToHost(u.UID); !ok {
		wrong("process.user.uid", "linux.uidMappings has no id %d", u.UID)
	}
	for _, gid := range append([]uint32{u.GID}, u.AdditionalGIDs...) {
		if _, ok := s.GIDMappings.ToHost(gid); !ok {
			wrong("process.user.gid", "linux.gidMappings has no id %d", gid)
		}
	}
	if c.host.AppArmor {
		c.warn("linux.namespaces: AppArmor gives programs without a profile no capabilities in their user namespaces here (kernel.apparmor_restrict_unprivileged_userns=1)")
	}
}
