package container

import (
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// A hook that is a command is a program of its own, born outside of the container. That
// of a hook inside joins the namespaces of the container's first process, which waits at
// a sync point meanwhile.
//
// The alternative, a fork of the container's program, would take less of the kernel. But
// then the time that a hook may take, its output and its status would have to go through
// a process that does nothing but make system calls; and the first process of a pid
// namespace can have no child that is its parent's (clone(2), CLONE_PARENT), so nobody
// outside could wait for the hook, or be sure whom a signal ends.

// aliveFile is the end of a pipe that tells the guard of a hook when the caller has died.
// [nsexec.EmitGuard]
var aliveFile = prog.FD{Num: standard, Name: "alive"}

// containerFile is the pidfd of the process whose namespaces are joined.
var containerFile = prog.FD{Num: standard + 1, Name: "container"}

// hookProgram is what the process of a hook does, up to the hook itself.
func (c *compiler) hookProgram(kind HookKind, i int, h CommandHook) (*prog.Program, error) {
	// The builder and the descriptors are its own, all else is the container's.
	j := &compiler{spec: c.spec, host: c.host, b: &prog.Builder{}, plan: &Plan{}}
	b, origin, files := j.b, hookOrigin(kind, i), standard+1
	if kind.inside() {
		files++
	}
	b.From(origin)
	control := nsexec.Begin(b, files)
	j.emitInherited()
	emitHookSession(b)
	if kind.inside() {
		emitDumpable(b) // nobody in there may trace it before it is what it is going to be
	}
	if !kind.inside() || !j.bornInside() {
		// A hook in a new pid namespace ends with that, when the container's first process
		// finds that its caller is gone.
		nsexec.EmitGuard(b, files, aliveFile)
	}
	if kind.inside() {
		j.emitJoinContainer(control, origin)
	}
	b.From(origin)
	if kind == StartContainer {
		// The program is of the container's root file system, and gets no right that
		// the container does not have. The order is that of compiler.child.
		b.Add(prog.Op{Call: prog.Chdir, Args: prog.Args{prog.Str("/")}, Why: "the container's root"})
		j.emitRlimits()
		j.emitScheduling()
		j.emitKeyring()
		j.emitIdentity()
		emitDumpable(b)
		emitUmask(b, j.umask())
	} else {
		b.Add(prog.Op{
			Call: prog.Chdir, Args: prog.Args{prog.Str(c.spec.Bundle)},
			Why: "the bundle", Hint: "EACCES: it cannot be reached with the ids of the container",
		})
		j.spec.Process.Rlimits = nil // they are the container's
		j.emitRlimits()
	}
	b.From(origin)
	nsexec.EmitCloseOnExec(b, standard)
	b.Add(prog.Op{
		Call: prog.Execve, Args: prog.Args{prog.Str(h.Path), prog.Strings(h.argv()), prog.Strings(h.Env)},
		Why: "the hook", Hint: "ENOENT: there is no such file, or its interpreter is missing; EACCES: it is not executable, or cannot be reached with the ids of the container",
	})
	return b.Program()
}

// argv is what the hook gets as its arguments, its name first.
func (h CommandHook) argv() []string {
	if len(h.Args) == 0 {
		return []string{h.Path}
	}
	return h.Args
}

// emitHookSession makes the process the leader of a session and of a process group.
func emitHookSession(b *prog.Builder) {
	b.Add(prog.Op{Call: prog.Setsid, Why: "a group of its own, which can be ended as a whole"})
}

// emitJoinContainer enters the namespaces of the container, all at once, and becomes root
// of its user namespace. setns(2) of a pidfd, Linux 5.8
func (c *compiler) emitJoinContainer(control prog.FD, origin string) {
	b := c.b
	if c.joinsUser() && c.host.Capabilities.Effective.Has(caps.SETGID) {
		c.emitNoGroups(0) // inside it may be forbidden
	}
	b.From(origin)
	flags := uintptr(0)
	for _, ns := range c.spec.Namespaces {
		flags |= ns.Type.Flag()
	}
	b.Add(prog.Op{
		Call: prog.Setns, Args: prog.Args{containerFile, prog.Int(flags)},
		Why:  "the namespaces of the container",
		Hint: "EPERM: it needs CAP_SYS_PTRACE, and CAP_SYS_ADMIN in the user namespaces that own them; ESRCH: the container's process has ended",
	})
	if c.inUser() {
		c.emitBecome()
	}
	b.From(origin)
	emitDumpable(b)
	if c.bornInside() {
		nsexec.EmitFork(b, control, 0) // those take in only who is born in them
		emitHookSession(b)
	}
}

// bornInside reports whether the container has a namespace in which a process has to be
// born.
func (c *compiler) bornInside() bool {
	return c.spec.Namespaces.Contains(clone.NEWPID) || c.isNew(clone.NEWTIME)
}

// emitHooks adds the points at which hooks are called before pivot_root.
func (c *compiler) emitHooks(control prog.FD) error {
	return c.emitHookPoint(control, "hooks", "the host's side calls the hooks of the container that is being made", Prestart, CreateRuntime, CreateContainer)
}

// emitStartHooks adds the point at which hooks are called right before the user's program.
// The program has the container's rights by then, and holds nothing of the host but what
// it needs to the end.
func (c *compiler) emitStartHooks(control prog.Arg) error {
	if !c.spec.Hooks.any(StartContainer) {
		return nil
	}
	c.b.From("hooks.startContainer")
	last := len(c.files)
	if c.spec.Init {
		last-- // the image of the init
	}
	for _, r := range [][2]uint32{{uint32(c.kept()), uint32(last) - 1}, {uint32(len(c.files)) + 2, ^uint32(0)}} {
		if r[0] > r[1] {
			continue
		}
		c.b.Add(prog.Op{
			Call: prog.CloseRange, Args: prog.Args{prog.Int(r[0]), prog.Int(r[1]), prog.Int(0)},
			Why: "a hook in the container finds nothing of the host in this process",
		})
	}
	return c.emitHookPoint(control, "hooks.startContainer", "the host's side calls the hooks of the start", StartContainer)
}

// emitHookPoint adds a sync point and the host's part at it, if there is one.
//
// To whoever has no CAP_SYS_PTRACE the kernel shows the namespaces of a process only if
// that is dumpable. So it is, for as long as hooks are called, where that gives nobody a
// right who could not trace the caller as well.
func (c *compiler) emitHookPoint(control prog.Arg, origin, why string, kinds ...HookKind) error {
	if !c.spec.Hooks.any(kinds...) {
		return nil
	}
	steps, err := c.hookSteps(kinds...)
	if err != nil {
		return err
	}
	c.b.From(origin)
	open := !c.tracesAnyone() && !c.sharesWithOthers()
	if open {
		c.b.Add(prog.Op{
			Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_DUMPABLE), prog.Int(1)},
			Why: "hooks of a caller without CAP_SYS_PTRACE can reach the namespaces",
		})
	}
	nsexec.EmitSync(c.b, control, why)
	c.plan.During = append(c.plan.During, steps)
	if open {
		emitDumpable(c.b)
	}
	c.b.From("process")
	return nil
}

