package prog

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Machine runs a program on paper: it makes no system call, but asks Kernel what
// each one would have answered. It is the reference for what the loop in package
// nsexec does, written to be read.
type Machine struct {
	// Kernel answers operation i. The values are those of the arguments that are
	// numbers by now; a pointer is 0. An error of 0 is success.
	Kernel func(i int, op Op, values [6]uint64) (result uint64, err unix.Errno)
	// Limit is how many operations are made before a run is given up; 0 means a
	// million. Programs that end in a loop need it.
	Limit int
}

// ErrLimit is returned for a program that was still running at the limit.
var ErrLimit = errors.New("the program was still running at the limit of operations")

// Run is what came of a run.
type Run struct {
	// Path lists the operations that were made, in order.
	Path []int
	// Results holds the value of each slot that was written, by [Slot.Index].
	Results map[int]uint64
	// Errno is the error at which the program stopped. It is 0 when the last
	// operation of Path is an exit, or an exec that succeeded.
	Errno unix.Errno
}

// Run runs the program from its first operation.
func (m Machine) Run(p *Program) (Run, error) {
	limit := m.Limit
	if limit == 0 {
		limit = 1_000_000
	}
	run := Run{Results: map[int]uint64{}}
	for i := 0; ; {
		if len(run.Path) == limit {
			return run, ErrLimit
		}
		run.Path = append(run.Path, i)
		op := &p.ops[i]
		var values [6]uint64
		for k, a := range op.Args {
			if s, ok := a.(Slot); ok {
				values[k] = run.Results[s.Index()]
			} else if v, ok := number(a); ok {
				values[k] = v
			}
		}
		result, errno := m.Kernel(i, *op, values)
		ends := calls[op.Call].ends
		switch {
		case errno == 0 && (ends == alwaysFails || calls[op.Call].nonzero && result == 0):
			return run, fmt.Errorf("op %d %v: the kernel is told to answer %d, which it never does", i, op.Call, result)
		case ends == endsProgram || ends == endsOnSuccess && errno == 0:
			return run, nil
		case errno == 0:
			if !op.Out.IsZero() {
				run.Results[op.Out.Index()] = result
			}
			if result != 0 && !op.OnResult.IsZero() {
				i = p.Target(op.OnResult)
			} else {
				i++
			}
		case errno == op.Tolerate:
			i++
		case !op.OnError.IsZero():
			i = p.Target(op.OnError)
		default:
			run.Errno = errno
			return run, nil
		}
	}
}
