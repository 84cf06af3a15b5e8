package nsexec

import (
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// Init is a process that becomes an init once the user's program runs: what
// [EmitInit] has left to do for it.
type Init struct {
	image   prog.FD
	self    prog.Slot // its number, where the user's process has to know it
	user    prog.Slot // the number of the user's process
	becomes prog.Label
}

// EmitInit forks: the operations that follow are those of a second process, up to the
// execution of the user's program. Meanwhile the first one stands still (CLONE_VFORK),
// and then becomes the init of [Reaper]; [Init.EmitBecome] says how, behind the last
// operation of the second. files is the number that was told to [Begin]; the last of them
// is a descriptor of the init's image ([OpenReaper]). Descriptors below first stay open
// in the user's program; the others must be close-on-exec by now ([EmitCloseOnExec]).
//
// The first process blocks all signals before, and forwards the ones that wait when
// it is the init: none is lost after [Start] has returned.
//
// For a moment the user's program already runs while the first process still is this
// image. So everything is closed for real before, but what it needs until then: the
// init's image, the report and the control socket.
//
// alone is for a process that is not the first of a pid namespace. The kernel sends no
// orphans to it then, and does not end its children with it, so both are asked for:
// PR_SET_CHILD_SUBREAPER(2const), Linux 3.4, and PR_SET_PDEATHSIG(2const), which a change
// of ids by the user's program takes back.
func EmitInit(b *prog.Builder, files, first int, alone bool) Init {
	image := files - 1
	for _, r := range [][2]uint32{{uint32(first), uint32(image) - 1}, {uint32(files) + 2, ^uint32(0)}} {
		if r[0] > r[1] {
			continue // the image is the first of them
		}
		b.Add(prog.Op{
			Call: prog.CloseRange, Args: prog.Args{prog.Int(r[0]), prog.Int(r[1]), prog.Int(0)},
			Why: "nothing of the host is held while the user's program runs",
		})
	}
	in := Init{image: prog.FD{Num: image, Name: initName}, user: b.Slot("user"), becomes: b.Label("becomes the init")}
	if alone {
		in.self = b.Slot("self")
		b.Add(prog.Op{
			Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_CHILD_SUBREAPER), prog.Int(1)},
			Why: "not the first of a pid namespace: orphans come here all the same",
		})
		b.Add(prog.Op{Call: prog.Getpid, Out: in.self, Why: "to be recognized as the parent"})
	}
	b.Add(prog.Op{
		Call: prog.RtSigprocmask,
		Args: prog.Args{prog.Int(unix.SIG_SETMASK), prog.Sigset(^uint64(0)), prog.Int(0), prog.Int(prog.SigsetSize)},
		Why:  "signals wait until the init can forward them",
	})
	report := prog.FD{Num: files, Name: "report"}
	b.Add(mapReport(report, initReport, "the first process goes on here; the other part is the second's"))
	b.Add(prog.Op{
		Call: prog.Clone3, Args: prog.Args{prog.CloneArgs(unix.CLONE_VFORK, 0), prog.Int(prog.CloneArgsSize)},
		Out: in.user, OnResult: in.becomes,
		Why:  "the process of the user's program; its parent waits here until it runs",
		Hint: "EAGAIN: an init takes one process more, and the limit is reached (RLIMIT_NPROC, or pids.max of the cgroup)",
	})
	b.Add(mapReport(report, 0, "the second process goes on where the caller looks for the execve"))
	b.Add(prog.Op{
		Call: prog.RtSigprocmask,
		Args: prog.Args{prog.Int(unix.SIG_SETMASK), prog.Sigset(0), prog.Int(0), prog.Int(prog.SigsetSize)},
		Why:  "only the init blocks signals",
	})
	// As the leader of a session the user's program has a process group of its own:
	// what a terminal sends to it does not come a second time from the init.
	b.Add(prog.Op{Call: prog.Setsid, Why: "a session of its own: the init is not in its process group"})
	if alone {
		in.emitDeathWithParent(b)
	}
	return in
}

// emitDeathWithParent ends the user's process when the init ends, also if that has ended
// already.
func (in Init) emitDeathWithParent(b *prog.Builder) {
	parent := b.Slot("parent")
	b.Add(prog.Op{
		Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_PDEATHSIG), prog.Int(unix.SIGKILL)},
		Why: "no pid namespace ends it when the init is killed",
	})
	b.Add(prog.Op{Call: prog.Getppid, Out: parent, Why: "who that is by now"})
	word := &prog.Block{Name: "parent", Fields: []prog.Field{{Kind: prog.Integer, Size: 8, Value: parent}}}
	op := prog.Same(word, in.self)
	op.Why, op.Hint = "it is the init", "the init has been killed"
	b.Add(op)
}

