package mounts

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// filesystem makes a file system and its first mount, which is detached.
// fsopen(2), fsconfig(2), fsmount(2), Linux 5.2
func (e *emitter) filesystem(m *entry) prog.Arg {
	attributes := m.opts.fresh()
	flags := slices.Clone(m.opts.Superblock)
	if m.kind == kindOther && attributes&rdonly != 0 {
		// The file system itself: a read-only disk cannot be mounted otherwise.
		// Not for those of the kernel: their superblock is the host's too.
		flags = append(flags, "ro")
	}
	if m.late {
		attributes &^= rdonly
	}
	var options [][2]string
	if m.source != "" {
		options = append(options, [2]string{"source", m.source})
	}
	for _, o := range m.opts.Data {
		k, v, _ := strings.Cut(o, "=")
		if !strings.Contains(o, "=") {
			flags = append(flags, o)
			continue
		}
		options = append(options, [2]string{k, v})
	}
	fd := newFilesystem(e.b, m.fsType, options, flags, attributes, "/"+m.path, "a new "+m.fsType+" for /"+m.path)
	if p := m.opts.Propagation; p != 0 && p != unix.MS_PRIVATE { // new is private
		setattr(e.b, fd, "", attrs{propagation: p}, "its propagation", "")
	}
	return fd
}

// newFilesystem makes a file system with options and flags, and a detached mount of it.
// name is that of the mount's slot.
func newFilesystem(b *prog.Builder, fsType string, options [][2]string, flags []string, attributes uint64, name, why string) prog.Slot {
	fs, out := b.Slot(fsType), b.Slot(name)
	b.Add(prog.Op{
		Call: prog.Fsopen, Args: prog.Args{prog.Str(fsType), prog.Int(unix.FSOPEN_CLOEXEC)}, Out: fs,
		Why:  why,
		Hint: "ENODEV: the kernel does not know this file system, or its module is not loaded; EPERM: making it needs CAP_SYS_ADMIN",
	})
	for _, o := range options {
		b.Add(prog.Op{
			Call: prog.Fsconfig,
			Args: prog.Args{fs, prog.Int(unix.FSCONFIG_SET_STRING), prog.Str(o[0]), prog.Str(o[1]), prog.Int(0)},
			Why:  "option " + o[0],
			Hint: "EINVAL: the " + fsType + " has no option " + o[0] + ", or not with this value",
		})
	}
	for _, o := range flags {
		b.Add(prog.Op{
			Call: prog.Fsconfig,
			Args: prog.Args{fs, prog.Int(unix.FSCONFIG_SET_FLAG), prog.Str(o), prog.Int(0), prog.Int(0)},
			Why:  "option " + o,
			Hint: "EINVAL: the " + fsType + " has no option " + o,
		})
	}
	b.Add(prog.Op{
		Call: prog.Fsconfig, Args: prog.Args{fs, prog.Int(unix.FSCONFIG_CMD_CREATE), prog.Int(0), prog.Int(0), prog.Int(0)},
		Why: "make it", Hint: createHint(fsType),
	})
	b.Add(prog.Op{
		Call: prog.Fsmount, Args: prog.Args{fs, prog.Int(unix.FSMOUNT_CLOEXEC), prog.Int(attributes)}, Out: out,
		Why:  "a mount of it, attached nowhere yet",
		Hint: "EPERM: in a user namespace the kernel refuses a new mount of what is partly covered in the old one",
	})
	return out
}

// createHint is what a file system that cannot be made most likely lacks.
func createHint(fsType string) string {
	switch fsType {
	case "proc":
		return "EPERM: in a user namespace a new procfs needs a new pid namespace"
	case "sysfs":
		return "EPERM: in a user namespace a new sysfs needs a new network namespace"
	case "mqueue":
		return "EPERM: in a user namespace a new mqueue needs a new ipc namespace"
	case "cgroup2":
		return "EPERM: in a user namespace a new cgroup2 needs a new cgroup namespace; EBUSY: the host has no cgroup v2"
	}
	return "EINVAL: the options do not go together"
}
