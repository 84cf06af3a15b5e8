package container

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// Trace is a start as it happened: what the host's side and the container did, in the
// order in which they began, on one clock.
//
// The container's side is the operations of [Plan.Child] that were made; those that a
// branch has passed by are not in it. Operation 0, which maps the page on which the
// times are written, has none and is left out.
type Trace struct {
	// Began is the beginning of the start on the clock CLOCK_MONOTONIC.
	Began time.Duration
	// Events are what was done.
	Events []Event

	steps []Event
	times nsexec.Record
}

// Event is one thing that was done.
type Event struct {
	// Side says who did it.
	Side Side
	// Op is the operation's number in [Plan.Child], and -1 for the host's side.
	Op int
	// Why and Origin are those of [prog.Op].
	Why, Origin string
	// At is when it began, since Trace.Began, and Took how long it took. An
	// operation's time has that of reading the clock in it, two tenths of a
	// microsecond, and ends where the next one begins.
	At, Took time.Duration
	// Result is empty for what succeeded. Otherwise it is the error that stopped
	// the start, or where the program went on for this result. The results
	// themselves are not recorded, so an operation that tolerates an error may have
	// met it.
	Result string
	// Failed marks what has stopped the start.
	Failed bool
	// Slow marks the slowest.
	Slow bool

	text    string        // what was done
	program *prog.Program // whose operation it was, instead
}

// Call is the system call, or for the host's side those that a step makes.
func (e Event) Call() string { return string(e.appendCall(nil)) }

func (e Event) appendCall(b []byte) []byte {
	if e.program == nil {
		return append(b, e.text...)
	}
	return e.program.Op(e.Op).Append(b)
}

// Side is the host's or the container's.
type Side string

// The two sides of a start.
const (
	HostSide      Side = "host"
	ContainerSide Side = "container"
)

// slowest is how many events are marked as slow.
const slowest = 5

// StartTraced is [Plan.Start] with a record of when everything was done. The trace is
// there also when the start fails, as far as it came. The container's operations take
// two system calls where there was one.
func (p *Plan) StartTraced(stdio Stdio) (*nsexec.Process, *Trace, error) {
	t := &Trace{Began: nsexec.Now()}
	process, err := p.start(stdio, t)
	t.assemble(p, err)
	return process, t, err
}

// image lays the program out, for a trace or without one.
func (t *Trace) image(program *prog.Program) (*nsexec.Image, error) {
	if t == nil {
		return nsexec.NewImage(program)
	}
	begun := nsexec.Now()
	image, err := nsexec.NewTracedImage(program)
	t.host(begun, Event{text: "lay the program out"}, err)
	return image, err
}

// step does a step of the host's side.
func (t *Trace) step(s Step, at *place) (int, error) {
	if at != nil {
		return at.do(s)
	}
	if t == nil {
		return s.do()
	}
	begun := nsexec.Now()
	fd, err := s.do()
	t.host(begun, Event{text: s.String(), Why: s.Why, Origin: s.Origin}, err)
	return fd, err
}

// during does a step for a process that waits at a sync point, or that runs.
func (t *Trace) during(s Step, process *nsexec.Process, state State, at *place, hooks *called) error {
	var begun time.Duration
	if t != nil {
		begun = nsexec.Now()
	}
	err := at.doFor(s, process, state, hooks)
	if err != nil {
		err = &StepError{Step: s, Err: err}
	}
	if t != nil {
		t.host(begun, Event{text: s.String(), Why: s.Why, Origin: s.Origin}, err)
	}
	return err
}

// record is where nsexec writes its part.
func (t *Trace) record() *nsexec.Record {
	if t == nil {
		return nil
	}
	return &t.times
}

// host keeps what the host's side has done since a time.
func (t *Trace) host(begun time.Duration, e Event, err error) {
	e.Side, e.Op, e.At, e.Took = HostSide, -1, begun-t.Began, nsexec.Now()-begun
	if err != nil {
		e.Result, e.Failed = err.Error(), true
	}
	t.steps = append(t.steps, e)
}