// hooksAround are the hooks that are called when the container runs, and when it is gone.
func (c *compiler) hooksAround() (err error) {
	s := &c.spec
	c.plan.State = State{Version: StateVersion, Bundle: s.Bundle, Annotations: s.Annotations, Rootfs: s.Root.Path}
	if c.plan.After, err = c.hookSteps(Poststart); err == nil {
		c.plan.End, err = c.hookSteps(Poststop)
	}
	return err
}

// hookSteps are the calls of hooks, one step each.
func (c *compiler) hookSteps(kinds ...HookKind) ([]Step, error) {
	var steps []Step
	for _, kind := range kinds {
		for i, hook := range *c.spec.Hooks.list(kind) {
			s := Step{Action: RunHook, Kind: kind, Hook: hook, Why: kind.why(), Origin: hookOrigin(kind, i)}
			if h, ok := asCommand(hook); ok {
				program, err := c.hookProgram(kind, i, h)
				if err != nil {
					return nil, err
				}
				s.Path, s.Program = h.Path, program
				if kind.inside() && c.plan != nil {
					s.Cgroup = c.plan.cgroup
				}
			}
			steps = append(steps, s)
		}
	}
	return steps, nil
}

// why says in a plan where hooks of this kind stand.
func (k HookKind) why() string {
	switch k {
	case CreateContainer:
		return "in the container's namespaces, and in the host's tree"
	case StartContainer:
		return "in the container, before its program"
	case Poststart:
		return "on the host, now that the container's program runs"
	case Poststop:
		return "on the host, now that the container is gone"
	}
	return "on the host, before the container's root is its root"
}

// hookPlace is where the root is attached, for hooks that look for it where it is on the
// host. An overlay is nowhere.
func (c *compiler) hookPlace() string {
	if !c.spec.Hooks.any(Prestart, CreateRuntime, CreateContainer) {
		return ""
	}
	return c.spec.Root.Path
}
