package mounts

import (
	"path"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// copySymlink makes the same symbolic link where the source of a bind mount is one, and
// goes on at copied. What is no link is bound by what follows.
//
// The link's text goes from one call to the other in memory: it is not known before.
// Where something stands at the destination already, such as the link of an earlier
// container in the same root, nothing is removed: the link itself is mounted on it,
// and whoever opens it follows that one.
func (e *emitter) copySymlink(i int, copied prog.Label) {
	m := &e.layout.entries[i]
	dir, _ := e.parent(m.path)
	name := prog.Str(path.Base(m.path))
	bind, taken := e.b.Label("no link"), e.b.Label("taken")
	text := prog.Buffer("link", unix.PathMax)
	e.b.Add(prog.Op{
		Call: prog.Readlinkat, Args: prog.Args{e.mounted[i], prog.Str(""), text, prog.Int(unix.PathMax - 1)}, OnError: bind,
		Why: "where does the link lead to?",
	})
	e.b.Add(prog.Op{
		Call: prog.Symlinkat, Args: prog.Args{text, dir, name}, OnError: taken,
		Why: "the same link at /" + m.path,
	})
	e.b.Goto(copied, "that is all")
	e.b.Bind(taken)
	point := e.b.Slot("point")
	openStraight(e.b, lookup{from: dir, path: path.Base(m.path), flags: oPath | unix.O_NOFOLLOW, why: "what stands there already"}, point)
	e.b.Add(prog.Op{
		Call: prog.MoveMount, Args: prog.Args{e.mounted[i], prog.Str(""), point, prog.Str(""), fdToFD},
		Why: "the link, over that", Hint: attachHint,
	})
	e.b.Goto(copied, "that is all")
	e.b.Bind(bind)
}
