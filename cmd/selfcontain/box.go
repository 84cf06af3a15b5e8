package main

import (
	"errors"
	"flag"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

const boxText = `CMD, or sh, runs in a container that needs no preparation. Its root file system
is the machine's own, and what it changes there is kept in memory and gone in the
end: nothing of the machine is touched. With --keep DIR the changes stay, with
--rootfs DIR another root file system is used.

/proc, /sys, /dev, /run and /tmp are the box's own. The other file systems of the
machine are there to be read. For an ordinary user what belongs to somebody else is
there to be read as well: the box has a root of its own, who is that user.

It has its own processes, mounts, host name, IPC, cgroups and network, in which
there is nothing but lo; docker's fourteen capabilities, and no way to more; of the
environment PATH, HOME, TERM and LANG. The exit status is the program's, 128+n if
signal n ended it, 127 if there is no such program, 126 if it cannot be executed,
and 125 if the box cannot be made.

  selfcontain box                             a shell; what you do there is undone
  selfcontain box -v . -- make                only the current directory is for real
  selfcontain box --net host -- apt-get upgrade
  selfcontain box --rootfs ./debian -t -- top
`

// Exit statuses that docker and podman have for it.
const (
	boxFailed        = 125
	boxNotExecutable = 126
	boxNotFound      = 127
)

func prepareBox(g *global, f *flag.FlagSet) action {
	var flags boxFlags
	flags.declare(f)
	return func(args []string) (int, error) {
		signals := catchSignals()
		plan, err := flags.compile(args)
		if err != nil {
			return boxFailed, fmt.Errorf("box: %w", err)
		}
		warn(plan.Warnings)
		process, err := start(plan, signals)
		if err != nil {
			if g.debug {
				return boxStatus(err), detailed(err)
			}
			return boxStatus(err), err
		}
		status, err := process.Wait()
		if err != nil {
			return boxFailed, err
		}
		return exitStatus(status), nil
	}
}

// compile plans a box on this machine.
func (b *boxFlags) compile(args []string) (*container.Plan, error) {
	host, err := container.Probe()
	if err != nil {
		return nil, err
	}
	m, err := look(b, host.UID != 0)
	if err != nil {
		return nil, err
	}
	spec, warnings, err := b.spec(args, host, m)
	if err != nil {
		return nil, err
	}
	plan, err := container.Compile(spec, host)
	if err != nil {
		return nil, err
	}
	plan.Warnings = append(warnings, plan.Warnings...)
	return plan, nil
}

// boxStatus tells a program that is not there and one that cannot be executed from a
// box that cannot be made.
func boxStatus(err error) int {
	var op *nsexec.OpError
	if !errors.As(err, &op) || op.Op.Call != prog.Execve {
		return boxFailed
	}
	switch op.Errno {
	case unix.ENOENT, unix.ENOTDIR:
		return boxNotFound
	case 0:
		return boxFailed
	}
	return boxNotExecutable
}
