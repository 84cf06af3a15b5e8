package mounts

import (
	"fmt"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// Tree is the file system tree of a container. The zero value of every field but Root
// asks for nothing.
type Tree struct {
	// Root is the root file system as a detached mount: what
	//	open_tree(AT_FDCWD, "/the/root/directory", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)
	// gave to the caller, handed down under a known number: an FD. Where RootPath or
	// Overlay are given instead, it is nil, and [EmitTree] puts the slot in here.
	Root prog.Arg

	// RootPath and Overlay are in the place of Root, for a program whose caller may
	// not copy mounts: it does so itself, in its own copy of the host's tree, once,
	// and uses the descriptor from then on. RootPath is the directory on the host,
	// an absolute path; what is mounted below it comes along.
	// An Overlay without Lower is a root of nothing: an empty tmpfs.
	RootPath string
	Overlay  *Overlay

	// UserXattr is [Overlay].UserXattr for every overlay of the tree: where the
	// program is in a user namespace.
	UserXattr bool

	// At is a directory of the host's tree in whose place the root is mounted until
	// [EmitPivot], an absolute path without a symbolic link. Whoever joins the mount
	// namespace in between, by setns(2), arrives in the host's tree then, and finds the
	// container's root at this path. Empty mounts it on /.
	//
	// It does not have to be the directory that Root is a copy of. The program follows
	// no link on the way there, so nobody can have it mounted elsewhere.
	At string

	// Null is the host's /dev/null as a detached mount. The caller has checked that
	// it is the character device 1:3. Where it is the zero FD and Masked needs one,
	// the program copies the /dev/null of its own tree, and checks that itself.
	Null prog.FD

	// ReadOnly makes the root mount read-only in the end. What is mounted inside
	// keeps its own mode. mount_setattr(2), MOUNT_ATTR_RDONLY
	ReadOnly bool

	// Propagation is how mounts travel between the root and its peers: "private",
	// "slave", "shared", "unbindable", or the same with an r in front. Empty means
	// "rprivate". mount_namespaces(7)
	//
	// A slave root shows what the host mounts below the root directory later on;
	// mounts inside the root directory are made slaves with it, since they would
	// stay peers of the host's otherwise. A shared root is a peer group of its own,
	// not the host's.
	Propagation string

	// Links are made in the root before the mounts.
	Links []Link

	// Mounts are made in this order.
	Mounts []Mount

	// DefaultDevices asks for null, zero, full, random, urandom and tty in /dev and
	// for the links fd, stdin, stdout, stderr and ptmx, unless /dev is a bind mount:
	// that one has its own. What Mounts or Devices put in the same place is left out.
	DefaultDevices bool

	// BindDevices binds the host's device files where they would be made: in a user
	// namespace nobody makes devices that work. mknod(2) What is bound is the file
	// of the same path on the host, if it has the numbers that are asked for. Mode
	// and owner are the host's. A named pipe is made.
	BindDevices bool

	// NoPivot moves the root and changes into it, instead of pivot_root(2), which
	// does not take the place of an initramfs. See [EmitPivot].
	NoPivot bool

	// Devices are made after the mounts.
	Devices []Device

	// Cwd is the working directory of the process to come. It is made where it is
	// missing, after the mounts and before the root becomes read-only.
	Cwd string

	// Terminal is opened when all mounts are made, and bound on /dev/console unless
	// something is mounted there.
	Terminal Terminal

	// Label is the SELinux label of everything in the file systems that are made. What
	// Mounts says for one of them goes before. The kernel gives those of its own, such as
	// proc, theirs. mount(8), context=
	Label string

	// Masked are paths that cannot be read: a file becomes the null device, a
	// directory an empty one that is read-only. A path that does not exist is
	// passed over.
	Masked []string

	// ReadOnlyPaths become read-only with all that is mounted below them. A path
	// that does not exist is passed over.
	ReadOnlyPaths []string
}

// Mount is one mount of a configuration.
type Mount struct {
	// Destination is where it appears, a path inside the container. A mount point
	// that is missing is made: a directory, or a file where a file is bound.
	Destination string

	// Type is the file system, such as "tmpfs". It means nothing for a bind mount,
	// which is known by its type "bind" or by the option bind or rbind.
	//
	// "cgroup" means cgroup2: a new mount of that shows the hierarchy from the root of
	// the cgroup namespace on. A container without one of its own sees the host's that
	// way; to show it its own group alone, bind the directory of that group, by Source,
	// or by From where the program's user namespace may not search the way there.
	Type string

	// Source is, for a bind mount, an absolute path of the host. For a file system
	// it is what that takes as its source, and what mountinfo shows.
	Source string

	// From is the source of a bind mount as a detached mount, which the caller has
	// made and hands down, in the place of Source: one with its own ids, or one that
	// the program may not reach.
	From prog.FD

	// Overlay makes this mount an overlay of directories of the host. Type is empty
	// or "overlay" then, and Options may hold what else the overlay knows.
	Overlay *Overlay

	// Options are those of mount(8), one a string; see [ParseOptions]. A tmpfs that
	// is not given a mode= has the kernel's: 1777.
	Options []string

	// Origin names the mount in errors and plans. Empty means "mounts[i]".
	Origin string
}

// Warning is something in a configuration that has no effect, or not the one that its
// author may expect. The container works without it.
type Warning struct {
	Origin string // such as "mounts[2]"
	Text   string
}

// String is the warning on one line.
func (w Warning) String() string { return fmt.Sprintf("%s: %s", w.Origin, w.Text) }

// Validate says what is wrong with the tree: all of it, one line each, and each with
// the line of the configuration in front.
func (t Tree) Validate() ([]Warning, error) {
	l, err := lay(&t)
	if err != nil {
		return nil, err
	}
	return l.warnings, nil
}

// EmitTree adds the operations that make the tree, and sets t.Root where the program
// makes the root itself. The process has umask 0 and is in a new mount namespace, in
// which / is still the host's. Warnings and error are those of [Tree.Validate]; with an
// error nothing has been added.
//
// The program is not at home in the tree yet: that is [EmitPivot]. What stands between
// the two sees the host's files below / and has Tree.Root for the container's; where
// there are masks and no Tree.At, the host's /dev is empty by then. Another process that
// joins the mount namespace in between, by setns(2), arrives in the container's root,
// because that is what is on top, and with Tree.At in the host's.
func EmitTree(b *prog.Builder, t *Tree) ([]Warning, error) {
	l, err := lay(t)
	if err != nil {
		return nil, err
	}
	b.Grow(l.size())
	n := len(l.entries)
	e := emitter{b: b, layout: l, root: t.Root, null: t.Null, sources: make([]prog.Arg, n), mounted: make([]prog.Arg, n)}
	e.openRoot()
	e.openSources()
	e.openDevices()
	e.openNull()
	e.cutOff()
	e.makeOverlays()
	e.attachRoot()
	t.Root = e.root
	e.makeLinks()
	e.attachMounts()
	e.makeDevices()
	e.makeCwd()
	e.terminal()
	e.hide()
	e.finish()
	b.From("")
	return l.warnings, nil
}

// emitter adds the operations of one tree.
type emitter struct {
	b        *prog.Builder
	layout   *layout
	root     prog.Arg
	null     prog.Arg
	sources  []prog.Arg // by mount: the copy of a bind's source, or an overlay
	devices  []prog.Arg // by node: the copy of the host's device
	mounted  []prog.Arg // by mount: the mount itself, once it is attached
	attached int        // how many of the mounts are
	proc     bool       // a procfs is among them, so a link may lead into it
	last     directory  // the parent of the last mount point that was made
}

// size is a good guess of how many operations a tree takes.
func (l *layout) size() int {
	n := 16 + len(l.nodes) + len(l.links) + 8*(len(l.masked)+len(l.readonly))
	for i := range l.entries {
		n += 12 + len(l.entries[i].opts.Data)
	}
	return n
}
