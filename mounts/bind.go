package mounts

import (
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// openSources copies the source of every bind mount into a detached mount.
func (e *emitter) openSources() {
	for i := range e.layout.entries {
		m := &e.layout.entries[i]
		if m.kind != kindBind {
			continue
		}
		if m.from != (prog.FD{}) {
			e.sources[i] = m.from
			continue
		}
		e.b.From(m.origin)
		flags := prog.Int(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
		if m.opts.Recursive {
			flags |= unix.AT_RECURSIVE
		}
		if m.opts.CopySymlink || m.opts.SrcNoFollow {
			flags |= unix.AT_SYMLINK_NOFOLLOW
		}
		out := e.b.Slot("source:/" + m.path)
		e.b.Add(prog.Op{
			Call: prog.OpenTree, Args: prog.Args{cwd, prog.Str(m.source), flags}, Out: out,
			Why:  "what is bound at /" + m.path,
			Hint: "ENOENT: there is no such file on the host; EPERM: it needs CAP_SYS_ADMIN in the user namespace that owns the mount namespace; EINVAL: it is unbindable, or has mounts below that are locked: rbind takes them along",
		})
		e.sources[i] = out
	}
}

// bind attaches the copy of a source. Its attributes are set while nobody can reach it.
func (e *emitter) bind(i int) prog.Arg {
	m := &e.layout.entries[i]
	tree := e.sources[i]
	for i, a := range m.opts.bind() {
		why := "its attributes, before anybody can reach it"
		if i > 0 {
			why = "those of the mount itself, and not of what is mounted below"
		}
		setattr(e.b, tree, "", a, why,
			"EPERM: the attribute is locked, because the mount was made in another user namespace")
	}
	if m.path == "proc" {
		e.isProc(tree, true, "only a procfs may be mounted on /proc",
			"EAGAIN: what is to be bound on /proc is not a procfs")
	}
	return tree
}

// clone copies a mount that is attached, without what is mounted in it.
func clone(b *prog.Builder, fd prog.Arg, name, why string) prog.Slot {
	out := b.Slot(name)
	b.Add(prog.Op{
		Call: prog.OpenTree,
		Args: prog.Args{fd, prog.Str(""), prog.Int(unix.AT_EMPTY_PATH | unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)},
		Out:  out, Why: why,
	})
	return out
}
