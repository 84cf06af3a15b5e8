package mounts

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// parameter is an option of a file system: a key with a value, or a flag alone.
type parameter struct {
	key, value string
	flag       bool
}

// parameters are the options of a mount that its file system gets.
func (e *entry) parameters() []parameter {
	var list []parameter
	for _, f := range e.opts.Superblock {
		list = append(list, parameter{key: f, flag: true})
	}
	if e.kind == kindOther && e.opts.fresh()&rdonly != 0 && e.layers == nil {
		// The file system itself: a read-only disk cannot be mounted otherwise.
		// Not for those of the kernel: their superblock is the host's too.
		list = append(list, parameter{key: "ro", flag: true})
	}
	for _, o := range e.opts.Data {
		k, v, set := strings.Cut(o, "=")
		list = append(list, parameter{k, v, !set})
	}
	return list
}

// filesystem makes a file system and its first mount, which is detached.
// fsopen(2), fsconfig(2), fsmount(2), Linux 5.2
func (e *emitter) filesystem(i int) prog.Arg {
	m := &e.layout.entries[i]
	fd := e.sources[i]
	if fd == nil {
		attributes := m.opts.fresh()
		if m.late {
			attributes &^= rdonly
		}
		p := m.parameters()
		if m.source != "" {
			p = append([]parameter{{key: "source", value: m.source}}, p...)
		}
		fd = newFilesystem(e.b, m.fsType, p, attributes, "/"+m.path, "a new "+m.fsType+" for /"+m.path)
	}
	if p := m.opts.Propagation; p != 0 && p != unix.MS_PRIVATE { // new is private
		setattr(e.b, fd, "", attrs{propagation: p}, "its propagation", "")
	}
	return fd
}

// newFilesystem makes a file system with options, and a detached mount of it. name is
// that of the mount's slot.
func newFilesystem(b *prog.Builder, fsType string, options []parameter, attributes uint64, name, why string) prog.Slot {
	if tooLong(fsType, options) {
		return oldFilesystem(b, fsType, options, attributes, name, why)
	}
	fs, out := b.Slot(fsType), b.Slot(name)
	b.Add(prog.Op{
		Call: prog.Fsopen, Args: prog.Args{prog.Str(fsType), prog.Int(unix.FSOPEN_CLOEXEC)}, Out: fs,
		Why:  why,
		Hint: fsopenHint,
	})
	for _, o := range options {
		if !o.flag {
			b.Add(prog.Op{
				Call: prog.Fsconfig,
				Args: prog.Args{fs, prog.Int(unix.FSCONFIG_SET_STRING), prog.Str(o.key), prog.Str(o.value), prog.Int(0)},
				Why:  "option " + o.key,
				Hint: "EINVAL: the " + fsType + " has no option " + o.key + ", or not with this value",
			})
		}
	}
	for _, o := range options {
		if o.flag {
			b.Add(prog.Op{
				Call: prog.Fsconfig,
				Args: prog.Args{fs, prog.Int(unix.FSCONFIG_SET_FLAG), prog.Str(o.key), prog.Int(0), prog.Int(0)},
				Why:  "option " + o.key,
				Hint: "EINVAL: the " + fsType + " has no option " + o.key,
			})
		}
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

const fsopenHint = "ENODEV: the kernel does not know this file system, or its module is not loaded; EPERM: making it needs CAP_SYS_ADMIN"

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
