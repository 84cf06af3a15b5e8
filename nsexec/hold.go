package nsexec

import (
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// EmitHold is how a program ends that executes no other one. Its process stays what it is,
// the image, and keeps its namespaces for others to enter; as the first process of a pid
// namespace it is the init there. [Start] returns when it stands there, and it ends when
// [Process.Close] is called or the process that has called Start is gone, however that
// ended: it reads the end of the control socket's file, of which nobody else has the other
// end. With an init its pid namespace ends too, and everything in it.
//
// Who ignores SIGCHLD has no zombies: the kernel reaps its children when they end, those
// that it was left by others included. sigaction(2), wait(2)
//
// All descriptors from first on are closed for real, but for the control socket. Those
// below, the standard streams, are the caller's choice and stay.
func EmitHold(b *prog.Builder, control prog.FD, first int) {
	for _, r := range [][2]uint32{{uint32(first), uint32(control.Num) - 1}, {uint32(control.Num) + 1, ^uint32(0)}} {
		b.Add(prog.Op{
			Call: prog.CloseRange, Args: prog.Args{prog.Int(r[0]), prog.Int(r[1]), prog.Int(0)},
			Why: "nothing of the host is held",
		})
	}
	b.Add(prog.Op{
		Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_DUMPABLE), prog.Int(1)},
		Why: "an ordinary user enters the namespaces of a process that he may look into",
	})
	b.Add(prog.Op{
		Call: prog.RtSigaction,
		Args: prog.Args{prog.Int(unix.SIGCHLD), prog.Sigaction(1, 0, 0), prog.Int(0), prog.Int(prog.SigsetSize)},
		Why:  "the kernel reaps what ends below it, orphans too",
	})
	b.Add(prog.Op{
		Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_NAME), prog.Str(initName)},
		Why: "what ps shows",
	})
	EmitSync(b, control, "the container is made; the caller keeps its state")
	b.Add(prog.Op{
		Call: prog.Recvfrom,
		Args: prog.Args{control, prog.Buffer("word", 8), prog.Int(1), prog.Int(0), prog.Int(0), prog.Int(0)},
		Why:  "hold the namespaces until the caller is gone",
	})
	b.Add(prog.Op{Call: prog.ExitGroup, Args: prog.Args{prog.Int(0)}, Why: "end of file: the caller is gone, or wants it"})
}

// hold is the operation at which a program of [EmitHold] stays, and 0 for another one. No
// other waits for the caller in recvfrom.
func hold(p *prog.Program) int {
	at := p.Len() - 2
	if at > 0 {
		if op := p.Op(at); op.Call == prog.Recvfrom && op.Args[3] == prog.Arg(prog.Int(0)) && op.OnError.IsZero() {
			return at
		}
	}
	return 0
}

// stands is where a program stays for others to come: at its gate, or for good.
func stands(p *prog.Program) int {
	if at := gate(p); at != 0 {
		return at
	}
	return hold(p)
}
