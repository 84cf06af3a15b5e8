package nsexec

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// pidMax is PID_MAX_LIMIT of linux/threads.h.
const pidMax = 1 << 22

// pidSize is the size of the message that names a new process; that of a sync point
// has one byte.
const pidSize = 8

// EmitFork makes the rest of the program run in a new process, of which this one's
// parent is the parent, and ends this one. The new process is born in new namespaces
// of the given CLONE_NEW flags. It is needed where a namespace takes in only processes
// that are born in it: a pid namespace after setns, a time namespace after unshare;
// and where the new namespaces are to belong to a user namespace that the first
// process has made or joined. clone3(2)
//
// The first process tells the caller the number of the second, which it knows in the
// caller's pid namespace. The second waits until the caller has seen the first one
// end: both write to one report, and only one at a time may.
//
// The kernel writes that number into the report as well, before the second process
// runs. So whoever of the two is killed when, the caller can end and reap the other.
func EmitFork(b *prog.Builder, control prog.FD, namespaces uintptr) {
	fork, first := b.Label("fork"), b.Label("first process")
	pid := b.Slot("pid")
	b.Goto(fork, "the next two are for the first process, after the fork")
	b.Bind(first)
	b.Add(prog.Op{
		Call: prog.Sendto,
		Args: prog.Args{control, &prog.Block{Fields: []prog.Field{{Kind: prog.Integer, Size: pidSize, Value: pid}}}, prog.Int(pidSize), prog.Int(unix.MSG_NOSIGNAL), prog.Int(0), prog.Int(0)},
		Why:  "tell the caller who goes on",
	})
	b.Add(firstIsDone)
	b.Bind(fork)
	op := bornInside(namespaces)
	op.Out, op.OnResult = pid, first
	if namespaces != 0 {
		op.Why = "a process in the other namespaces, as another child of the caller"
		op.Hint = "ENOSPC: a limit of user.max_*_namespaces is reached; EPERM: a security module of the host refuses it (AppArmor: kernel.apparmor_restrict_unprivileged_userns); EAGAIN: RLIMIT_NPROC or pids.max is reached; " + op.Hint
	}
	b.Add(op)
	emitWait(b, control)
}

// EmitVfork is [EmitFork] for the end of a program, where the caller has no part any more. The
// first process stands still until the second one has executed the user's program, or has
// ended (CLONE_VFORK), and then ends, with which the control socket closes; until then both hold
// it. Neither waits for the caller, which would be 2.5 per cent of an "exec"; the second one only
// makes sure that it is there, or it ends.
//
// The second process has a part of the report for itself. It finds it in its memory, so that
// nothing is open in it but the control socket and the descriptors below kept, which are the
// user's program's.
func EmitVfork(b *prog.Builder, control prog.FD, kept int) {
	fork, first := b.Label("fork"), b.Label("first process")
	part := mapReport(prog.FD{Num: control.Num - 1, Name: "report"}, secondReport, "a part of the report for the second process")
	part.Args[0] = prog.Int(imageSecond)
	b.Add(part)
	b.Add(prog.Op{
		Call: prog.CloseRange, Args: prog.Args{prog.Int(kept), prog.Int(control.Num - 1), prog.Int(0)},
		Why: "nothing of the host is held where the container sees it",
	})
	b.Goto(fork, "the next one is for the first process, after the fork")
	b.Bind(first)
	b.Add(firstIsDone)
	b.Bind(fork)
	op := bornInside(unix.CLONE_VFORK)
	op.OnResult = first
	b.Add(op)
	b.Add(prog.Op{
		Call: prog.Mremap,
		Args: prog.Args{prog.Int(imageSecond), prog.Int(reportMapping), prog.Int(reportMapping), prog.Int(unix.MREMAP_MAYMOVE | unix.MREMAP_FIXED), prog.Int(imageReport)},
		Why:  "the second process goes on here; the other part is the first's",
	})
	EmitCallerLives(b, control)
}

// firstIsDone is the end of the first process, behind a fork.
var firstIsDone = prog.Op{Call: prog.ExitGroup, Args: prog.Args{prog.Int(0)}, Why: "the first process is done"}

// bornInside is the birth of the second process.
func bornInside(flags uintptr) prog.Op {
	return prog.Op{
		Call: prog.Clone3,
		Args: prog.Args{
			prog.CloneArgsTID(unix.CLONE_PARENT|unix.CLONE_PARENT_SETTID|uint64(flags), 0, imageReport+reportForked),
			prog.Int(prog.CloneArgsSize),
		},
		Why:  "a process that is born in the pid namespace, as another child of the caller",
		Hint: "ENOMEM: the first process of that pid namespace has ended, and nothing can be born in it any more",
	}
}

