package mounts_test

import (
	"path/filepath"
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// TestLinks is about the last name of a source, or of a destination, that is a link.
func TestLinks(t *testing.T) {
	nstest.Root(t)
	host, root := t.TempDir(), nstest.RootFS(t)
	write(t, filepath.Join(host, "dir/file"), "text\n")
	symlink(t, "etc/passwd", filepath.Join(host, "link"))
	symlink(t, "etc", filepath.Join(root, "confdir"))
	symlink(t, "etc/group", filepath.Join(root, "conf"))
	symlink(t, "/nowhere", filepath.Join(root, "there"))
	bind := func(destination, source string, options ...string) mounts.Mount {
		return mounts.Mount{Destination: destination, Source: filepath.Join(host, source), Options: append(options, "bind")}
	}
	tree := mounts.Tree{Mounts: []mounts.Mount{
		bind("/copied", "link", "copy-symlink"),
		bind("/deep/er/copied", "link", "copy-symlink"),
		bind("/conf", "link", "copy-symlink"),
		bind("/dir", "dir", "copy-symlink", "ro"),
		bind("/bound", "link", "src-nofollow"),
		bind("/there", "dir/file", "dest-nofollow"),
		proc,
		{Destination: "/run", Type: "tmpfs", Options: []string{"mode=755"}},
		bind("/run/copied", "link", "copy-symlink"),
	}}
	for _, name := range []string{"the first time", "once more, with all of it there"} {
		t.Run(name, func(t *testing.T) {
			expect(t, root, tree, `
				for l in /copied /deep/er/copied /conf /bound /run/copied; do readlink $l; done; cat /dir/file /there
				wc -l </conf; cd /dir && echo >file`, `
etc/passwd
etc/passwd
etc/passwd
etc/passwd
etc/passwd
text
text
2
sh: can't create file: Read-only file system`)
		})
	}
	refused(t, root, mounts.Tree{Mounts: []mounts.Mount{bind("/confdir", "dir", "dest-nofollow")}}, "a directory is to be mounted on a file")
	refused(t, root, mounts.Tree{Mounts: []mounts.Mount{{Destination: "/confdir", Type: "tmpfs", Options: []string{"dest-nofollow"}}}}, "not a directory")
}
