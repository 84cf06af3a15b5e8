package main

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
)

// spec is the container that the flags ask for, on this machine. It is a pure function.
// The warnings say what is not as somebody may expect it.
func (b *boxFlags) spec(args []string, host container.Host, m machine) (container.Spec, []string, error) {
	s := container.Spec{
		Hostname:      b.hostname,
		Keyring:       "_ses.box",
		Init:          b.init,
		MaskedPaths:   slices.Clone(masked[:]),
		ReadonlyPaths: slices.Clone(readonly[:]),
		// The box goes with this process, however that ends.
		ParentDeathSignal: unix.SIGKILL,
		Networks:          slices.Clone(b.net.networks),
	}
	if m.Cgroup != "" {
		s.Cgroup = &container.Cgroup{Path: m.Cgroup, Resources: b.limits.resources(), Optional: !b.limits.any()}
	}
	var warnings []string
	if err := b.namespaces(&s, host); err != nil {
		return s, nil, err
	}
	if b.ownUsers(host) {
		s.UIDMappings, s.GIDMappings = idMappings(host)
		// What they hide, this user may read anyway or cannot read at all; what may
		// not be written belongs to somebody whom the box does not have. And without
		// them a box can be made in a box: a /proc with something on it is no proof
		// that a new one may be seen. user_namespaces(7)
		s.MaskedPaths, s.ReadonlyPaths = nil, nil
	}
	if err := b.root(&s, host, m); err != nil {
		return s, nil, err
	}
	if err := b.extraMounts(&s, m.Cwd); err != nil {
		return s, nil, err
	}
	if err := b.process(&s, args, host, m); err != nil {
		return s, nil, err
	}
	if m.NoScratch != "" {
		warnings = append(warnings, "a directory that the machine has cannot be removed in this box: on this kernel that takes a directory on a disk for what is changed, which --root or --keep can name ("+m.NoScratch+")")
	}
	s.Process.Cwd = b.workdir
	if b.workdir == "" {
		s.Process.Cwd = m.Cwd
		if !b.inside(&s, m) {
			s.Process.Cwd = "/"
			if b.rootfs == "" {
				warnings = append(warnings, fmt.Sprintf("%s is not in the box, which begins in /: --bind shows it", m.Cwd))
			}
		}
	}
	return s, warnings, nil
}

// masked and readonly are docker's.
var (
	masked = [...]string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
		"/sys/firmware",
	}
	readonly = [...]string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// namespaces are all new but for those that the flags share with the machine.
func (b *boxFlags) namespaces(s *container.Spec, host container.Host) error {
	s.Namespaces.Add(clone.NEWNS, "")
	for _, n := range []struct {
		is  clone.NamespaceType
		new bool
	}{
		{clone.NEWPID, b.pid.value == private}, {clone.NEWUTS, b.uts.value == private},
		{clone.NEWIPC, b.ipc.value == private}, {clone.NEWCGROUP, b.cgroupns.value == private},
		{clone.NEWNET, b.net.value == none}, {clone.NEWUSER, b.ownUsers(host)},
	} {
		if n.new {
			s.Namespaces.Add(n.is, "")
		}
	}
	switch {
	case b.userns.value == shared && !privileged(host):
		return errors.New("--userns host: only root can make a box without users of its own")
	case b.uts.value == shared && b.hostname != "":
		return errors.New("--hostname and --uts host: the name would be the machine's")
	case b.uts.value == private && b.hostname == "":
		s.Hostname = "box"
	}
	return nil
}

// privileged reports whether the caller can do without a user namespace. Root can, but
// not in every container.
func privileged(host container.Host) bool { return host.Capabilities.Effective.Has(caps.SYS_ADMIN) }

// ownUsers reports whether the box has a user namespace of its own.
func (b *boxFlags) ownUsers(host container.Host) bool {
	return b.userns.value == private || b.userns.value == "" && !privileged(host)
}

// idMappings are the users of a box that has its own. Root's have the same numbers
// inside, all of them: what he gains is that a capability of the box is one in there
// alone.
func idMappings(host container.Host) (uid, gid clone.IDMaps) {
	if !privileged(host) || host.Inside {
		return container.IDMappings(host)
	}
	all := clone.IDMaps{{Size: 1<<32 - 1}}
	return all, all
}