// EmitBecome adds what the first process does when the second has executed the user's
// program or has died. They are the last operations of a program.
//
// Which of the two has happened is asked of the kernel: the second process was born
// without a signal for its end, which makes it a "clone child", and execve gives it
// SIGCHLD at the point of no return (execve(2)). So __WCLONE finds it as long as it has
// executed nothing. Whether it still lives does not matter.
func (in Init) EmitBecome(b *prog.Builder) {
	pidfd, runs := b.Slot("pidfd"), b.Label("the user's program runs")
	b.Bind(in.becomes)
	b.Add(prog.Op{Call: prog.PidfdOpen, Args: prog.Args{in.user, prog.Int(0)}, Out: pidfd, Why: "the user's process, whatever becomes of its number"})
	b.Add(prog.Op{
		Call: prog.Dup3, Args: prog.Args{pidfd, prog.FD{Num: 0, Name: "user"}, prog.Int(0)},
		Why: "all that the init is told",
	})
	b.Add(prog.Op{
		Call: prog.CloseRange, Args: prog.Args{prog.Int(1), prog.Int(^uint32(0)), prog.Int(unix.CLOSE_RANGE_CLOEXEC)},
		Why: "and all that it holds: who reads the program's output must see its end",
	})
	wait := func(options int) prog.Args {
		return prog.Args{prog.Int(unix.P_PIDFD), prog.Int(0), prog.Int(0), prog.Int(options), prog.Int(0)}
	}
	b.Add(prog.Op{
		Call: prog.Waitid, Args: wait(unix.WEXITED | unix.WNOHANG | unix.WNOWAIT | unix.WCLONE), OnError: runs,
		Why: "ECHILD: execve has made an ordinary child of it",
	})
	b.Add(prog.Op{
		Call: prog.Waitid, Args: wait(unix.WEXITED | unix.WNOWAIT | unix.WALL),
		Why: "it has died before its execve",
	})
	become := prog.Op{
		Call: prog.Execveat,
		Args: prog.Args{in.image, prog.Str(""), prog.Strings([]string{initName}), prog.Strings(nil), prog.Int(unix.AT_EMPTY_PATH)},
		Hint: "EACCES or EPERM: a security module of the host refuses to execute the image",
	}
	become.Why = "the init ends as it has"
	b.Add(become)
	b.Bind(runs)
	become.Why = "from here on it is the init: reaps orphans, forwards signals, ends as the program ends"
	b.Add(become)
}

// initRuns is the operation by which the first process becomes the init of a program
// that runs; the one before it is for a program that never did. It is 0 where there is
// no init: no program begins with it.
func initRuns(p *prog.Program) int {
	for i := range p.Len() {
		if op := p.Op(i); op.Call == prog.Waitid && op.Args[3] == prog.Arg(prog.Int(unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WCLONE)) {
			return p.Target(op.OnError)
		}
	}
	return 0
}

// lookInit decides what has come of a start with an init, where the second process has
// met no error: it stands, or last stood, at one operation, and the first at another,
// perhaps with an error. The start has succeeded when the first has become the init of a
// program that runs.
func (p *Process) lookInit(second, first int, errno unix.Errno) error {
	runs := p.outline.initRuns()
	if first == runs && errno == 0 && !p.killedInExec() {
		return nil
	}
	at, died := first, errno == 0 && first == runs-1
	if died && endsProgram(p.outline.op(second)) {
		return nil // it has come to an exit of its own
	}
	if died || first < second { // or the second was at work, and the first stood still
		at = second
	}
	failed := p.outline.failed(at, errno)
	if errno != 0 {
		return failed
	}
	status, err := p.ended()
	if err != nil {
		return err
	}
	if died && status.ExitStatus() > 128 { // as the init says that a signal has ended it
		status = unix.WaitStatus(status.ExitStatus() - 128)
	}
	failed.Status = status
	return failed
}

// endsProgram reports whether the operation is an exit.
func endsProgram(op prog.Op) bool { return op.Call == prog.ExitGroup || op.Call == prog.Exit }
