package container

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// A container in a user namespace, or with a clock of its own, takes two processes.
//
//	first process                                   the host's side
//	clone3, without a namespace
//	execveat of the image
//	oom_score_adj, with the caller's rights
//	setns         namespaces to join
//	unshare       NEWUSER (or setns, to join one)
//	unshare       NEWTIME, timens_offsets
//	sendto ─────────────────────────────────────►   setgroups, uid_map, gid_map, or
//	read   ◄─────────────────────────────────────   newuidmap, newgidmap
//	setgroups     none of the caller's
//	setresgid, setresuid   0, or the user
//	prctl         not dumpable from here on
//	clone3        CLONE_PARENT and all other namespaces
//	sendto, exit ───────────────────────────────►   follows the second process
//
//	second process: goes on as in a container without
//
// Why not clone3 with CLONE_NEWUSER at once: the execution of the image would come
// before the maps are written, and an execve by a process that is not uid 0 of its
// user namespace drops every capability that it was born with. What has executed the
// image before keeps them, whatever its ids are. capabilities(7)
//
// Why a second process: the other namespaces have to be made inside of the user
// namespace, to belong to it, and pid and time namespaces take in only processes that
// are born in them. unshare(2), time_namespaces(7)
//
// The memory of both belongs to the caller's user namespace, since that is where the
// image was executed. So CAP_SYS_PTRACE in the container's does not reach them while
// they are not dumpable. ptrace(2), "Ptrace access mode checking"

// newUser and joinsUser say what becomes of the user namespace.
func (c *compiler) newUser() bool { return c.isNew(clone.NEWUSER) }

func (c *compiler) joinsUser() bool { return c.spec.Namespaces.PathOf(clone.NEWUSER) != "" }

func (c *compiler) inUser() bool { return c.spec.Namespaces.Contains(clone.NEWUSER) }

func (c *compiler) isNew(t clone.NamespaceType) bool {
	return c.spec.Namespaces.Contains(t) && c.spec.Namespaces.PathOf(t) == ""
}

// inTwo reports whether the namespaces are made by a process of the program, and not at
// the birth of the first.
func (c *compiler) inTwo() bool { return c.inUser() || c.isNew(clone.NEWTIME) }

// emitNamespaces brings the process into its namespaces.
func (c *compiler) emitNamespaces(control prog.FD) {
	if !c.inTwo() {
		emitSession(c.b)
		emitDumpable(c.b) // nobody traces a process that holds descriptors of the host
		c.emitJoins()
		if c.spec.Namespaces.PathOf(clone.NEWPID) != "" {
			c.b.From("linux.namespaces")
			nsexec.EmitFork(c.b, control, 0)
			emitSession(c.b)
			emitDumpable(c.b)
			c.b.From("process")
		}
		return
	}
	c.emitScore() // lowering it takes the caller's rights
	if c.joinsUser() && c.host.Capabilities.Effective.Has(caps.SETGID) {
		c.emitNoGroups(0) // inside it may be forbidden
	}
	if !c.newUser() {
		c.b.From("process")
		emitDumpable(c.b)
	}
	if !c.joinsUser() {
		c.emitJoins()
	}
	c.emitUser()
	c.emitClocks()
	if c.newUser() {
		c.b.From("linux.uidMappings")
		nsexec.EmitSync(c.b, control, "the host's side writes the id maps")
		c.plan.During = append(c.plan.During, c.mapSteps())
	}
	if c.inUser() {
		c.emitBecome()
		if !c.looked() {
			c.b.From("process")
			emitDumpable(c.b) // not before: the maps of a process that is not are nobody's to write
		}
	}
	if c.joinsUser() {
		c.emitJoins()
	}
	c.b.From("linux.namespaces")
	flags := c.spec.Namespaces.CloneFlags() &^ (unix.CLONE_NEWUSER | unix.CLONE_NEWTIME)
	nsexec.EmitFork(c.b, control, flags)
	c.b.From("process")
	emitSession(c.b)
	if c.looked() {
		emitDumpable(c.b)
	}
}

// looked reports whether the caller can look into the container, if its program cannot be
// executed, only as long as the process is dumpable: where nothing but being the same
// user allows it. The second process waits for its caller, who opens its mount namespace
// then. Whoever could trace it so long can trace the caller as well; a namespace that is
// joined may have others in it.
func (c *compiler) looked() bool {
	return c.newUser() && len(c.spec.Namespaces.Joins()) == 0 && !c.host.Capabilities.Effective.Has(caps.SYS_PTRACE)
}

