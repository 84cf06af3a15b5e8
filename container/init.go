package container

import (
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/nsexec"
)

// emitInit forks where the container has an init: what follows is done by the user's
// process, with the same rights, in a session of its own. What is returned adds, behind
// its execve, how the first process becomes the init. What makes a terminal the
// controlling one comes behind it: that is the affair of the session's leader.
// [nsexec.EmitInit]
func (c *compiler) emitInit() (become func()) {
	if !c.spec.Init {
		return func() {}
	}
	pidns := c.spec.Namespaces.Contains(clone.NEWPID) && c.spec.Namespaces.PathOf(clone.NEWPID) == ""
	c.b.From("init")
	in := nsexec.EmitInit(c.b, len(c.files), c.kept(), !pidns)
	c.b.From("process")
	c.emitControllingTerminal() // the session is the child's
	return func() {
		c.b.From("init")
		in.EmitBecome(c.b)
	}
}
