package nsexec

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// EmitGate adds the point at which a program waits until somebody opens it, which need
// not be who has started the program, and may come after that one has ended. [Start]
// returns when the program stands there. listener is a unix socket that listens, among
// the files that were told to [Begin]: whoever may connect to it opens the gate.
//
// It is a sync point first, where the caller puts down what another process has to know
// of this one ([Rest]); a caller that is killed before it has done so leaves nothing.
// Then the program waits for a connection, which takes the place of the control
// socket: it closes when the user's program is executed, or when this one has ended.
//
// first is the first descriptor that the user's program does not have. What lies
// between it and the listener is closed for real, and what lies behind the control
// socket: what waits holds no descriptor of the host's but these.
func EmitGate(b *prog.Builder, control prog.FD, first int, listener prog.FD) {
	for _, r := range [][2]uint32{{uint32(first), uint32(listener.Num) - 1}, {uint32(control.Num) + 1, ^uint32(0)}} {
		if r[0] > r[1] {
			continue // the listener is the first of them
		}
		b.Add(prog.Op{
			Call: prog.CloseRange, Args: prog.Args{prog.Int(r[0]), prog.Int(r[1]), prog.Int(0)},
			Why: "nothing of the host is held while the program waits",
		})
	}
	EmitSync(b, control, "the container is made; the caller keeps its state")
	opened := b.Slot("connection")
	b.Add(prog.Op{
		Call: prog.Accept4, Args: prog.Args{listener, prog.Int(0), prog.Int(0), prog.Int(unix.SOCK_CLOEXEC)}, Out: opened,
		Why: "the gate: wait for start",
	})
	b.Add(prog.Op{
		Call: prog.Dup3, Args: prog.Args{opened, control, prog.Int(unix.O_CLOEXEC)},
		Why: "who has opened it sees its end, and the control socket is closed",
	})
}

// gate is the operation at which a program waits to be opened, and 0 without one.
func gate(p *prog.Program) int {
	for i := range p.Len() {
		if p.Op(i).Call == prog.Accept4 {
			return i
		}
	}
	return 0
}

// Rest is what another process has to know of a program that waits at its gate, to tell
// what becomes of it behind. It can be stored as JSON.
type Rest struct {
	// Gate is the operation at which it waits, the first of Ops.
	Gate int `json:"gate"`
	// Init is the operation by which the first process becomes the init of a program
	// that runs, and 0 where there is no init.
	Init int `json:"init,omitempty"`
	// Ops are the operations from the gate to the end.
	Ops []RestOp `json:"ops"`
}

// RestOp is what an error says of an operation.
type RestOp struct {
	// Call is the name of the system call.
	Call string `json:"call"`
	// Brief is the call with the words that tell it from others. [prog.Op.Brief]
	Brief string `json:"brief"`
	// Origin is the line of the configuration that asks for it, Why what it is for, and
	// Hint what its errors most likely mean; each is empty where there is nothing to say.
	Origin string `json:"origin,omitempty"`
	Why    string `json:"why,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

// RestOf is what is left of a program behind its gate. Ops is empty where it has none.
func RestOf(p *prog.Program) Rest {
	at := gate(p)
	if at == 0 {
		return Rest{}
	}
	r := Rest{Gate: at, Init: initRuns(p)}
	for i := at; i < p.Len(); i++ {
		op := p.Op(i)
		r.Ops = append(r.Ops, RestOp{Call: op.Call.Name(), Brief: op.Brief(), Origin: op.Origin, Why: op.Why, Hint: op.Hint})
	}
	return r
}

// Waits reports whether the program that writes to this report waits at the gate, or is
// still on its way there. What stands in a report is not to be trusted: the error says
// that it cannot have been written by the program.
func (r Rest) Waits(report int) (bool, error) {
	at, _, err := (&Process{report: report, outline: r.outline()}).readReport(0)
	return err == nil && at <= r.Gate, err
}

// Await waits until the program has executed the user's, or has ended, and says what has
// become of it, as [Start] does for one without a gate. connection is the one that has
// opened the gate. report is the file that was given to Start, and pid and pidfd are the
// process; all of them stay the caller's.
//
// sync are the caller's parts at the points of [EmitSync] behind the gate, in order: the
// connection is the program's control socket now. An error is returned, and it is the
// caller who ends the process then.
//
// For a process that is no child of the caller's, how it has ended is not known, and the
// error says only that it has.
func (r Rest) Await(connection, report, pid, pidfd int, sync ...func() error) error {
	p := &Process{pid: pid, pidfd: pidfd, report: report, control: connection, outline: r.outline(), guest: true}
	var word [1]byte
	for {
		n, err := unix.Read(connection, word[:])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil && !errors.Is(err, unix.ECONNRESET): // reset: it has ended before it took the connection
			return fmt.Errorf("connection: %w", err)
		case n > 0 && len(sync) == 0:
			return errors.New("the program waits at a sync point for which the caller has no part")
		case n > 0:
			if err := sync[0](); err != nil {
				return err
			}
			sync = sync[1:]
			if err := p.answer(); err != nil {
				return err
			}
		default:
			return p.look()
		}
	}
}

// outline is that of the program. One that no program can have, as what was stored may
// say, has no operation, so that what stands in a report is none of its either.
func (r Rest) outline() outline {
	const most = 1 << 24 // operations, more than a record has room for
	if r.Gate <= 0 || r.Gate > most || r.Init < 0 || r.Init >= r.Gate+len(r.Ops) {
		r = Rest{}
	}
	return outline{
		len: r.Gate + len(r.Ops),
		op: func(i int) prog.Op {
			if i < r.Gate || i >= r.Gate+len(r.Ops) {
				return prog.Op{}
			}
			o := r.Ops[i-r.Gate]
			op := prog.Op{Origin: o.Origin, Why: o.Why, Hint: o.Hint}
			for _, c := range prog.Calls() {
				if c.Name() == o.Call {
					op.Call = c
				}
			}
			return op
		},
		brief: func(i int) string {
			if i < r.Gate || i >= r.Gate+len(r.Ops) {
				return "before its gate"
			}
			return r.Ops[i-r.Gate].Brief
		},
		initRuns: func() int { return r.Init },
	}
}

// outline is what has to be known of a program to say what has become of it.
type outline struct {
	len      int
	traced   bool
	op       func(int) prog.Op
	brief    func(int) string // nil: op says it
	initRuns func() int
}

// outline is that of the image's program.
func (im *Image) outline() outline {
	return outline{
		len: im.program.Len(), traced: im.traced, op: im.program.Op,
		initRuns: func() int { return initRuns(im.program) },
	}
}

// failed is the error of an operation.
func (o outline) failed(at int, errno unix.Errno) *OpError {
	op := o.op(at)
	e := &OpError{Index: at, Op: op, Origin: op.Origin, Errno: errno}
	if o.brief != nil {
		e.brief = o.brief(at)
	}
	return e
}
