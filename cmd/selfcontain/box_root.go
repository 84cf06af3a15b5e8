package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
)

// The root of a box without --rootfs is what the machine has in /, through an overlay:
// what is changed goes elsewhere. What it may not show is made anew: the kernel's own
// file systems, and the two directories through which programs of the machine talk to
// each other.

// userLayout is for a box with users of its own: an overlay for each directory of /, a
// copy of each link, and what cannot be a layer is bound, read-only. Layer says where
// changes go, in a directory of that name for each.
func userLayout(m machine, layer mounts.Overlay) (links []mounts.Link, list []mounts.Mount) {
	shown := container.Visible(m.Mounts)
	for _, e := range m.Top {
		at := "/" + e.Name
		mount := mounts.Mount{Destination: at, Origin: origin(at)}
		kind := typeOf(shown, at)
		switch {
		case container.IsFresh(at) || container.IsKernels(kind):
			continue
		case e.Link != "":
			links = append(links, mounts.Link{Path: at, Target: e.Link})
			continue
		case !e.Dir || slices.Contains(foreign[:], kind) || mountsBelow(shown, at):
			// With all that is mounted below: a copy that shows what a locked mount
			// covers is refused.
			mount.Type, mount.Source, mount.Options = "bind", at, []string{"rbind", "rro", "rprivate"}
		default:
			list = append(list, layered(e, layer))
			continue
		}
		list = append(list, mount)
	}
	// To change what is in a directory takes a copy of that directory, and a copy has
	// the same owner. The box does not have the owner of /var, so nothing could be
	// changed in /var/tmp. With an overlay of its own nothing has to be copied.
	for _, e := range m.Own {
		at := "/" + e.Name
		covered := slices.ContainsFunc(list, func(o mounts.Mount) bool { return o.Overlay != nil && container.Below(at, o.Destination) })
		if covered && !mountsBelow(shown, at) && typeOf(shown, at) == "" {
			list = append(list, layered(e, layer))
		}
	}
	return links, list
}

// layered is the overlay of a directory.
func layered(e entry, layer mounts.Overlay) mounts.Mount {
	layer.Lower, layer.Mode = []string{"/" + e.Name}, e.Mode
	if layer.Upper != "" {
		name := strings.ReplaceAll(e.Name, "/", "+") // none may lie in another one's
		layer.Upper, layer.Work = path.Join(layer.Upper, name), path.Join(layer.Work, name)
	}
	return mounts.Mount{Destination: "/" + e.Name, Type: "overlay", Overlay: &layer, Origin: origin("/" + e.Name)}
}

// foreign are file systems that cannot be a layer: the case of their names does not
// matter, or they have no such thing as an owner.
var foreign = [...]string{"cifs", "exfat", "fuseblk", "hfs", "hfsplus", "msdos", "ntfs", "ntfs3", "smb3", "vfat"}

// typeOf is the file system that is mounted at a path, and "" where that is in another.
func typeOf(shown []container.MountPoint, at string) string {
	for _, m := range shown {
		if m.Path == at {
			return m.Type
		}
	}
	return ""
}

// origin names a mount that no flag has asked for.
func origin(at string) string { return "box[" + at + "]" }

// mountsBelow reports whether something is mounted in a directory. The directory may be
// a mount itself.
func mountsBelow(shown []container.MountPoint, dir string) bool {
	return slices.ContainsFunc(shown, func(m container.MountPoint) bool { return m.Path != dir && container.Below(m.Path, dir) })
}

// resolver shows the file that /etc/resolv.conf leads to, where that lies in a
// directory which is not shown: systemd-resolved has it in /run.
func resolver(m machine) []mounts.Mount {
	file := m.ResolvConf
	if file == "" || !container.IsFresh(file) || path.Clean(file) != file {
		return nil
	}
	return []mounts.Mount{{
		Destination: file, Type: "bind", Source: file, Options: []string{"bind", "ro", "rprivate"},
		Origin: origin("/etc/resolv.conf"),
	}}
}

// groupTTY owns terminals, if there is such a group: by that its members may write to
// each other's. wall(1)
const groupTTY = 5

// kernelMounts are what every box has new. groups are those of a user namespace.
func kernelMounts(ownRoot bool, groups clone.IDMaps) []mounts.Mount {
	terminals := []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}
	if _, mapped := groups.ToHost(groupTTY); mapped || len(groups) == 0 {
		terminals = append(terminals, fmt.Sprintf("gid=%d", groupTTY))
	}
	list := []mounts.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: terminals},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
		{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"nosuid", "noexec", "nodev", "relatime", "ro"}},
	}
	if ownRoot {
		list = append(list,
			mounts.Mount{Destination: "/run", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "mode=755"}},
			mounts.Mount{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "mode=1777"}},
		)
	}
	for i := range list {
		list[i].Origin = origin(list[i].Destination)
	}
	return list
}

// bindShared binds the machine's file systems of the kernel where the box shares the
// namespace that they show: in a user namespace nobody can make them anew.
func (b *boxFlags) bindShared(list []mounts.Mount, host container.Host) {
	shares := map[string]choice{"/proc": b.pid, "/sys": b.net.choice, "/dev/mqueue": b.ipc, "/sys/fs/cgroup": b.cgroupns}
	for i := range list {
		m := &list[i]
		if shares[m.Destination].value != shared {
			continue
		}
		m.Type, m.Source = "bind", m.Destination
		m.Options = []string{"rbind", "rprivate", "nosuid", "noexec", "nodev"}
		switch m.Destination {
		case "/sys":
			m.Options = append(m.Options, "rro")
		case "/sys/fs/cgroup":
			m.Options = append(m.Options, "rro")
			if host.Cgroup2 != "" {
				m.Source = host.Cgroup2
			}
		}
	}
}
