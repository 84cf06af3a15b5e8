package container

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// CompileGated is [Compile] for a container that is created and waits to be started: the
// same program, and a gate in front of what executes the user's. [Create] does what the
// plan says.
func CompileGated(spec Spec, host Host) (*Plan, error) { return compile(spec, host, waits) }

// gateName is the socket's name in the directory of the container.
const gateName = "gate"

// beforeGate lists the socket that who starts the container connects to.
func (c *compiler) beforeGate(step func(Step) prog.FD) {
	if !c.gated {
		return
	}
	c.gate = step(Step{
		Action: ListenGate, Path: gateName, As: c.hand("gate"),
		Why: "who may connect to it starts the container", Origin: "create",
	})
}

// emitGate makes the container wait. That comes as late as can be: what waits has the
// user's rights and nothing else, and what is left is the execve alone. That the program
// is there is looked at before, so that create says if it is not.
func (c *compiler) emitGate(control prog.FD) {
	if !c.gated {
		return
	}
	c.emitProbe()
	c.b.From("create")
	nsexec.EmitGate(c.b, control, c.kept(), c.gate)
	c.plan.During = append(c.plan.During, []Step{{
		Action: KeepState, Path: stateName, Why: "what start, state and delete have to know of the process", Origin: "create",
	}})
	c.b.From("process")
}

// emitProbe looks for the program as execve will: in the same directories, with the same
// rights. It stops the container where there is none that could be executed. What else
// may be wrong with one only its execve tells. faccessat2(2), Linux 5.8
func (c *compiler) emitProbe() {
	p := &c.spec.Process
	c.b.From("process.args[0]")
	candidates := lookup(p.Args[0], p.Env)
	found := c.b.Label("the program is there")
	for i, name := range candidates {
		op := prog.Op{
			Call: prog.Faccessat2,
			Args: prog.Args{prog.Int(1<<64 + unix.AT_FDCWD), prog.Str(name), prog.Int(unix.X_OK), prog.Int(unix.AT_EACCESS)},
			Why:  "that there is a program can be said before it is started",
		}
		if i == len(candidates)-1 {
			if i > 0 {
				op.Hint = fmt.Sprintf("%q: executable file not found in $PATH", p.Args[0])
			}
			c.b.Add(op)
			break
		}
		op.OnError = c.b.Label("next directory of PATH")
		c.b.Add(op)
		c.b.Goto(found, "it is there")
		c.b.Bind(op.OnError)
	}
	c.b.Bind(found)
}

// listenGate makes the socket of a directory. A name in sun_path has at most 108 bytes,
// which the directory of a container may well exceed, so it is reached by its descriptor.
func listenGate(dir int) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err = unix.Bind(fd, gateAddress(dir)); err == nil {
		err = unix.Listen(fd, 1)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func gateAddress(dir int) *unix.SockaddrUnix {
	return &unix.SockaddrUnix{Name: fmt.Sprintf("/proc/self/fd/%d/%s", dir, gateName)}
}

// openGate connects to the socket of a directory: the program goes on.
func openGate(dir int) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	for {
		err = unix.Connect(fd, gateAddress(dir))
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("connect to its gate: %w", err)
	}
	return fd, nil
}
