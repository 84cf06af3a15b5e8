package mounts

import (
	"fmt"

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

// openRoot copies the root directory into a detached mount, where the caller has not
// done so, or makes an empty one. What is mounted below has to come along: in a user namespace it is locked,
// and a copy without it is refused.
func (e *emitter) openRoot() {
	if o := e.layout.overlay; o != nil && o.empty() {
		e.b.From("root.overlay")
		mode := parameter{key: "mode", value: fmt.Sprintf("%04o", o.mode())}
		e.root = newFilesystem(e.b, "tmpfs", []parameter{mode}, 0, "root", "the root file system, which is empty")
		return
	}
	if e.layout.rootPath == "" {
		return
	}
	e.b.From("root.path")
	out := e.b.Slot("root")
	e.b.Add(prog.Op{
		Call: prog.OpenTree,
		Args: prog.Args{cwd, prog.Str(e.layout.rootPath), prog.Int(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_RECURSIVE)},
		Out:  out, Why: "the root file system, as a tree that is attached nowhere",
		Hint: "ENOENT: there is no such directory on the host; EACCES: it cannot be reached with the ids of the container",
	})
	e.root = out
}

// cutOff separates the tree of the new mount namespace from the host's. Bind sources
// are copied before, for a copy of a mount that is private already has no peer to
// share anything with.
func (e *emitter) cutOff() {
	e.b.From("root")
	setattr(e.b, cwd, "/", attrs{propagation: unix.MS_PRIVATE, recursive: true},
		"nothing that is mounted from here on is seen outside",
		"EPERM: the mount namespace is not the container's own")
}

// attachRoot puts the container's root on top of the host's tree, or at a place in it.
//
// What is mounted on / does not change what / is to a process that is there: until
// pivot_root absolute paths are still the host's.
func (e *emitter) attachRoot() {
	e.b.From("root")
	root := e.root
	setattr(e.b, root, "", attrs{propagation: e.layout.attach, recursive: true},
		"nor what is mounted in the root, where its source is shared", "")
	if at := e.layout.tree.At; at != "" {
		place := e.b.Slot("place")
		e.b.Add(prog.Op{
			Call: prog.Openat2,
			Args: prog.Args{cwd, prog.Str(at), e.b.OpenHow(oPath|unix.O_DIRECTORY, 0, unix.RESOLVE_NO_SYMLINKS), prog.Int(prog.OpenHowSize)},
			Out:  place, Why: "where the root directory is on the host",
			Hint: "ELOOP: there is a symbolic link on the way; name the path that it leads to; EACCES: it cannot be reached with the ids of the container; ENOENT: it has just been removed",
		})
		e.b.Add(prog.Op{
			Call: prog.MoveMount, Args: prog.Args{root, prog.Str(""), place, prog.Str(""), fdToFD},
			Why: "the root, in the place of its directory", Hint: "EINVAL: the descriptor is no detached mount",
		})
		return
	}
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
		setattr(e.b, e.root, "", attrs{set: rdonly}, "the root read-only; what is mounted in it stays as it is", "")
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
