package nsexec

import (
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// EmitGuard makes a second process, a guard, which does nothing but wait for the end of the
// caller: when that has died, by whatever signal, the guard kills its whole process group
// with SIGKILL, itself included. So it belongs behind a setsid(2), which makes the group
// one of this program's own. The program itself goes on as the process that it was.
//
// alive is the reading end of a pipe, among the files that were told to [Begin]. Nobody
// but the caller has its other end, so that it closes with the caller and not before.
//
// A parent-death signal (PR_SET_PDEATHSIG(2const)) would end one process and nothing that
// it has started, when the thread dies that made it, and is forgotten by the kernel where
// a program with a set-user-ID bit is executed. A process group, by contrast, can be named
// from inside without a number: the number of one whose leader is gone may be another's.
//
// The guard is a child of the caller's, and not of the program, which may wait for all of
// its own. The caller ends it by [Process.EndGuard] once the group may live on.
func EmitGuard(b *prog.Builder, files int, alive prog.FD) {
	guarded := b.Label("guarded")
	report := prog.FD{Num: files, Name: "report"}
	forked := mapReport(report, 0, "where the kernel writes who the guard is")
	forked.Args[0], forked.Args[1] = prog.Int(imageForked), prog.Int(forkedMapping)
	b.Add(forked)
	// Both processes write where the report is mapped, at the same time.
	b.Add(prog.Op{
		Call: prog.Mmap,
		Args: prog.Args{prog.Int(imageReport), prog.Int(reportMapping), prog.Int(unix.PROT_READ | unix.PROT_WRITE),
			prog.Int(unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_FIXED), prog.Int(^uint64(0)), prog.Int(0)},
		Why:  "a guard has no report",
		Hint: "no process could be made for the guard: RLIMIT_NPROC or pids.max is reached",
	})
	b.Add(prog.Op{
		Call: prog.Clone3, OnResult: guarded,
		Args: prog.Args{prog.CloneArgsTID(unix.CLONE_PARENT|unix.CLONE_PARENT_SETTID, 0, imageForked+reportForked), prog.Int(prog.CloneArgsSize)},
		Why:  "a guard, which ends all of this process group if the caller dies",
	})
	b.Add(prog.Op{
		Call: prog.RtSigprocmask,
		Args: prog.Args{prog.Int(unix.SIG_SETMASK), prog.Sigset(^uint64(0)), prog.Int(0), prog.Int(prog.SigsetSize)},
		Why:  "what is sent to the group is not for its guard",
	})
	b.Add(prog.Op{Call: prog.Dup3, Args: prog.Args{alive, prog.FD{Num: 0, Name: "alive"}, prog.Int(0)}, Why: "all that the guard needs"})
	b.Add(prog.Op{
		Call: prog.CloseRange, Args: prog.Args{prog.Int(1), prog.Int(^uint32(0)), prog.Int(0)},
		Why: "and all that it holds",
	})
	b.Add(prog.Op{
		Call: prog.Read, Args: prog.Args{prog.FD{Num: 0, Name: "alive"}, prog.Buffer("nothing", 8), prog.Int(1)},
		Why: "nobody writes: wait for the end of the caller",
	})
	b.Add(prog.Op{Call: prog.Kill, Args: prog.Args{prog.Int(0), prog.Int(unix.SIGKILL)}, Why: "the whole process group"})
	b.Add(prog.Op{Call: prog.ExitGroup, Args: prog.Args{prog.Int(exitStopped)}, Why: "it does not come to this"})
	b.Bind(guarded)
	b.Add(mapReport(report, 0, "here the program goes on, where the caller sees it"))
}

// EndGuard ends the guard of [EmitGuard], and nobody else. It does nothing where there is
// none.
func (p *Process) EndGuard() { p.killForked() }
