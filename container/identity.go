package container

import (
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// emitIdentity turns the process from the caller, with all rights, into the user of
// the container. Each step still needs what a later one takes away:
//
//	no_new_privs   needs nothing and must hold for everything that follows
//	bounding set   needs CAP_SETPCAP
//	groups, ids    need CAP_SETGID and CAP_SETUID
//	capset         after the ids, whose change clears the effective set
//	ambient        after capset: what is raised must be permitted and inheritable
func (c *compiler) emitIdentity() {
	b, p := c.b, &c.spec.Process
	if p.NoNewPrivileges {
		b.From("process.noNewPrivileges")
		b.Add(prog.Op{
			Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_NO_NEW_PRIVS), prog.Int(1), prog.Int(0), prog.Int(0), prog.Int(0)},
			Why: "setuid programs and file capabilities give nothing",
		})
	}
	wanted := caps.Config{}
	if p.Capabilities != nil {
		wanted = *p.Capabilities
	}
	held := c.host.Capabilities
	if c.inUser() {
		held = caps.NewUserNamespace(c.host.LastCapability) // whoever enters one has them all in it
	}
	sets, warnings := wanted.Grantable(held, c.host.LastCapability, p.User.UID)
	for _, w := range warnings {
		c.warn("process.capabilities: %v", w)
	}
	b.From("process.capabilities")
	caps.EmitBounding(b, sets, c.host.LastCapability)

	b.From("process.user")
	// In a user namespace emitBecome has dropped the caller's, if that is allowed.
	if n := len(p.User.AdditionalGIDs); n > 0 || !c.inUser() && !c.host.SetgroupsDenied {
		b.Add(prog.Op{
			Call: prog.Setgroups, Args: prog.Args{prog.Int(n), groups(p.User.AdditionalGIDs)},
			Why: "the caller's groups are not the container's", Hint: "it needs CAP_SETGID",
		})
	}
	gid, uid := prog.Int(p.User.GID), prog.Int(p.User.UID)
	b.Add(prog.Op{Call: prog.Setresgid, Args: prog.Args{gid, gid, gid}, Why: "real, effective, saved", Hint: "EPERM: it needs CAP_SETGID; EINVAL: the user namespace has no such id"})
	caps.EmitKeep(b, sets, p.User.UID)
	b.Add(prog.Op{Call: prog.Setresuid, Args: prog.Args{uid, uid, uid}, Why: "real, effective, saved", Hint: "EPERM: it needs CAP_SETUID; EINVAL: the user namespace has no such id; EAGAIN: the user has as many processes as RLIMIT_NPROC allows"})

	b.From("process.capabilities")
	caps.EmitSets(b, sets)
	b.From("process")
}

// groups is the list for setgroups, and a null pointer for none.
func groups(list []uint32) prog.Arg {
	if len(list) == 0 {
		return prog.Int(0)
	}
	return prog.Gids(list)
}

// emitRlimits sets the limits, and undoes what Go did to the one of open files.
func (c *compiler) emitRlimits() {
	set := func(resource prog.Named, soft, hard uint64, why string) {
		c.b.Add(prog.Op{
			Call: prog.Prlimit64, Args: prog.Args{prog.Int(0), resource, prog.Rlimit(soft, hard), prog.Int(0)},
			Why: why, Hint: "EPERM: raising a hard limit needs CAP_SYS_RESOURCE; RLIMIT_NOFILE cannot go above fs.nr_open",
		})
	}
	c.b.From("process.rlimits")
	noFile := false
	for _, l := range c.spec.Process.Rlimits {
		resource, _ := prog.ResourceLimit(l.Type)
		noFile = noFile || resource.Value == unix.RLIMIT_NOFILE
		set(resource, l.Soft, l.Hard, "as the configuration says")
	}
	if original := c.host.NoFile; !noFile && original != (Limit{}) && original.Soft != original.Hard {
		resource, _ := prog.ResourceLimit("RLIMIT_NOFILE")
		set(resource, original.Soft, original.Hard, "Go has raised it in the caller")
	}
	c.b.From("process")
}

// emitDeathSignal asks for a signal when the caller's thread dies. It comes after the
// change of ids, which clears it.
func (c *compiler) emitDeathSignal(control prog.FD) {
	if c.spec.ParentDeathSignal == 0 {
		return
	}
	c.b.Add(prog.Op{
		Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_PDEATHSIG), prog.Int(c.spec.ParentDeathSignal)},
		Why: "when the thread dies that made this process",
	})
	nsexec.EmitCallerLives(c.b, control)
}

// umask is the user's file mode creation mask.
func (c *compiler) umask() uint32 {
	if mask := c.spec.Process.User.Umask; mask != nil {
		return *mask & 0o777
	}
	return 0o022
}
