package container

import (
	"path/filepath"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// ending is how the program of a container's first process ends.
type ending uint8

const (
	executes ending = iota // it executes the user's
	waits                  // it does so when somebody has started the container
	holds                  // it executes none
)

// Held is a container without a program: a root, namespaces and a cgroup, for others to be
// executed in ([Container.Start]). Its first process reaps orphans and does nothing else. It
// ends when the process is gone that has made it, however that ended, and everything in the
// container with it: at once where it has a pid namespace.
//
// For others it is a container that runs.
type Held struct {
	*Container
	process *nsexec.Process
}

// CompileHeld is [Compile] for a container without a program: the arguments of its process are
// not used. [Hold] does what the plan says.
func CompileHeld(spec Spec, host Host) (*Plan, error) { return compile(spec, host, holds) }

// Hold makes a container without a program. Other than its arguments what stands in the
// Process of spec holds for the first process of the container: it has these rights.
// When Hold fails nothing is left.
func Hold(root, id string, spec Spec, o CreateOptions) (*Held, error) {
	const op = "create"
	if err := CheckID(id); err != nil {
		return nil, err
	}
	spec.Process.run = nil
	if err := spec.Process.checkStreams(id, op); err != nil {
		return nil, err
	}
	plan, d, err := o.begin(op, root, id, spec, CompileHeld)
	if err != nil {
		return nil, err
	}
	defer d.close()
	m := &maker{CreateOptions: o, d: d, plan: plan, spec: &spec}
	if err := m.whole(m.make); err != nil {
		return nil, &Error{ID: id, Op: op, Err: err}
	}
	return &Held{m.container(filepath.Dir(d.path)), spec.Process.run.process}, nil
}

// Release lets the container end, and gives up the descriptors by which it is held. It may be called
// again. [Container.Destroy] ends it as well and waits for that, but what is held here is Release's
// to give up.
func (h *Held) Release() error { return h.process.Close() }

// emitHold makes the process stay what it is.
func (c *compiler) emitHold(control prog.FD) {
	c.b.From("hold")
	nsexec.EmitHold(c.b, control, c.kept())
	c.plan.During = append(c.plan.During, []Step{{
		Action: KeepState, Path: stateName, Why: "who its first process is, for others to find it", Origin: "hold",
	}})
	c.b.From("process")
}

// checkHold refuses what a container without a program cannot have.
func (c *compiler) checkHold(wrong complaint) {
	if !c.held {
		return
	}
	if c.spec.Init {
		wrong("init", "a container without a program has an init: its first process")
	}
	if c.spec.Process.Terminal {
		wrong("process.terminal", "there is no program that could have a terminal")
	}
	if h := &c.spec.Hooks; len(h.StartContainer)+len(h.Poststart) > 0 {
		wrong("hooks", "there is no program, before or behind whose execution something could be called")
	}
}