// root chooses the root file system and what is mounted in it by itself. In a user
// namespace / itself cannot be a layer: what is mounted below it is locked, and an
// overlay would show what it covers. overlayfs, mount_namespaces(7)
func (b *boxFlags) root(s *container.Spec, host container.Host, m machine) error {
	s.Root.Readonly = b.readOnly
	users := b.ownUsers(host)
	rootfs := absolute(b.rootfs, m.Cwd)
	layer := mounts.Overlay{UserXattr: users}
	if dir := b.changes(m); dir != "" {
		layer.Upper, layer.Work = dir+"/upper", dir+"/work"
	}
	switch {
	case b.rootfs == "" && users:
		s.Root.Links, s.Mounts = userLayout(m, layer)
		s.Root.Overlay = &mounts.Overlay{}
	case b.rootfs == "":
		layer.Lower = []string{"/"}
		s.Root.Overlay = &layer
		s.Mounts = container.MachineMounts(m.Mounts, "box")
	case rootfs == "/":
		return errors.New("--rootfs /: leave the flag away, and the machine's own files are there with changes going elsewhere")
	case b.keep != "":
		layer.Lower = []string{rootfs}
		s.Root.Overlay = &layer
	default:
		s.Root.Path = rootfs
	}
	if b.readOnly {
		for i := range s.Mounts {
			if s.Mounts[i].Overlay != nil {
				s.Mounts[i].Options = append(s.Mounts[i].Options, "ro")
			}
		}
	}
	kernel := kernelMounts(b.rootfs == "", s.GIDMappings)
	if users {
		b.bindShared(kernel, host)
	}
	s.Mounts = append(s.Mounts, kernel...)
	if b.rootfs == "" {
		s.Mounts = append(s.Mounts, resolver(m)...)
	}
	return nil
}

// changes is where changes go, and empty where that is memory, or nowhere but to the
// root file system.
func (b *boxFlags) changes(m machine) string {
	if b.keep != "" {
		return absolute(b.keep, m.Cwd)
	}
	return m.Scratch
}

// layersOf are the overlays of a container.
func layersOf(s container.Spec) (list []*mounts.Overlay) {
	if s.Root.Overlay != nil {
		list = append(list, s.Root.Overlay)
	}
	for i := range s.Mounts {
		if s.Mounts[i].Overlay != nil {
			list = append(list, s.Mounts[i].Overlay)
		}
	}
	return list
}

// absolute is a path without detours.
func absolute(p, cwd string) string {
	if !filepath.IsAbs(p) {
		p = filepath.Join(cwd, p)
	}
	return filepath.Clean(p)
}

// extraMounts are those of the flags. They come last and cover what is there.
func (b *boxFlags) extraMounts(s *container.Spec, cwd string) error {
	for _, text := range b.tmpfs {
		m, err := parseTmpfs(text)
		if err != nil {
			return err
		}
		s.Mounts = append(s.Mounts, m)
	}
	for _, text := range b.binds {
		m, err := parseBind(text, cwd)
		if err != nil {
			return err
		}
		s.Mounts = append(s.Mounts, m)
	}
	return nil
}

// process is the program and what it may do.
func (b *boxFlags) process(s *container.Spec, args []string, host container.Host, m machine) error {
	if len(args) == 0 {
		args = []string{"sh"}
	}
	set, err := capabilities(b.capAdd, b.capDrop, host.LastCapability)
	if err != nil {
		return err
	}
	for _, v := range b.env {
		if v[0] == '=' {
			return fmt.Errorf("--env %s: want NAME or NAME=VALUE", v)
		}
	}
	if b.workdir != "" && !path.IsAbs(b.workdir) {
		return fmt.Errorf("--workdir %s: want a path that begins with /", b.workdir)
	}
	s.Process = container.Process{
		Args: args, Env: environment(b.env, m.Env, b.rootfs != "", m.Home), NoNewPrivileges: true, Terminal: b.tty,
		User: m.User, Capabilities: &caps.Config{Bounding: set, Permitted: set, Effective: set},
	}
	if m.User.UID != 0 {
		// At the execve a user other than 0 loses what is not ambient. That is what
		// it asks for who names a capability.
		added, all, err := capNames("--cap-add", b.capAdd)
		if err != nil {
			return err
		}
		if !all {
			set &= added
		}
		*s.Process.Capabilities = caps.Config{
			Bounding: s.Process.Capabilities.Bounding, Permitted: set, Effective: set, Inheritable: set, Ambient: set,
		}
	}
	return b.mapped(s)
}

// mapped holds the user against the ids that the box has.
func (b *boxFlags) mapped(s *container.Spec) error {
	if !s.Namespaces.Contains(clone.NEWUSER) {
		return nil
	}
	u := &s.Process.User
	_, uid := s.UIDMappings.ToHost(u.UID)
	_, gid := s.GIDMappings.ToHost(u.GID)
	if !uid || !gid {
		return fmt.Errorf("--user %s: the box has no id %d:%d: more than 0:0 take lines of yours in /etc/subuid and /etc/subgid, and newuidmap", b.user, u.UID, u.GID)
	}
	u.AdditionalGIDs = slices.DeleteFunc(u.AdditionalGIDs, func(id uint32) bool {
		_, there := s.GIDMappings.ToHost(id)
		return !there
	})
	return nil
}

// inside reports whether the current directory is also one of the box: what is mounted
// over it, the last one, decides, and otherwise the root file system.
func (b *boxFlags) inside(s *container.Spec, m machine) bool {
	for _, at := range slices.Backward(s.Mounts) {
		if !container.Below(m.Cwd, at.Destination) {
			continue
		}
		same := at.Source == at.Destination && at.Type == "bind" || at.Overlay != nil
		return same || m.Cwd == at.Destination
	}
	return b.rootfs == "" || m.CwdInside
}