// forkAt is the operation of [EmitFork] or [EmitVfork] that forks, and 0 in a program without one.
func forkAt(p *prog.Program) int {
	at, _ := fork(p)
	return at
}

// vforks reports whether the program has an [EmitVfork].
func vforks(p *prog.Program) bool {
	_, flags := fork(p)
	return flags&unix.CLONE_VFORK != 0
}

// fork is the operation that forks, and clone3's flags in it.
func fork(p *prog.Program) (at int, flags prog.Int) {
	for i := range p.Len() {
		if op := p.Op(i); op.Call == prog.Clone3 {
			if args, ok := op.Args[0].(*prog.Block); ok && len(args.Fields) > 0 {
				if flags, ok := args.Fields[0].Value.(prog.Int); ok && flags&unix.CLONE_PARENT_SETTID != 0 {
					return i, flags
				}
			}
		}
	}
	return 0, 0
}

// second is the operation at which a process stands that the program has forked. It writes to the
// report when it is born, to wait until the first one has ended, and that one writes when it
// ends: what is found there of a second one that was killed meanwhile is the end of the first.
func (p *Process) second(at int) int {
	if !p.forked {
		return at
	}
	fork := forkAt(p.image.program)
	if first := p.image.program.Target(p.image.program.Op(fork).OnResult); at == first || at == first+1 {
		return fork + 1
	}
	return at
}

// vforked reports whether the process is the second one of a program with [EmitVfork].
func (p *Process) vforked() bool { return p.forked && vforks(p.image.program) }

// awaitMessage waits for a message, where the process may end and another one hold the
// control socket open: a first process that was killed behind its fork has told nobody
// who goes on. It reports whether there is something to read, be it the end of file.
func (p *Process) awaitMessage() (bool, error) {
	for {
		list := [...]unix.PollFd{{Fd: int32(p.control), Events: unix.POLLIN}, {Fd: int32(p.pidfd), Events: unix.POLLIN}}
		_, err := unix.Poll(list[:], -1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("control socket: poll: %w", err)
		}
		if list[0].Revents == 0 && list[1].Revents != 0 {
			// What it sent before it ended is there by now.
			_, err = unix.Poll(list[:1], 0)
		}
		return list[0].Revents != 0, err
	}
}

// forkedPid is the number of the process that the program has forked, as it stands in the report,
// and 0 where there is none.
func (p *Process) forkedPid() int {
	var b [4]byte
	if n, err := unix.Pread(p.report, b[:], reportForked); err != nil || n != len(b) {
		return 0
	}
	return int(binary.LittleEndian.Uint32(b[:]))
}

// killForked ends and reaps the process that the program has forked, if that is another
// one than p and still there. The number stands where the process may have overwritten it:
// only a child of ours is ended by it.
func (p *Process) killForked() {
	if forkAt(p.image.program) == 0 {
		return
	}
	pid := p.forkedPid()
	if pid <= 0 || pid > pidMax || pid == p.pid {
		return
	}
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	forked := &Process{pid: pid, pidfd: pidfd}
	if forked.isChild() == nil {
		forked.kill()
	}
	unix.Close(pidfd)
}

// isChild asks whether the process is a child of this one that nobody has waited for.
func (p *Process) isChild() error {
	if err := unix.Waitid(unix.P_PIDFD, p.pidfd, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WALL, nil); err != nil {
		return fmt.Errorf("the program names process %d, which is no child of this one: %w", p.pid, err)
	}
	return nil
}

// follow makes p the process that a fork of the program has made, once the first has
// ended. It is a child of ours, by CLONE_PARENT, so its number cannot have been given
// to another one. How the first of a vfork has ended is all the same: the second one does not
// need it.
func (p *Process) follow(pid int) error {
	if pid <= 0 || pid > pidMax {
		return fmt.Errorf("the program names process %d, which cannot be", pid)
	}
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("pidfd_open %d: %w", pid, err)
	}
	err = (&Process{pid: pid, pidfd: pidfd}).isChild()
	if err == nil {
		var status unix.WaitStatus
		if status, err = p.waitid(0); err == nil && status != 0 && !vforks(p.image.program) {
			err = fmt.Errorf("the first process ended with status %#x at its fork", int(status))
		}
	}
	if err != nil {
		unix.Close(pidfd)
		return err
	}
	unix.Close(p.pidfd)
	p.pid, p.pidfd, p.forked = pid, pidfd, true
	return nil
}
