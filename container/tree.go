package container

import (
	"path"

	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// tree is the container's file system as package mounts takes it. The working
// directory belongs to it, since it is made where it is missing.
func (c *compiler) tree() mounts.Tree {
	s := &c.spec
	t := mounts.Tree{
		Root: c.root, At: c.hookPlace(), Overlay: s.Root.Overlay, NoPivot: s.Root.NoPivot, Null: c.null, Cwd: c.cwd(),
		ReadOnly: s.Root.Readonly, Propagation: s.Root.Propagation,
		Links: s.Root.Links, Mounts: s.Mounts, Devices: s.Devices, DefaultDevices: true, Terminal: c.terminal,
		Masked: s.MaskedPaths, ReadOnlyPaths: s.ReadonlyPaths,
		Label:       s.MountLabel,
		BindDevices: c.boxedIn(), UserXattr: c.boxedIn(),
	}
	if c.root == (prog.FD{}) && t.Overlay == nil {
		t.RootPath = s.Root.Path
	}
	return t
}

// cwd is the working directory without detours.
func (c *compiler) cwd() string { return path.Clean("/" + c.spec.Process.Cwd) }
