package container

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// CompileExec is [Compile] for a program that is executed in a container which is there
// already. It is as pure: the facts about the container are in t.
//
//	the process                                    the host's side
//	clone3, into the cgroup
//	execveat of the image
//	prctl         not dumpable
//	setns         all namespaces at once
//	...           what the first program of a container does: terminal, directory,
//	              limits, rights
//	close_range   nothing of the host is left
//	clone3        CLONE_PARENT, CLONE_VFORK: born in the pid namespace
//	exit ──────────────────────────────────────►   follows the second process
//
//	second process, while the first one stands still: setsid, execve
//
// The fork comes last. To join a pid namespace changes nothing for the process itself,
// only for its children, so the one that has the caller's rights and holds descriptors
// of the host cannot be seen from the container. The one that can be seen is the user's
// program but for its name.
func CompileExec(p Process, t Target, host Host) (*Plan, error) {
	if len(host.Missing) > 0 {
		return nil, fmt.Errorf("kernel %s is too old for a container: it does not have %s", host.Kernel, strings.Join(host.Missing, ", "))
	}
	spec := Spec{Process: p, Keyring: t.Keyring, UIDMappings: t.UIDMappings, GIDMappings: t.GIDMappings}
	for _, typ := range t.Namespaces {
		spec.Namespaces.Add(typ, t.path(typ))
	}
	c := &compiler{spec: spec, host: host, target: &t, b: &prog.Builder{}, plan: &Plan{entered: &t}}
	c.b.Grow(96)
	if err := c.checkEntry(); err != nil {
		return nil, err
	}
	opened := c.beforeEntry()
	c.entry(opened)
	program, err := c.b.Program()
	if err != nil {
		return nil, err
	}
	c.plan.Child = program
	c.plan.wanted, c.plan.host = &c.spec, &c.host
	c.plan.Clone = Birth{Files: c.files, Kept: c.kept()}
	if c.bornInCgroup() {
		c.plan.Clone.Cgroup = t.Cgroup
	}
	return c.plan, nil
}

// enters reports whether the program is for a container that is there.
func (c *compiler) enters() bool { return c.target != nil }

// bornInCgroup reports whether the process is born where it belongs. It is moved there
// later where it has to run before, on processors of its own, and where nobody is born
// because all stand still.
func (c *compiler) bornInCgroup() bool {
	return c.target.Cgroup != "" && !c.target.Frozen && c.spec.Process.CPUAffinity.Initial == ""
}

// checkEntry refuses what cannot be done, all of it at once.
func (c *compiler) checkEntry() error {
	var errs []error
	wrong := func(origin, format string, v ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", origin, fmt.Sprintf(format, v...)))
	}
	if !c.target.contains(clone.NEWNS) {
		wrong("exec", "process %d is in the mount namespace of the caller: it is in no container", c.target.Pid)
	}
	if c.target.Cgroup != "" && c.host.Cgroup2 == "" {
		wrong("linux.cgroupsPath", "cgroup v2 is not mounted here, and the container has a cgroup")
	}
	u := &c.spec.Process.User
	if len(u.AdditionalGIDs) > 0 && (c.target.SetgroupsDenied || !c.inUser() && c.host.SetgroupsDenied) {
		wrong("process.user.additionalGids", "the container's user namespace was made by an ordinary user with its own group alone: it allows no setgroups(2)")
	}
	if c.inUser() {
		if _, ok := c.target.UIDMappings.ToHost(u.UID); !ok {
			wrong("process.user.uid", "the container's user namespace has no id %d", u.UID)
		}
		for _, gid := range append([]uint32{u.GID}, u.AdditionalGIDs...) {
			if _, ok := c.target.GIDMappings.ToHost(gid); !ok {
				wrong("process.user.gid", "the container's user namespace has no id %d", gid)
			}
		}
	}
	c.checkProcess(wrong)
	c.checkScheduling(wrong)
	c.checkKeyring(wrong)
	c.checkDescriptors(wrong)
	return errors.Join(errs...)
}

// beforeEntry lists what the host's side opens: the container, and its cgroup.
func (c *compiler) beforeEntry() prog.FD {
	c.handProgram()
	s := Step{
		Action: OpenContainer, Path: fmt.Sprintf("process %d", c.target.Pid), As: c.hand("container"),
		Why: "the container to enter", Origin: "exec", process: c.target.process,
	}
	s.process.pid = c.target.Pid
	c.plan.Before = append(c.plan.Before, s)
	if c.bornInCgroup() {
		c.plan.Before = append(c.plan.Before, Step{
			Action: OpenCgroup, Path: c.host.Cgroup2 + c.target.Cgroup, Why: "to be born in: from its first moment the process counts there", Origin: "linux.cgroupsPath",
		})
	}
	return s.As
}

