package container

import (
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// emitSession makes the process the leader of a session of its own. It has no
// controlling terminal then, into which it could push keystrokes for its caller.
func emitSession(b *prog.Builder) {
	b.Add(prog.Op{Call: prog.Setsid, Why: "no terminal of the caller's"})
}

// emitDumpable keeps processes that are not root from tracing this one and from
// looking into its /proc directory. An execve and every change of credentials set
// it again. PR_SET_DUMPABLE(2const)
func emitDumpable(b *prog.Builder) {
	b.Add(prog.Op{
		Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_DUMPABLE), prog.Int(0)},
		Why: "it holds descriptors of the host: nobody may trace it",
	})
}

// emitUmask sets the file mode creation mask.
func emitUmask(b *prog.Builder, mask uint32) {
	why := "the modes of devices and mount points are exact"
	if mask != 0 {
		why = "the user's"
	}
	b.Add(prog.Op{Call: prog.Umask, Args: prog.Args{prog.Int(mask)}, Why: why})
}

// emitJoins enters the namespaces that are joined, but for a user namespace. A pid
// namespace takes in only processes that are born in it, which is the next one.
func (c *compiler) emitJoins() {
	c.b.From("linux.namespaces")
	defer c.b.From("process")
	for i, ns := range c.spec.Namespaces.Joins() {
		if ns.Type != clone.NEWUSER {
			c.b.Add(setns(c.joins[i], ns, "joining needs CAP_SYS_ADMIN in the user namespace that owns it"))
		}
	}
}

// emitLoopback brings lo up in a new network namespace. The kernel makes the
// interface, down, and gives it its addresses when it comes up.
func (c *compiler) emitLoopback() {
	if !c.spec.Namespaces.Contains(clone.NEWNET) || c.spec.Namespaces.PathOf(clone.NEWNET) != "" {
		return
	}
	c.b.From("linux.namespaces")
	socket := c.b.Slot("socket")
	c.b.Add(prog.Op{
		Call: prog.Socket, Args: prog.Args{prog.Int(unix.AF_UNIX), prog.Int(unix.SOCK_DGRAM | unix.SOCK_CLOEXEC), prog.Int(0)},
		Out: socket, Why: "any socket reaches the interfaces of its namespace",
	})
	c.b.Add(prog.Op{
		Call: prog.Ioctl,
		Args: prog.Args{socket, prog.Int(unix.SIOCSIFFLAGS), prog.InterfaceFlags("lo", unix.IFF_UP)},
		Why:  "lo is up",
	})
}

// emitNames sets the names of a uts namespace.
func (c *compiler) emitNames() {
	if name := c.spec.Hostname; name != "" {
		c.b.From("hostname")
		c.b.Add(prog.Op{Call: prog.Sethostname, Args: prog.Args{prog.Str(name), prog.Int(len(name))}, Why: "as the configuration says", Hint: nameHint})
	}
	if name := c.spec.Domainname; name != "" {
		c.b.From("domainname")
		c.b.Add(prog.Op{Call: prog.Setdomainname, Args: prog.Args{prog.Str(name), prog.Int(len(name))}, Why: "as the configuration says", Hint: nameHint})
	}
}

const nameHint = "EPERM: it needs CAP_SYS_ADMIN in the user namespace that owns the uts namespace"
