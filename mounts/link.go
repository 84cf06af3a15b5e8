package mounts

import (
	"errors"
	"path"
	"strconv"
	"strings"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// Link is a symbolic link of the root itself, such as bin, which leads to usr/bin where
// a root file system is put together. symlink(7)
type Link struct {
	// Path is where it is made, in the container, with the directories above it.
	Path string
	// Target is where it leads, as it is written down: nobody looks whether there is
	// anything.
	Target string
}

func (l *layout) layLink(i int) {
	k := l.tree.Links[i]
	origin := "links[" + strconv.Itoa(i) + "]"
	to, err := absolute(k.Path)
	if err == nil && (k.Target == "" || strings.IndexByte(k.Target, 0) >= 0) {
		err = errors.New("a link leads somewhere, and there is no NUL in it")
	}
	if err != nil {
		l.wrong(origin, err)
		return
	}
	l.first = append(l.first, link{path: to, to: k.Target})
}

// makeLinks makes the links of the root.
func (e *emitter) makeLinks() {
	e.b.From("links")
	for _, k := range e.layout.first {
		dir, _ := e.parent(k.path)
		e.b.Add(prog.Op{
			Call: prog.Symlinkat, Args: prog.Args{prog.Str(k.to), dir, prog.Str(path.Base(k.path))},
			Why: "/" + k.path, Hint: "EEXIST: there is something at this place already",
		})
	}
}
