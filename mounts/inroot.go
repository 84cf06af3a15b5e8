package mounts

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// The two ways to look a path up.
const (
	// inRoot takes the root for / and knows no magic links, such as those of
	// /proc/PID/root. Links are followed and end inside. openat2(2), Linux 5.6
	inRoot = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	// straight is for places where there is no link to be followed: a file system
	// of the kernel's or of our own, below the descriptor of its mount.
	straight = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS
)

// oPath opens a place, not a file: no driver is asked, nothing can hang.
const oPath = unix.O_PATH | unix.O_CLOEXEC

const linkHint = "ENOENT: a symbolic link in the root file system leads nowhere; ENOTDIR: a file stands where a directory is needed; ELOOP: a link goes in circles, or through one of the kernel's, such as /proc/PID/root; EAGAIN, three times: somebody keeps renaming directories in the root file system"

// lookup is one path to be opened.
type lookup struct {
	from  prog.Arg // directory; for inRoot the root itself
	path  string
	flags uint64
	why   string
	hint  string // empty is linkHint
}

func (l *lookup) op(b *prog.Builder, resolve uint64, out prog.Slot) prog.Op {
	hint := linkHint
	if l.hint != "" {
		hint = l.hint
	}
	return prog.Op{
		Call: prog.Openat2,
		Args: prog.Args{l.from, prog.Str(l.path), b.OpenHow(l.flags, 0, resolve), prog.Int(prog.OpenHowSize)},
		Out:  out, Why: l.why, Hint: hint,
	}
}

// openInRoot opens a path that somebody else may have put links into. The kernel
// gives up with EAGAIN when directories are renamed or mounts are made anywhere on the
// machine while it walks back over a "..", because it cannot prove any more that the
// walk stayed inside; so there are three attempts. A descriptor is never 0 here, so
// the first that succeeds jumps over the others.
func openInRoot(b *prog.Builder, l lookup, out prog.Slot) {
	opened := b.Label("opened")
	op := l.op(b, inRoot, out)
	op.Tolerate, op.OnResult = unix.EAGAIN, opened
	b.Add(op)
	op.Why = again
	b.Add(op)
	op.Tolerate, op.OnResult = 0, prog.Label{}
	b.Add(op)
	b.Bind(opened)
}

const again = "again, if something was renamed meanwhile"

// openIfThere is openInRoot for a path that may be missing. The next operation is made
// in that case only; after success the program goes on at opened. An error of the
// first two attempts, whatever it is, leaves it to the last one to say so.
func openIfThere(b *prog.Builder, l lookup, out prog.Slot, opened prog.Label) {
	last := b.Label("last attempt")
	op := l.op(b, inRoot, out)
	op.Tolerate, op.OnResult, op.OnError = unix.EAGAIN, opened, last
	b.Add(op)
	op.Why = again
	b.Add(op)
	b.Bind(last)
	op.Tolerate, op.OnError = unix.ENOENT, prog.Label{}
	op.Why = "the last attempt: missing is no error, everything else is"
	b.Add(op)
}

// openStraight opens a path below a mount in which nobody else has made anything. It
// has no "..", and without links the kernel meets none: there is no EAGAIN.
func openStraight(b *prog.Builder, l lookup, out prog.Slot) {
	op := l.op(b, straight, out)
	op.Hint = "ENOENT: there is no such file, and it cannot be made; ELOOP or ENOTDIR: a symbolic link stands where a directory or file is needed; name the path that it leads to"
	b.Add(op)
}

const mkdirHint = "EROFS: the directory is missing, and what it would lie in is read-only; EPERM or ENOENT: it cannot be made in this file system"

// directory is a directory that was opened inside the root.
type directory struct {
	path string
	fd   prog.Arg
}

// parent is the directory that a path is made in, with all directories above it made
// where they were missing. own says that it is a new tmpfs of this program.
func (e *emitter) parent(p string) (fd prog.Arg, own bool) {
	within := e.layout.enclosing(p, e.attached)
	if within != noMount && e.layout.entries[within].kind == kindTmpfs {
		if rest, _ := below(p, e.layout.entries[within].path); !strings.Contains(rest, "/") {
			return e.mounted[within], true
		}
	}
	return e.mkdir(path.Dir(p)), false
}

// mkdir makes a directory and those above it, where they are missing, and returns it.
// mkdirat(2) follows no link in its last component, and answers EEXIST before it asks
// whether the file system is read-only.
//
// The last result is kept, so that mount points side by side, the usual case, cost one
// walk. It is not kept longer: a link may have led somewhere that is covered by now.
func (e *emitter) mkdir(p string) prog.Arg {
	if p == "." {
		return e.root
	}
	if p == e.last.path {
		return e.last.fd
	}
	names := strings.Split(p, "/")
	fd, from := e.root, 0
	covers := func(m *entry) bool { _, ok := below(p, m.path); return ok || p == m.path }
	if w := e.layout.last(e.attached, covers); w != noMount {
		// What is mounted on is there.
		fd, from = e.mounted[w], strings.Count(e.layout.entries[w].path, "/")+1
	}
	for i := from; i < len(names); i++ {
		upTo := strings.Join(names[:i+1], "/")
		e.b.Add(mkdirOp(fd, upTo))
		out := e.b.Slot("dir")
		openInRoot(e.b, lookup{from: e.root, path: upTo, flags: oPath | unix.O_DIRECTORY, why: "/" + upTo}, out)
		fd = out
	}
	e.last = directory{p, fd}
	return fd
}

// mkdirOp makes the directory at a path if it is missing; dir is the one above it.
func mkdirOp(dir prog.Arg, p string) prog.Op {
	return prog.Op{
		Call: prog.Mkdirat, Args: prog.Args{dir, prog.Str(path.Base(p)), prog.Int(0o755)}, Tolerate: unix.EEXIST,
		Why: "/" + p + ", if it is missing", Hint: mkdirHint,
	}
}