// assemble makes one list of both sides.
func (t *Trace) assemble(p *Plan, err error) {
	t.Events = append(make([]Event, 0, len(t.steps)+len(t.times.Host)+len(t.times.Ops)), t.steps...)
	for _, h := range t.times.Host {
		if h.What == nsexec.RecordSync {
			continue // the steps are there themselves
		}
		e := Event{Side: HostSide, Op: -1, At: h.Before - t.Began, Took: h.After - h.Before}
		switch h.What {
		case nsexec.RecordImage:
			e.text, e.Why = "memfd_create; write; fcntl(F_ADD_SEALS)", "the image"
		case nsexec.RecordClone:
			e.text, e.Why = p.Clone.String(), "the birth, until the child has executed the image"
		case nsexec.RecordFollow:
			e.text, e.Why = "pidfd_open; waitid", "the program goes on in a second process"
		case nsexec.RecordLook:
			e.text, e.Why = "pread(report)", "the control socket is closed: what has become of it"
		}
		if h.Err != nil {
			e.Result, e.Failed = h.Err.Error(), true
		}
		t.Events = append(t.Events, e)
	}
	t.Events = appendOperations(t.Events, p.Child, t.times, p.clockOffset(), t.Began, t.looked(), stopped(err))
	slices.SortStableFunc(t.Events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	t.mark()
}

// looked is when the host's side has seen that the container's program had ended.
func (t *Trace) looked() time.Duration {
	for _, h := range t.times.Host {
		if h.What == nsexec.RecordLook {
			return h.Before
		}
	}
	return nsexec.Now()
}

// mark marks the slowest. What only waits for the other side is not slow: the host's
// side stands still in clone3, and the container at a sync point.
func (t *Trace) mark() {
	var top [slowest]*Event // the slowest first
	for i := range t.Events {
		e := &t.Events[i]
		for k := range top {
			if top[k] == nil || top[k].Took < e.Took {
				e, top[k] = top[k], e
			}
			if e == nil {
				break
			}
		}
	}
	for _, e := range top {
		if e != nil {
			e.Slow = true
		}
	}
}

// stop is the operation at which a program stopped.
type stop struct {
	op     int // -1 if it did not
	result string
}

func stopped(err error) stop {
	if op := opError(err); op != nil && op.Origin != "clone" {
		return stop{op.Index, result(op)}
	}
	return stop{op: -1}
}

// result is how an operation has failed, as strace would say it.
func result(e *nsexec.OpError) string {
	switch {
	case e.Errno != 0:
		return prog.ErrnoName(e.Errno)
	case e.Status.Signaled():
		return "killed by " + unix.SignalName(e.Status.Signal())
	}
	return fmt.Sprintf("exited with %d", e.Status.ExitStatus())
}

// appendOperations adds the events of the container's side. What the record has of them are
// the times at which they began, and the order of these.
func appendOperations(events []Event, p *prog.Program, record nsexec.Record, offset, began, end time.Duration, stop stop) []Event {
	made := madeIn(record.Ops, offset, began, end)
	for k, m := range made {
		op := p.Op(m.op)
		e := Event{Side: ContainerSide, Op: m.op, program: p, Why: op.Why, Origin: op.Origin, At: m.before - began}
		next, following := -1, end
		if k+1 < len(made) {
			next, following = made[k+1].op, made[k+1].before
		}
		switch {
		case m.op == stop.op:
			e.Result, e.Failed = stop.result, true
			e.Took = following - m.before
		case m.after != 0:
			e.Took = m.after - m.before
			e.Result = passed(p, m.op, op)
		default:
			e.Took = following - m.before
			e.Result = branch(p, op, next)
		}
		events = append(events, e)
	}
	return events
}

// passed says what may have come of an operation that went on with the next one.
func passed(p *prog.Program, i int, op prog.Op) string {
	branches := !op.OnError.IsZero() && p.Target(op.OnError) == i+1
	switch {
	case branches:
		return "0 or an error"
	case op.Tolerate != 0:
		return "0 or " + prog.ErrnoName(op.Tolerate)
	}
	return ""
}

// branch says which way an operation went on that did not go on with the next one.
func branch(p *prog.Program, op prog.Op, next int) string {
	onError := !op.OnError.IsZero() && p.Target(op.OnError) == next
	onResult := !op.OnResult.IsZero() && p.Target(op.OnResult) == next
	switch {
	case onError && onResult:
		return fmt.Sprintf("goes on at %d", next)
	case onError:
		return fmt.Sprintf("an error: goes on at %d", next)
	case onResult && op.Call != prog.Gettid:
		return fmt.Sprintf("not 0: goes on at %d", next)
	}
	return ""
}

// made is an operation that was made.
type made struct {
	op            int
	before, after time.Duration
}

// madeIn lists the operations that were made, in the order of their times. In a time
// namespace the container reads another clock from some point on: a time that cannot
// be is one of those.
func madeIn(times []nsexec.Timing, offset, began, end time.Duration) []made {
	here := func(t time.Duration) time.Duration {
		if offset != 0 && t != 0 && (t < began || t > end) {
			return t - offset
		}
		return t
	}
	list := make([]made, 0, len(times))
	for i, t := range times {
		if t.Before != 0 {
			list = append(list, made{i, here(t.Before), here(t.After)})
		}
	}
	slices.SortStableFunc(list, func(a, b made) int { return cmp.Compare(a.before, b.before) })
	return list
}

// clockOffset is how far the container's clock is ahead of the host's.
func (p *Plan) clockOffset() time.Duration {
	if p.wanted == nil {
		return 0
	}
	o := p.wanted.TimeOffsets["monotonic"]
	return time.Duration(o.Secs)*time.Second + time.Duration(o.Nanosecs)
}
