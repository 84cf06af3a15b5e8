package mounts

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// EmitOpenDirectory opens a directory of a tree, an absolute path in the container,
// whatever links lead there: they all end inside the root.
func EmitOpenDirectory(b *prog.Builder, t Tree, p string) prog.Slot {
	out := b.Slot("dir")
	p = strings.TrimPrefix(path.Clean("/"+p), "/")
	if p == "" {
		p = "."
	}
	openInRoot(b, lookup{from: t.Root, path: p, flags: oPath | unix.O_DIRECTORY, why: "/" + p}, out)
	return out
}
