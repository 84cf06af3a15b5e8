package nsexec

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// Begin adds the operations with which every program begins, and returns the
// descriptor of the control socket, for [EmitSync]. The program gets the
// descriptors 0 to files-1 from its caller ([Config.Files]); the report and the
// control socket come behind them.
//
// The report is mapped first, because until then nothing that the program does can
// be seen. A process that executes the image a second time, by /proc/self/exe, has
// no report: it exits with 125 before it has done anything.
func Begin(b *prog.Builder, files int) (control prog.FD) {
	connected, alone := b.Label("connected"), b.Label("alone")
	first := mapReport(prog.FD{Num: files, Name: "report"}, 0, "from here on the caller sees every step")
	first.OnResult, first.OnError = connected, alone
	b.Add(first)
	b.Bind(alone)
	b.Add(prog.Op{
		Call: prog.ExitGroup, Args: prog.Args{prog.Int(exitStopped)},
		Why: "no report: somebody has executed the image again",
	})
	b.Bind(connected)
	b.Add(prog.Op{
		Call: prog.RtSigprocmask,
		Args: prog.Args{prog.Int(unix.SIG_SETMASK), prog.Sigset(0), prog.Int(0), prog.Int(prog.SigsetSize)},
		Why:  "signals were blocked around clone3",
	})
	b.Add(prog.Op{
		Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_NAME), prog.Str(processName)},
		Why: "what ps shows; an executed descriptor is named after its number",
	})
	return prog.FD{Num: files + 1, Name: "control"}
}

// mapReport is the operation that maps the report, or another part of its file, to where
// the interpreter writes.
func mapReport(report prog.FD, offset uint64, why string) prog.Op {
	return prog.Op{
		Call: prog.Mmap,
		Args: prog.Args{prog.Int(imageReport), prog.Int(reportMapping), prog.Int(unix.PROT_READ | unix.PROT_WRITE),
			prog.Int(unix.MAP_SHARED | unix.MAP_FIXED), report, prog.Int(offset)},
		Why: why,
	}
}

// EmitCloseOnExec marks every descriptor from first up to be closed by execve: what
// the caller handed down under those numbers, the report and the control socket.
// Every program has it, since its caller waits for the control socket to close.
// close_range(2), Linux 5.11
func EmitCloseOnExec(b *prog.Builder, first int) {
	b.Add(prog.Op{
		Call: prog.CloseRange, Args: prog.Args{prog.Int(first), prog.Int(^uint32(0)), prog.Int(unix.CLOSE_RANGE_CLOEXEC)},
		Why: "nothing of the host stays open, whatever is executed",
	})
}

// processName is the name of a process until it executes the user's program.
const processName = "(selfcontain)"

// checkBegin holds a program against the rules of Begin and EmitCloseOnExec.
func checkBegin(p *prog.Program) error {
	if p.Len() < 5 || p.Op(0).Call != prog.Mmap || p.Op(0).Args[0] != prog.Arg(prog.Int(imageReport)) {
		return errors.New("the program does not begin with the operations of nsexec.Begin, which connect it to its report")
	}
	execs, closes := false, false
	for i := range p.Len() {
		op := p.Op(i)
		execs = execs || op.Call == prog.Execve || op.Call == prog.Execveat
		closes = closes || op.Call == prog.CloseRange && op.Args[2] == prog.Arg(prog.Int(unix.CLOSE_RANGE_CLOEXEC))
	}
	if execs && !closes {
		return errors.New("the program executes another without nsexec.EmitCloseOnExec: its control socket would stay open, and the caller wait for ever")
	}
	if vforks(p) && initRuns(p) != 0 {
		return errors.New("the program has nsexec.EmitVfork and nsexec.EmitInit, which write to one part of the report")
	}
	return nil
}

// files is the number of descriptors that the program expects from its caller.
func files(p *prog.Program) int {
	fd, ok := p.Op(0).Args[4].(prog.FD)
	if !ok {
		return 0
	}
	return fd.Num
}

// EmitSync adds a point at which the program tells its caller that it has come so
// far, and waits until the caller has done its part ([Config.Sync]). If the caller
// is gone the program ends there: a container is never left half made.
func EmitSync(b *prog.Builder, control prog.Arg, why string) {
	b.Add(prog.Op{
		Call: prog.Sendto,
		Args: prog.Args{control, prog.Bytes("."), prog.Int(1), prog.Int(unix.MSG_NOSIGNAL), prog.Int(0), prog.Int(0)},
		Why:  why,
	})
	emitWait(b, control)
}

// SyncPoints are the operations of a program at which it waits for its caller's part,
// in order: those of [EmitSync].
func SyncPoints(p *prog.Program) (list []int) {
	for i := range p.Len() {
		if op := p.Op(i); op.Call == prog.Sendto && op.Args[2] == prog.Arg(prog.Int(1)) {
			list = append(list, i)
		}
	}
	return list
}

// emitWait waits until the caller answers, or is gone.
func emitWait(b *prog.Builder, control prog.Arg) {
	goOn := b.Label("go on")
	b.Add(prog.Op{
		Call: prog.Read, Args: prog.Args{control, prog.Buffer("word", 8), prog.Int(1)}, OnResult: goOn,
		Why: "wait for the caller",
	})
	b.Add(prog.Op{
		Call: prog.ExitGroup, Args: prog.Args{prog.Int(exitStopped)},
		Why: "end of file: the caller is gone",
	})
	b.Bind(goOn)
}

// EmitCallerLives ends the program if its caller is gone. It belongs in front of what is not
// to be done then, and behind the operation that asks for a signal at the caller's death: one
// that has died before is not announced any more.
func EmitCallerLives(b *prog.Builder, control prog.FD) {
	lives := b.Label("the caller lives")
	b.Add(prog.Op{
		Call:    prog.Recvfrom,
		Args:    prog.Args{control, prog.Buffer("word", 8), prog.Int(1), prog.Int(unix.MSG_DONTWAIT), prog.Int(0), prog.Int(0)},
		OnError: lives,
		Why:     "EAGAIN while the caller lives: there is nothing to read",
	})
	b.Add(prog.Op{
		Call: prog.ExitGroup, Args: prog.Args{prog.Int(exitStopped)},
		Why: "end of file: the caller is gone",
	})
	b.Bind(lives)
}
