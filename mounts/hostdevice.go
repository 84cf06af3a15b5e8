package mounts

import (
	"fmt"
	"path"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// openDevices copies the device files of the host that are to be bound.
func (e *emitter) openDevices() {
	if !e.layout.tree.BindDevices {
		return
	}
	e.devices = make([]prog.Arg, len(e.layout.nodes))
	for i := range e.layout.nodes {
		if n := &e.layout.nodes[i]; n.mode&unix.S_IFMT != unix.S_IFIFO {
			e.b.From(n.origin)
			e.devices[i] = e.openDevice("/"+n.path, n.dev)
		}
	}
}

// openDevice copies a device file of the host into a detached mount, and makes sure of
// its numbers.
func (e *emitter) openDevice(p string, dev uint64) prog.Slot {
	out := e.b.Slot("source:" + p)
	e.b.Add(prog.Op{
		Call: prog.OpenTree, Args: prog.Args{cwd, prog.Str(p), prog.Int(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)}, Out: out,
		Why:  "the host's " + p,
		Hint: "ENOENT: the host has no such device, and in a user namespace it cannot be made",
	})
	stat := e.statx(out)
	want := fmt.Sprintf("it is the device %d:%d", unix.Major(dev), unix.Minor(dev))
	for _, w := range deviceWords(dev) {
		e.compare(stat, w, want, "EAGAIN: the host's "+p+" is another device")
	}
	return out
}

// bindDevice puts a copy of the host's device where it would be made.
func (e *emitter) bindDevice(i int) {
	n := &e.layout.nodes[i]
	e.b.From(n.origin)
	dir, own := e.parent(n.path)
	name := prog.Str(path.Base(n.path))
	e.b.Add(prog.Op{
		Call: prog.Mknodat, Args: prog.Args{dir, name, prog.Int(unix.S_IFREG | 0o644), prog.Int(0)}, Tolerate: unix.EEXIST,
		Why: "/" + n.path + ", where the host's is bound", Hint: mkdirHint,
	})
	op := prog.Op{Call: prog.MoveMount, Why: "/" + n.path, Hint: attachHint}
	if own {
		op.Args = prog.Args{e.devices[i], prog.Str(""), dir, name, fromFD}
	} else {
		point := e.b.Slot("point")
		openStraight(e.b, lookup{from: dir, path: path.Base(n.path), flags: oPath | unix.O_NOFOLLOW, why: "the mount point /" + n.path}, point)
		op.Args = prog.Args{e.devices[i], prog.Str(""), point, prog.Str(""), fdToFD}
	}
	e.b.Add(op)
}
