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

// emitProbe looks for the program as [compiler.emitExec] will, with the same rights. It
// stops the container where there is none that could be executed. What else may be wrong
// with one only its execve tells.
func (c *compiler) emitProbe() {
	c.b.From(programOrigin)
	found := c.b.Label("the program is there")
	earlier, last := c.candidates()
	for _, path := range earlier {
		c.b.Bind(c.emitCandidate(path, found))
	}
	c.emitLastAccess(last)
	hint := "permission denied: a directory cannot be executed" // as execve says, and engines read
	if !hasSlash(c.spec.Process.Args[0]) {
		hint = c.notFound()
	}
	c.b.Add(prog.Op{
		Call: prog.Openat2, Args: prog.Args{here, prog.Str(last), c.b.OpenHow(unix.O_WRONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0, 0), prog.Int(prog.OpenHowSize)},
		Tolerate: unix.ENOTDIR, Why: "it is no directory; nothing is opened in any case", Hint: "EISDIR: " + hint,
	})
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