// entry is the whole of what the processes do, in order.
func (c *compiler) entry(container prog.FD) {
	b := c.b
	b.From("process")
	control := nsexec.Begin(b, len(c.files))
	c.emitInherited()
	c.emitScore()   // lowering it takes the caller's rights, and its file is not to be had behind the next line but one
	c.emitLabels()  // nor are theirs
	emitDumpable(b) // the first operation of a join: it holds descriptors of the host
	emitSession(b)  // ^C is for the caller
	c.emitPlacement(control)
	c.emitEnter(container)
	tree := mounts.Tree{Root: c.openRoot()}
	if c.openTerminal(); c.plan.Terminal {
		mounts.EmitTerminal(b, tree.Root, c.terminal)
	}
	c.emitProcess(control, tree) // as the first program of a container
	c.emitBirth(control)         // where it is seen in the container
	c.emitControllingTerminal()
	c.emitExec()
}

// emitPlacement gives the process its processors and its cgroup, where it was not born
// there. sched_setaffinity(2)
func (c *compiler) emitPlacement(control prog.FD) {
	affinity := c.spec.Process.CPUAffinity
	c.emitAffinity("initial", affinity.Initial, "until it is in the container's cgroup")
	if group := c.target.Cgroup; group != "" && !c.bornInCgroup() {
		c.b.From("linux.cgroupsPath")
		nsexec.EmitSync(c.b, control, "the host's side moves it into the cgroup")
		c.plan.During = append(c.plan.During, []Step{{
			Action: EnterCgroup, Path: c.host.Cgroup2 + group + "/cgroup.procs", Why: "the container's", Origin: "linux.cgroupsPath",
		}})
	}
	c.emitAffinity("final", affinity.Final, "from here on")
	c.b.From("process")
}

func (c *compiler) emitAffinity(name, list, why string) {
	if list == "" {
		return
	}
	c.b.From("process.execCPUAffinity." + name)
	words, _ := numbers(list)
	c.b.Add(prog.Op{
		Call: prog.SchedSetaffinity, Args: prog.Args{prog.Int(0), prog.Int(8 * len(words)), prog.CPUMask(words)},
		Why: why, Hint: "EINVAL: the machine has none of these processors, or the cpuset of the cgroup does not allow any of them",
	})
}

// emitEnter joins the namespaces. The kernel joins all or none, and looks at the rights
// to each before anything has changed: so those of a user namespace and others, which
// belong to the one around it, can be joined together. setns(2), Linux 5.8
func (c *compiler) emitEnter(container prog.FD) {
	if c.joinsUser() && c.host.Capabilities.Effective.Has(caps.SETGID) {
		c.emitNoGroups(0) // inside it may be forbidden
	}
	flags := uintptr(0)
	for _, typ := range c.target.Namespaces {
		flags |= typ.Flag()
	}
	c.b.From("exec")
	c.b.Add(prog.Op{
		Call: prog.Setns, Args: prog.Args{container, prog.Int(flags)}, Why: "into the container",
		Hint: "ESRCH: the container has stopped; EPERM: it belongs to somebody else, or it was created by an ordinary user and has not been started",
	})
	if c.joinsUser() {
		c.emitBecome()
		emitDumpable(c.b) // the change of ids has set it again
	}
	c.b.From("process")
}

// openRoot opens the root of the mount namespace that was joined, which is the root of
// the process now.
func (c *compiler) openRoot() prog.Slot {
	root := c.b.Slot("root")
	if !c.spec.Process.Terminal && c.cwd() == "/" {
		return root // nobody needs it
	}
	c.b.From("exec")
	c.b.Add(prog.Op{
		Call: prog.Openat2,
		Args: prog.Args{prog.Int(1<<64 + unix.AT_FDCWD), prog.Str("/"), prog.OpenHow(unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0, 0), prog.Int(prog.OpenHowSize)},
		Out:  root, Why: "the container's root",
	})
	c.b.From("process")
	return root
}

// emitBirth makes the process that the container sees, where it has a pid namespace of
// its own. By then nothing is open that the container must not have.
func (c *compiler) emitBirth(control prog.FD) {
	if !c.target.contains(clone.NEWPID) {
		return
	}
	c.b.From("exec")
	nsexec.EmitVfork(c.b, control, c.kept())
	c.b.From("process")
	emitSession(c.b)
}
