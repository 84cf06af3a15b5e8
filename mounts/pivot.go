package mounts

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// EmitPivot makes the root of a tree, for which [EmitTree] has been called, the root
// of the process, and takes the host's tree away. The working directory is / then.
// pivot_root(2)
//
// The old root needs no place of its own: pivot_root(".", ".") mounts it on the new
// one, in which the process stands, and the next call takes it off again.
//
// With Tree.NoPivot the root stays where [EmitTree] has attached it, on top of the old
// one, and the process changes into it with chroot(2): the root of a mount namespace
// that is an initramfs cannot be exchanged. The old root is still mounted below then.
// No path leads to it: above a mount there is only what is mounted on it, so that the
// way up out of a chroot, which CAP_SYS_CHROOT opens, ends in the container's root
// again. CAP_SYS_ADMIN can take the container's root off; with CAP_SYS_CHROOT as well,
// setns(2) into its own mount namespace arrives in what was below: the host's initramfs
// and everything mounted there. So a container without pivot_root must have neither, or
// a user namespace of its own, in which the mounts below are locked. A root with
// Tree.At is moved on top for that.
func EmitPivot(b *prog.Builder, t Tree) error {
	_, later, err := parsePropagation(t.Propagation)
	if err != nil {
		return fmt.Errorf("linux.rootfsPropagation: %w", err)
	}
	b.From("root")
	b.Add(prog.Op{Call: prog.Fchdir, Args: prog.Args{t.Root}, Why: "into the new root"})
	if t.NoPivot {
		if t.At != "" {
			b.Add(prog.Op{
				Call: prog.MoveMount, Args: prog.Args{t.Root, prog.Str(""), cwd, prog.Str("/"), fromFD},
				Why: "on top of the host's tree: above it there must be nothing", Hint: "EINVAL: what it is mounted in is shared",
			})
		}
		b.Add(prog.Op{Call: prog.Chroot, Args: prog.Args{prog.Str(".")}, Why: "it becomes /, and hides the old root below it"})
	} else {
		emitPivotRoot(b)
	}
	if !later.isZero() {
		b.From("linux.rootfsPropagation")
		setattr(b, cwd, "/", later, "the propagation of the root, which pivot_root does not take shared", "")
	}
	b.From("")
	return nil
}

// emitPivotRoot exchanges the root of the mount namespace, on which the old one lies
// then, and takes that off.
func emitPivotRoot(b *prog.Builder) {
	b.Add(prog.Op{
		Call: prog.PivotRoot, Args: prog.Args{prog.Str("."), prog.Str(".")},
		Why:  "it becomes /, with the old root on top of it",
		Hint: "EINVAL: the root of this mount namespace is the initramfs, or it is shared; EPERM: it needs CAP_SYS_ADMIN in the user namespace that owns the mount namespace",
	})
	b.Add(prog.Op{
		Call: prog.Umount2, Args: prog.Args{prog.Str("."), prog.Int(unix.MNT_DETACH)},
		Why: "the host's tree goes away",
	})
	b.Add(prog.Op{Call: prog.Chdir, Args: prog.Args{prog.Str("/")}, Why: "the working directory is inside, not below what was taken off"})
}
