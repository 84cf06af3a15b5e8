package mounts

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// copyUp is a tmpfs with the content of the directory that it covers: the option
// tmpcopyup. Other runtimes copy file by file. Here the kernel does it, and only what
// is needed: an overlay has the directory as its lower layer, and the tmpfs, with the
// options that were given, holds what is changed. So the type that mountinfo shows is
// overlay, and df shows the size that was asked for. In a user namespace a directory that
// was there can be removed since Linux 6.6; see [Overlay].
//
// The overlay's own directory has mode and owner from its upper layer, which is new. The
// program cannot take them over, for a result is a word and not a field of a
// structure; it can only compare. So they are the usual ones, or asked for, or an error.
type copyUp struct {
	mode     uint32 // 0 is that of the directory
	uid, gid uint32 // noID is root, and that the directory must be root's too
}

// usualModes are the modes of a directory that are taken over.
var usualModes = [...]uint32{0o755, 0o1777, 0o700, 0o750, 0o777, 0o555, 0o711}

// copyUp reads the options of the tmpfs that are about its directory.
func (e *entry) copyUp() (copyUp, error) {
	c := copyUp{uid: noID, gid: noID}
	for _, p := range e.parameters() {
		var to *uint32
		base := 10
		switch p.key {
		case "mode":
			to, base = &c.mode, 8
		case "uid":
			to = &c.uid
		case "gid":
			to = &c.gid
		default:
			continue
		}
		n, err := strconv.ParseUint(p.value, base, 32)
		if err != nil || p.key == "mode" && n > 0o7777 || n == noID {
			return c, fmt.Errorf("option %s=%s: this is no %s", p.key, p.value, p.key)
		}
		*to = uint32(n)
	}
	return c, checkParameters("tmpfs", e.parameters())
}

// copyUpMount makes the tmpfs and the overlay over the directory that is opened as point.
func (e *emitter) copyUpMount(i int, point prog.Slot) prog.Arg {
	m := &e.layout.entries[i]
	c, _ := m.copyUp() // decide has seen the error
	var options []parameter
	for _, p := range m.parameters() {
		if p.key != "ro" {
			options = append(options, p)
		}
	}
	changes := newFilesystem(e.b, "tmpfs", append([]parameter{{key: "source", value: "tmpfs"}}, options...), 0, "changes", "a new tmpfs for /"+m.path)
	e.upperDirectory(changes, point, c, "/"+m.path)
	e.b.Add(prog.Op{Call: prog.Mkdirat, Args: prog.Args{changes, prog.Str("work"), prog.Int(0o700)}, Why: "its work directory"})
	e.b.Add(prog.Op{
		Call: prog.MoveMount, Args: prog.Args{changes, prog.Str(""), cwd, prog.Str("/"), fromFD},
		Why: "where the overlay can see it, covering nothing",
	})
	e.b.Add(prog.Op{Call: prog.Fchdir, Args: prog.Args{point}, Why: "so that the lower layer is named without a path"})
	layers := []parameter{{key: "source", value: "tmpfs"}, {key: "lowerdir", value: "."}, {key: "upperdir", value: onTop + "/upper"}, {key: "workdir", value: onTop + "/work"}}
	if e.layout.tree.UserXattr {
		layers = append(layers, parameter{key: "userxattr", flag: true})
	}
	attributes := m.opts.fresh()
	if m.late {
		attributes &^= rdonly
	}
	out := newFilesystem(e.b, "overlay", layers, attributes, "/"+m.path, "/"+m.path+" with a copy of what is there")
	e.b.Add(prog.Op{
		Call: prog.Umount2, Args: prog.Args{prog.Str(onTop), prog.Int(unix.MNT_DETACH)},
		Why: "the overlay has it, nobody else needs to",
	})
	return out
}

// upperDirectory makes the directory that mode and owner of the overlay come from.
func (e *emitter) upperDirectory(changes, point prog.Slot, c copyUp, name string) {
	upper := prog.Str("upper")
	mkdir := func(mode uint32) {
		e.b.Add(prog.Op{Call: prog.Mkdirat, Args: prog.Args{changes, upper, prog.Int(mode)}, Why: "its upper directory"})
	}
	if c.mode != 0 && c.uid != noID && c.gid != noID {
		mkdir(c.mode)
	} else {
		stat := e.statx(point)
		if c.uid == noID {
			e.compare(stat, word{statxUID, 0}, "it is root's", "EAGAIN: "+name+" belongs to another user; say uid=")
		}
		if c.gid == noID {
			e.compare(stat, word{statxGID, 0}, "and root's group's", "EAGAIN: "+name+" belongs to another group; say gid=")
		}
		if c.mode != 0 {
			mkdir(c.mode)
		} else {
			e.sameMode(stat, name, mkdir)
		}
	}
	if c.uid != noID || c.gid != noID {
		e.b.Add(prog.Op{
			Call: prog.Fchownat, Args: prog.Args{changes, upper, prog.Int(c.uid), prog.Int(c.gid), prog.Int(unix.AT_SYMLINK_NOFOLLOW)},
			Why: "its owner", Hint: "EINVAL: the user namespace has no such id",
		})
	}
}

// sameMode makes a directory with the mode of another, if that is one of the usual.
func (e *emitter) sameMode(stat *prog.Block, name string, mkdir func(uint32)) {
	made := e.b.Label("made")
	var words []string
	for _, mode := range usualModes {
		words = append(words, fmt.Sprintf("%04o", mode))
	}
	for i, mode := range usualModes {
		w := word{statxMode, unix.S_IFDIR | mode}
		if i == len(usualModes)-1 {
			e.compare(stat, w, "its mode is "+words[i], "EAGAIN: the mode of "+name+" is none of "+strings.Join(words, ", ")+"; say mode=")
			mkdir(mode)
			break
		}
		other := e.b.Label("another mode")
		is := compareOp(stat, w)
		is.OnError, is.Why = other, "is its mode "+words[i]+"?"
		e.b.Add(is)
		mkdir(mode)
		e.b.Goto(made, "that was it")
		e.b.Bind(other)
	}
	e.b.Bind(made)
}
