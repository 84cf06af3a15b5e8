package prog

import "golang.org/x/sys/unix"

// The interpreter has no comparison, but futex(2) has: both of these operations look at a
// word of 32 bits in memory and neither sleeps where all is as it should be. That
// matters: FUTEX_WAIT with no time to wait answers ETIMEDOUT where the word is the value, but
// only after the process has slept once, which takes as long as twenty other calls.

// Operations of futex(2), linux/futex.h.
const (
	futexWait       = 0
	futexWake       = 1
	futexCmpRequeue = 4
)

// Same is an operation that fails with EAGAIN where the word that an address points to
// is not this value. It asks for none of none waiting processes to be moved elsewhere if
// the word still is the value (FUTEX_CMP_REQUEUE, Linux 2.6.7), which gives 0.
func Same(word, value Arg) Op {
	return Op{Call: Futex, Args: Args{word, Int(futexCmpRequeue), Int(0), Int(0), word, value}}
}

// Differs is an operation that fails with ETIMEDOUT where the word that an address points
// to is this value. It asks to sleep for no time as long as the word is the value
// (FUTEX_WAIT), to which the answer is EAGAIN at once where it is not.
func Differs(word, value Arg) Op {
	return Op{Call: Futex, Args: Args{word, Int(futexWait), value, Timespec(0, 0)}, Tolerate: unix.EAGAIN}
}
