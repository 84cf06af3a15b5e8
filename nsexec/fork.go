package nsexec

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// pidSize is the size of the message that names a new process; that of a sync point
// has one byte.
const pidSize = 8

// EmitFork makes the rest of the program run in a new process, of which this one's
// parent is the parent, and ends this one. It is needed where a namespace takes in
// only processes that are born in it: a pid namespace after setns.
//
// The first process tells the caller the number of the second, which it knows in the
// caller's pid namespace. The second waits until the caller has seen the first one
// end: both write to one report, and only one at a time may.
func EmitFork(b *prog.Builder, control prog.FD) {
	fork, first := b.Label("fork"), b.Label("first process")
	pid := b.Slot("pid")
	b.Goto(fork, "the next two are for the first process, after the fork")
	b.Bind(first)
	b.Add(prog.Op{
		Call: prog.Sendto,
		Args: prog.Args{control, &prog.Block{Fields: []prog.Field{{Kind: prog.Integer, Size: pidSize, Value: pid}}}, prog.Int(pidSize), prog.Int(unix.MSG_NOSIGNAL), prog.Int(0), prog.Int(0)},
		Why:  "tell the caller who goes on",
	})
	b.Add(prog.Op{Call: prog.ExitGroup, Args: prog.Args{prog.Int(0)}, Why: "the first process is done"})
	b.Bind(fork)
	b.Add(prog.Op{
		Call: prog.Clone3, Args: prog.Args{prog.CloneArgs(unix.CLONE_PARENT, 0), prog.Int(prog.CloneArgsSize)},
		Out: pid, OnResult: first,
		Why:  "a process that is born in the pid namespace, as another child of the caller",
		Hint: "ENOMEM: the first process of that pid namespace has ended, and nothing can be born in it any more",
	})
	emitWait(b, control)
}

// follow makes p the process that a fork of the program has made, once the first has
// ended. It is a child of ours, by CLONE_PARENT, so its number cannot have been given
// to another one.
func (p *Process) follow(message []byte) error {
	pid := binary.LittleEndian.Uint64(message)
	if pid == 0 || pid > 1<<22 { // PID_MAX_LIMIT
		return fmt.Errorf("the program names process %d, which cannot be", pid)
	}
	pidfd, err := unix.PidfdOpen(int(pid), 0)
	if err != nil {
		return fmt.Errorf("pidfd_open %d: %w", pid, err)
	}
	if status, err := p.waitid(); err != nil || status != 0 {
		unix.Close(pidfd)
		return errors.Join(err, fmt.Errorf("the first process ended with status %#x at its fork", status))
	}
	unix.Close(p.pidfd)
	p.pid, p.pidfd = int(pid), pidfd
	if err := unix.Waitid(unix.P_PIDFD, pidfd, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WALL, nil); err != nil {
		return fmt.Errorf("the program names process %d, which is no child of this one: %w", pid, err)
	}
	return nil
}
