package mounts

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// attachMounts makes the mounts of the configuration, in its order.
func (e *emitter) attachMounts() {
	for i := range e.layout.entries {
		m := &e.layout.entries[i]
		e.b.From(m.origin)
		switch {
		case m.kind == kindRemount:
			e.remount(i)
		case m.kind == kindBind:
			e.mounted[i] = e.bind(i)
			copied := e.b.Label("copied")
			if m.opts.CopySymlink {
				e.copySymlink(i, copied)
			}
			e.attach(i)
			e.b.Bind(copied)
		case m.opts.TmpCopyUp:
			point := e.point(i)
			e.mounted[i] = e.copyUpMount(i, point)
			e.b.Add(prog.Op{
				Call: prog.MoveMount, Args: prog.Args{e.mounted[i], prog.Str(""), point, prog.Str(""), fdToFD},
				Why: "/" + m.path, Hint: attachHint,
			})
		default:
			e.mounted[i] = e.filesystem(i)
			e.attach(i)
		}
		e.attached = i + 1
		if path.Dir(m.path) != e.last.path {
			e.last = directory{}
		}
		e.proc = e.proc || m.kind != kindRemount && (m.fsType == "proc" || m.path == "proc" || m.kind == kindBind && m.opts.Recursive)
	}
}

const attachHint = "EINVAL: a directory is to be mounted on a file, or a file on a directory; ENOENT: the mount point was removed meanwhile"

// attach makes the mount point of a mount and puts it there.
func (e *emitter) attach(i int) {
	m := &e.layout.entries[i]
	op := prog.Op{Call: prog.MoveMount, Why: "/" + m.path, Hint: attachHint}
	from := e.mounted[i]
	if m.within != noMount {
		around := &e.layout.entries[m.within]
		rest, _ := below(m.path, around.path)
		switch {
		case around.kind == kindKernel:
			// Nothing can be made there, and nothing has to be.
			point := e.b.Slot("point")
			openStraight(e.b, lookup{from: e.mounted[m.within], path: rest, flags: oPath, why: "the mount point /" + m.path}, point)
			op.Args = prog.Args{from, prog.Str(""), point, prog.Str(""), fdToFD}
			e.b.Add(op)
			return
		case around.kind == kindTmpfs && !strings.Contains(rest, "/"):
			// A name in a directory that is ours alone, and no path.
			e.makePoint(i, e.mounted[m.within])
			op.Args = prog.Args{from, prog.Str(""), e.mounted[m.within], prog.Str(rest), fromFD}
			e.b.Add(op)
			return
		}
	}
	op.Args = prog.Args{from, prog.Str(""), e.point(i), prog.Str(""), fdToFD}
	e.b.Add(op)
}

// point makes a mount point where anybody may have put links, and opens it.
func (e *emitter) point(i int) prog.Slot {
	m := &e.layout.entries[i]
	root := e.root
	dir := e.mkdir(path.Dir(m.path))
	e.makePoint(i, dir)
	point := e.b.Slot("point")
	l := lookup{from: root, path: m.path, flags: oPath, why: "the mount point /" + m.path}
	switch {
	case m.kind == kindBind && m.opts.DestNoFollow:
		l.flags |= unix.O_NOFOLLOW
		openInRoot(e.b, l, point)
	case m.kind == kindBind:
		// A link that leads nowhere, as /etc/resolv.conf is in many an image, is
		// mounted on itself: whoever opens it finds the mount, and not a link.
		opened := e.b.Label("opened")
		openIfThere(e.b, l, point, opened)
		openStraight(e.b, lookup{from: dir, path: path.Base(m.path), flags: oPath | unix.O_NOFOLLOW,
			why: "a link that leads nowhere: the link itself"}, point)
		e.b.Bind(opened)
	case nofollow(m) && !strings.Contains(m.path, "/"):
		l.flags |= unix.O_DIRECTORY | unix.O_NOFOLLOW
		openStraight(e.b, l, point)
		return point // no link was followed
	case nofollow(m):
		l.flags |= unix.O_DIRECTORY | unix.O_NOFOLLOW
		openInRoot(e.b, l, point)
	default:
		l.flags |= unix.O_DIRECTORY
		openInRoot(e.b, l, point)
	}
	if e.proc {
		e.isProc(point, false, "a link must not lead into /proc",
			"ETIMEDOUT: a symbolic link of the root file system leads the mount point into a procfs")
	}
	return point
}

// nofollow reports whether the mount point must be a directory, and no link to one:
// a procfs elsewhere than on /proc is not what programs, and masks, look at.
func nofollow(m *entry) bool {
	return m.fsType == "proc" || m.fsType == "sysfs" || m.path == "dev" || m.opts.DestNoFollow
}

// makePoint makes the mount point itself, if it is missing: a directory, or an empty
// file if that is what is bound.
func (e *emitter) makePoint(i int, dir prog.Arg) {
	m := &e.layout.entries[i]
	name := prog.Str(path.Base(m.path))
	file := e.b.Label("file")
	if m.kind == kindBind {
		l := lookup{from: e.mounted[i], path: ".", flags: oPath | unix.O_DIRECTORY, why: "is it a directory that is bound?"}
		op := l.op(e.b, straight, prog.Slot{})
		op.OnError, op.Hint = file, ""
		e.b.Add(op)
	}
	e.b.Add(mkdirOp(dir, m.path))
	if m.kind == kindBind {
		// After the directory was made this finds it there.
		e.b.Bind(file)
		e.b.Add(prog.Op{
			Call: prog.Mknodat, Args: prog.Args{dir, name, prog.Int(unix.S_IFREG | 0o644), prog.Int(0)}, Tolerate: unix.EEXIST,
			Why: "or an empty file", Hint: mkdirHint,
		})
	}
}

// remount changes the mount that is at a path.
func (e *emitter) remount(i int) {
	m := &e.layout.entries[i]
	var fd prog.Arg
	if at := e.layout.last(i, func(o *entry) bool { return o.path == m.path }); at != noMount {
		fd = e.mounted[at]
	} else {
		point := e.b.Slot("point")
		openInRoot(e.b, lookup{from: e.root, path: m.path, flags: oPath, why: "what is mounted at /" + m.path}, point)
		fd = point
	}
	for _, a := range m.opts.remount() {
		setattr(e.b, fd, "", a, "/"+m.path+" with other attributes",
			"EINVAL: nothing is mounted at this path; EPERM: the attribute is locked, because the mount was made in another user namespace")
	}
}

// isProc compares the type of the file system that a descriptor lies in, and stops
// where it is a procfs and should not be, or the other way round.
func (e *emitter) isProc(fd prog.Arg, want bool, why, hint string) {
	isFilesystem(e.b, fd, unix.PROC_SUPER_MAGIC, want, why, hint)
}

// isFilesystem compares the type of the file system that a descriptor lies in with a
// number of statfs(2), and stops where it is another one, or where it is not wanted and
// it is that one.
func isFilesystem(b *prog.Builder, fd prog.Arg, magic uint64, want bool, why, hint string) {
	statfs := prog.Buffer("statfs", 120)
	b.Add(prog.Op{Call: prog.Fstatfs, Args: prog.Args{fd, statfs}, Why: "what file system is this?"})
	op := prog.Differs(statfs, prog.Int(magic)) // f_type is the first word of struct statfs
	if want {
		op = prog.Same(statfs, prog.Int(magic))
	}
	op.Why, op.Hint = why, hint
	b.Add(op)
}
