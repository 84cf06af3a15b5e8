package mounts

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// Terminal is a pseudo-terminal of the devpts at /dev/pts. The zero value asks for
// none. pty(7)
type Terminal struct {
	// Master and Slave receive its two ends. Both are close-on-exec, and nobody's
	// controlling terminal.
	Master, Slave prog.Slot
}

// consolePath is where a program looks for the terminal of its machine. console(4)
const consolePath = "dev/console"

// layConsole looks whether the terminal can be at /dev/console.
func (l *layout) layConsole() {
	if l.tree.Terminal == (Terminal{}) {
		return
	}
	if l.tree.Terminal.Master.IsZero() || l.tree.Terminal.Slave.IsZero() {
		l.wrong("process.terminal", errors.New("it has two ends, and there is a slot for one"))
	}
	if l.at(consolePath) == noMount {
		l.console = true
		return
	}
	l.warn("process.terminal", "/dev/console is not the terminal: %s is mounted there", l.entries[l.at(consolePath)].origin)
}

// EmitTerminal opens a pseudo-terminal of a tree that is there already: of the devpts on
// /dev/pts below root, a directory. The program must have joined the mount namespace.
// /dev/console stays what it is.
func EmitTerminal(b *prog.Builder, root prog.Arg, t Terminal) {
	b.From("process.terminal")
	t.open(b, findDevpts(b, root))
}

// open opens both ends.
//
// The slave is had from the master, and never by its path: the directory in which it
// appears may be covered, or be one of the host's with the same number in it.
// TIOCGPTPEER(2const), Linux 4.13
func (t Terminal) open(b *prog.Builder, devpts prog.Arg) {
	l := lookup{
		from: devpts, path: "ptmx", flags: unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC,
		why:  "a new pseudo-terminal: the end of the caller's",
		hint: "ENOSPC: the devpts has no terminal left (its option max, or kernel.pty.max); EACCES: its option ptmxmode does not let this user have one",
	}
	b.Add(l.op(b, straight|unix.RESOLVE_NO_XDEV, t.Master))
	b.Add(prog.Op{
		Call: prog.Ioctl, Args: prog.Args{t.Master, prog.Int(unix.TIOCSPTLCK), prog.Integers(0)},
		Why: "the kernel makes it locked",
	})
	b.Add(prog.Op{
		Call: prog.Ioctl, Args: prog.Args{t.Master, prog.Int(unix.TIOCGPTPEER), prog.Int(unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC)},
		Out: t.Slave, Why: "the end of the container's",
	})
}

// terminal opens a pseudo-terminal and binds it on /dev/console.
func (e *emitter) terminal() {
	t := e.layout.tree.Terminal
	if t == (Terminal{}) {
		return
	}
	e.b.From("process.terminal")
	t.open(e.b, e.devpts())
	if !e.layout.console {
		return
	}
	dir, _ := e.parent(consolePath)
	e.b.Add(prog.Op{
		Call: prog.Mknodat, Args: prog.Args{dir, prog.Str("console"), prog.Int(unix.S_IFREG | 0o600), prog.Int(0)}, Tolerate: unix.EEXIST,
		Why: "/" + consolePath + ", if it is missing", Hint: mkdirHint,
	})
	tree := clone(e.b, t.Slave, "console", "the terminal as a mount")
	e.b.Add(prog.Op{
		Call: prog.MoveMount, Args: prog.Args{tree, prog.Str(""), dir, prog.Str("console"), fromFD},
		Why: "/" + consolePath, Hint: attachHint,
	})
}

// devptsPath is where it is mounted.
const devptsPath = "dev/pts"

// devpts is the directory that has ptmx. What this program has mounted on /dev/pts is
// known.
func (e *emitter) devpts() prog.Arg {
	if i := e.layout.enclosing(devptsPath+"/ptmx", len(e.layout.entries)); i != noMount {
		if m := &e.layout.entries[i]; m.path == devptsPath && m.fsType == "devpts" && m.kind == kindKernel {
			return e.mounted[i]
		}
	}
	return findDevpts(e.b, e.layout.tree.Root)
}

// findDevpts opens /dev/pts. A directory of any other origin than this program is looked
// at first: to open a device by a name that somebody else has chosen may do more than
// open it.
func findDevpts(b *prog.Builder, root prog.Arg) prog.Slot {
	dir := b.Slot("pts")
	const hint = "there is no devpts on /dev/pts, which a terminal comes from: mount one there"
	openInRoot(b, lookup{from: root, path: devptsPath, flags: oPath | unix.O_DIRECTORY, why: "where terminals are", hint: hint}, dir)
	isFilesystem(b, dir, unix.DEVPTS_SUPER_MAGIC, true, "it must be a devpts", hint)
	return dir
}