// emitUser makes the user namespace, or joins it.
func (c *compiler) emitUser() {
	c.b.From("linux.namespaces")
	switch {
	case c.newUser():
		c.b.Add(prog.Op{
			Call: prog.Unshare, Args: prog.Args{prog.Int(unix.CLONE_NEWUSER)},
			Why:  "all capabilities in it from here on, and none outside",
			Hint: "EPERM: the host forbids it (kernel.unprivileged_userns_clone, AppArmor), or the caller is in a chroot; ENOSPC: user.max_user_namespaces is reached; EUSERS: they are nested 33 deep",
		})
	case c.joinsUser():
		for i, ns := range c.spec.Namespaces.Joins() {
			if ns.Type == clone.NEWUSER {
				c.b.Add(setns(c.joins[i], ns, "EPERM: whoever has made it is not the caller, and the caller lacks CAP_SYS_ADMIN in the one around it; EINVAL: it is the caller's own"))
			}
		}
	}
}

// emitBecome makes the process root of the user namespace, without a group of the
// caller's. Where there is no id 0 it becomes the container's user: what it makes has to
// belong to somebody. No capability is lost, since no change of ids takes them from a
// process that was not root of this user namespace before.
func (c *compiler) emitBecome() {
	c.b.From("process.user")
	uid, gid := uint32(0), uint32(0)
	var noID unix.Errno
	switch {
	case c.joinsUser():
		noID = unix.EINVAL // its maps are not known: without a 0 the caller's ids stay
	default:
		if _, ok := c.spec.UIDMappings.ToHost(0); !ok {
			uid = c.spec.Process.User.UID
		}
		if _, ok := c.spec.GIDMappings.ToHost(0); !ok {
			gid = c.spec.Process.User.GID
		}
	}
	may := c.host.Capabilities.Effective.Has(caps.SETGID)
	switch {
	case c.newUser() && !c.setgroupsDenied():
		c.emitNoGroups(0)
	case c.joinsUser() && !may: // otherwise that is done
		c.emitNoGroups(unix.EPERM) // forbidden, if it has been made with one group
	}
	u, g := prog.Int(uid), prog.Int(gid)
	c.b.Add(prog.Op{Call: prog.Setresgid, Args: prog.Args{g, g, g}, Tolerate: noID, Why: "whose files the container's mounts are made as"})
	c.b.Add(prog.Op{Call: prog.Setresuid, Args: prog.Args{u, u, u}, Tolerate: noID, Why: "the same"})
}

// emitNoGroups drops the caller's supplementary groups, if that is allowed. An ordinary user who has mapped
// its own group alone may not, and keeps them: files that they open to it stay open, and
// files that they close to it stay closed.
func (c *compiler) emitNoGroups(tolerate unix.Errno) {
	c.b.From("process.user")
	c.b.Add(prog.Op{
		Call: prog.Setgroups, Args: prog.Args{prog.Int(0), prog.Int(0)}, Tolerate: tolerate,
		Why: "the caller's groups are not the container's", Hint: "it needs CAP_SETGID",
	})
}

// emitScore sets the OOM score while the process has the caller's rights.
func (c *compiler) emitScore() {
	score := c.spec.Process.OOMScoreAdj
	if score == nil {
		return
	}
	c.b.From("process.oomScoreAdj")
	text := strconv.Itoa(*score)
	fd := mounts.OpenProc(c.b, c.hostProc(), "self/oom_score_adj", unix.O_WRONLY)
	c.b.Add(prog.Op{Call: prog.Write, Args: prog.Args{fd, prog.Str(text), prog.Int(len(text))}, Why: scoreWhy, Hint: scoreHint})
}

const (
	scoreWhy  = "who is killed first when memory runs out"
	scoreHint = "a lower value than the caller's needs CAP_SYS_RESOURCE"
)

// hostProc is the host's /proc, which is there as long as / is the host's.
func (c *compiler) hostProc() prog.Slot {
	if c.proc.IsZero() {
		c.proc = c.b.Slot("procfs")
		c.b.Add(prog.Op{
			Call: prog.Openat2,
			Args: prog.Args{prog.Int(1<<64 + unix.AT_FDCWD), prog.Str("/proc"), prog.OpenHow(unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0, 0), prog.Int(prog.OpenHowSize)},
			Out:  c.proc, Why: "the host's procfs",
		})
	}
	return c.proc
}

// setns is the operation that joins a namespace.
func setns(fd prog.FD, ns clone.Namespace, hint string) prog.Op {
	return prog.Op{
		Call: prog.Setns, Args: prog.Args{fd, prog.Int(ns.Type.Flag())},
		Why: "join " + ns.Path, Hint: hint,
	}
}
