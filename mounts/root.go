package mounts

import (
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// cwd is AT_FDCWD: with an absolute path it has no meaning.
const cwd = prog.Int(1<<64 + unix.AT_FDCWD)

// The flags of move_mount(2) that say: from this descriptor, to that one.
const (
	fromFD = prog.Int(unix.MOVE_MOUNT_F_EMPTY_PATH)
	fdToFD = prog.Int(unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_EMPTY_PATH)
)

// attachRoot cuts the tree of the new mount namespace off from the host's and puts
// the container's root on top of it. The copies of bind sources were made before, for
// a copy of a mount that is private already has no peer to share anything with.
//
// What is mounted on / does not change what / is to a process that is there: until
// pivot_root absolute paths are still the host's.
func (e *emitter) attachRoot() {
	e.b.From("root")
	setattr(e.b, cwd, "/", attrs{propagation: unix.MS_PRIVATE, recursive: true},
		"nothing that is mounted from here on is seen outside",
		"EPERM: the mount namespace is not the container's own")
	root := e.layout.tree.Root
	setattr(e.b, root, "", attrs{propagation: e.layout.attach, recursive: true},
		"nor what is mounted in the root, where its source is shared", "")
	e.b.Add(prog.Op{
		Call: prog.MoveMount, Args: prog.Args{root, prog.Str(""), cwd, prog.Str("/"), fromFD},
		Why:  "the root, on top of the host's",
		Hint: "EINVAL: the descriptor is no detached mount; the root of this mount namespace may be the initramfs",
	})
}

// finish makes read-only what had to be writable until now.
func (e *emitter) finish() {
	for i := range e.layout.entries {
		if m := &e.layout.entries[i]; m.late {
			e.b.From(m.origin)
			setattr(e.b, e.mounted[i], "", attrs{set: rdonly}, "/"+m.path+" read-only, now that it is filled", "")
		}
	}
	if e.layout.tree.ReadOnly {
		e.b.From("root.readonly")
		setattr(e.b, e.layout.tree.Root, "", attrs{set: rdonly}, "the root read-only; what is mounted in it stays as it is", "")
	}
}

// setattr changes attributes of the mount at a path, or of the descriptor itself
// where path is empty. mount_setattr(2), Linux 5.12
func setattr(b *prog.Builder, fd prog.Arg, path string, a attrs, why, hint string) {
	var flags prog.Int
	if path == "" {
		flags |= unix.AT_EMPTY_PATH
	}
	if a.recursive {
		flags |= unix.AT_RECURSIVE
	}
	if hint == "" {
		hint = "EPERM: one of the mounts comes from another user namespace, and what it forbids is locked; EINVAL: it is no mount point"
	}
	b.Add(prog.Op{
		Call: prog.MountSetattr,
		Args: prog.Args{fd, prog.Str(path), flags, prog.MountAttr(a.set, a.clear, a.propagation, nil), prog.Int(prog.MountAttrSize)},
		Why:  why, Hint: hint,
	})
}
