package mounts

import (
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// openNull copies the null device of this tree, where the caller has not done so.
func (e *emitter) openNull() {
	if len(e.layout.masked) == 0 || e.layout.tree.Null != (prog.FD{}) {
		return
	}
	e.b.From("linux.maskedPaths")
	e.null = e.openDevice("/dev/null", unix.Mkdev(1, 3))
}

// hide masks paths, and makes others read-only.
func (e *emitter) hide() {
	if len(e.layout.masked) > 0 {
		empty := e.prepareMasks()
		for i := range e.layout.masked {
			e.mask(&e.layout.masked[i], empty)
		}
		if e.layout.tree.At != "" {
			e.b.From("linux.maskedPaths")
			e.b.Add(prog.Op{
				Call: prog.Umount2, Args: prog.Args{prog.Str("/dev"), prog.Int(unix.MNT_DETACH)},
				Why: "the copies stay, and the host's tree has its devices again",
			})
		}
	}
	for i := range e.layout.readonly {
		e.readOnly(&e.layout.readonly[i])
	}
}

// prepareMasks makes the two things that masks are copies of. Both are attached once,
// in the host's tree of this mount namespace, which is about to go: Linux 6.1
// and 6.12 do not copy what is detached (EINVAL), 6.18 does. The copies stay.
//
// One directory serves all masks. A file system for each would take 30 microseconds
// instead of 8, and its end another 20.
func (e *emitter) prepareMasks() (empty prog.Slot) {
	e.b.From("linux.maskedPaths")
	e.b.Add(prog.Op{
		Call: prog.MoveMount, Args: prog.Args{e.null, prog.Str(""), cwd, prog.Str("/dev/null"), fromFD},
		Why:  "what masked files are copies of",
		Hint: "EINVAL: the descriptor is no detached mount of a file",
	})
	options := []parameter{{key: "mode", value: "0555"}, {key: "ro", flag: true}}
	if label := e.layout.tree.Label; label != "" {
		options = append(options, parameter{key: contextOption, value: label})
	}
	empty = newFilesystem(e.b, "tmpfs", options, rdonly|nosuid|nodev|noexec, "empty", "a file system that is empty for ever")
	e.b.Add(prog.Op{
		Call: prog.MoveMount, Args: prog.Args{empty, prog.Str(""), cwd, prog.Str("/dev"), fromFD},
		Why: "what masked directories are copies of",
	})
	return empty
}

// mask covers a file with the null device, and a directory with an empty one. Which of
// the two it is, is asked by opening it as a directory first: a mask of the wrong kind
// would be a mount that is never attached, and to free one costs more than ten of
// these calls.
func (e *emitter) mask(h *hidden, empty prog.Slot) {
	e.b.From(h.origin)
	directory, next := e.b.Label("directory"), e.b.Label("masked")
	asDirectory := e.openAsDirectory(h, directory)
	place := e.openHidden(h, next)
	null := clone(e.b, e.null, "mask", "a mask for a file")
	e.b.Add(prog.Op{
		Call: prog.MoveMount, Args: prog.Args{null, prog.Str(""), place, prog.Str(""), fdToFD},
		Why: "/" + h.path + " reads empty", Hint: "ENOTDIR: it has just become a directory",
	})
	e.b.Goto(next, "done")
	e.b.Bind(directory)
	none := clone(e.b, empty, "mask", "a mask for a directory")
	e.b.Add(prog.Op{
		Call: prog.MoveMount, Args: prog.Args{none, prog.Str(""), asDirectory, prog.Str(""), fdToFD},
		Why: "/" + h.path + " is an empty directory",
	})
	e.b.Bind(next)
}

// readOnly covers a path with a copy of itself that is read-only.
func (e *emitter) readOnly(h *hidden) {
	e.b.From(h.origin)
	next := e.b.Label("read-only")
	place := e.openHidden(h, next)
	tree := e.b.Slot("copy")
	e.b.Add(prog.Op{
		Call: prog.OpenTree,
		Args: prog.Args{place, prog.Str(""), prog.Int(unix.AT_EMPTY_PATH | unix.AT_RECURSIVE | unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)},
		Out:  tree, Why: "a copy of /" + h.path,
		Hint: "EINVAL: the mount that it lies in is unbindable",
	})
	setattr(e.b, tree, "", attrs{set: rdonly, recursive: true}, "read-only, with all that is mounted below", "")
	e.b.Add(prog.Op{
		Call: prog.MoveMount, Args: prog.Args{tree, prog.Str(""), place, prog.Str(""), fdToFD},
		Why: "over itself",
	})
	e.b.Bind(next)
}

// openAsDirectory opens a path that is to be hidden and goes on at opened, if it is a
// directory. Whatever else is the matter, openHidden finds out.
func (e *emitter) openAsDirectory(h *hidden, opened prog.Label) prog.Slot {
	place, other := e.b.Slot("place"), e.b.Label("no directory")
	l, resolve := e.hiddenLookup(h)
	l.flags |= unix.O_DIRECTORY
	l.why = "/" + h.path + ", if it is a directory"
	op := l.op(e.b, resolve, place)
	op.OnResult, op.OnError, op.Hint = opened, other, ""
	e.b.Add(op)
	e.b.Bind(other)
	return place
}

// openHidden opens a path that is to be hidden, and goes on at next if it is missing.
func (e *emitter) openHidden(h *hidden, next prog.Label) prog.Slot {
	place, opened := e.b.Slot("place"), e.b.Label("opened")
	l, resolve := e.hiddenLookup(h)
	l.why = "/" + h.path + ", if it exists"
	if resolve == straight {
		op := l.op(e.b, resolve, place)
		op.Tolerate, op.OnResult = unix.ENOENT, opened
		op.Hint = "ELOOP: this is a symbolic link; name the path that it leads to"
		e.b.Add(op)
	} else {
		openIfThere(e.b, l, place, opened)
	}
	e.b.Goto(next, "there is no /"+h.path)
	e.b.Bind(opened)
	return place
}

// hiddenLookup is the way to a path. Below a procfs or sysfs of this program it is
// looked up from that very mount, whatever the root file system has made of the way
// there.
func (e *emitter) hiddenLookup(h *hidden) (l lookup, resolve uint64) {
	if h.within != noMount && e.layout.entries[h.within].kind == kindKernel {
		rest, _ := below(h.path, e.layout.entries[h.within].path)
		return lookup{from: e.mounted[h.within], path: rest, flags: oPath}, straight
	}
	return lookup{from: e.root, path: h.path, flags: oPath}, inRoot
}
