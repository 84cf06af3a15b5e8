package prog

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Op is one operation: a system call, and what follows from its outcome.
type Op struct {
	// Call is the system call.
	Call Call

	// Args are its arguments in the kernel's order. Those behind the last one
	// that is set are 0; how many a call needs stands in its table row.
	Args Args

	// Out receives the result of a call that succeeds. The zero Slot drops it.
	Out Slot

	// Tolerate is one error that counts as success without a result. Zero: none.
	Tolerate unix.Errno

	// OnError is where to go on after any other error. The zero Label stops the
	// program and reports the error.
	OnError Label

	// OnResult is where to go on when the call succeeds with a result other than
	// zero. The zero Label means the next operation.
	OnResult Label

	// Why says in a few words what the call is for.
	Why string

	// Origin is the line of the configuration that asks for it, such as
	// "mounts[2]". Where it is empty, [Builder.From] fills it in.
	Origin string

	// Hint says what a failure most likely means and what to do about it.
	Hint string
}

// Args are the arguments of a system call, at most six.
type Args [6]Arg

// count is the number of arguments up to the last one that is set.
func (a *Args) count() int {
	n := len(a)
	for n > 0 && a[n-1] == nil {
		n--
	}
	return n
}

// Label names an operation to go on with. It is made by [Builder.Label] and
// stands for the operation that is added after [Builder.Bind].
type Label struct{ id int }

// IsZero reports whether no operation is meant.
func (l Label) IsZero() bool { return l.id == 0 }

// Slot stands for the result of an operation, before it is known. It is made by
// [Builder.Slot] and used as an argument, or as the value of a structure's field,
// by any number of operations that are made afterwards.
type Slot struct{ *slot }

// slot is behind a pointer so that a Slot is one word, also as an argument.
type slot struct {
	index  int
	base   string // the name that was asked for
	number int    // among those of one name, from 1
}

// IsZero reports whether no slot is meant.
func (s Slot) IsZero() bool { return s.slot == nil }

// Name is the word under which the slot is printed, behind a dollar sign.
func (s Slot) Name() string {
	if s.slot == nil {
		return ""
	}
	if s.number == 1 {
		return s.base
	}
	return s.base + strconv.Itoa(s.number)
}
