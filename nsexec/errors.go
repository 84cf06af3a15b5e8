package nsexec

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// OpError is the operation at which a program stopped before it had executed
// anything. errors.Is(err, unix.EPERM) holds for the error of the system call.
type OpError struct {
	// Index is the operation's place in its program.
	Index int
	// Op is the operation, with its arguments and its hint.
	Op prog.Op
	// Errno is the error of the system call. It is 0 where the process ended
	// without one: it was killed while it made the call, or the call was an exit.
	Errno unix.Errno
	// Origin is the line of the configuration that asked for the call.
	Origin string
	// Status is how the process ended, where Errno is 0.
	Status unix.WaitStatus
	// Cause is what somebody found who looked for the reason, and empty where nobody
	// did or nothing was found. It is printed in the place of the hint.
	Cause string

	brief string // Op.Brief, where Op has no arguments
}

// statusUnknown is the status of a process that was no child of ours.
const statusUnknown = unix.WaitStatus(1 << 16)

// Error is one line: the operation, where it comes from, what happened, and what
// that most likely means.
func (e *OpError) Error() string {
	var b strings.Builder
	brief := e.brief
	if brief == "" {
		brief = e.Op.Brief()
	}
	fmt.Fprintf(&b, "op %d %s", e.Index, brief)
	if e.Origin != "" {
		fmt.Fprintf(&b, " (%s)", e.Origin)
	}
	switch {
	case e.Errno != 0:
		fmt.Fprintf(&b, ": %v", e.Errno)
		if e.Cause != "" {
			fmt.Fprintf(&b, ": %s", e.Cause)
		} else if hint := e.Op.HintFor(e.Errno); hint != "" {
			fmt.Fprintf(&b, ": %s", hint)
		}
	case e.Status == statusUnknown:
		b.WriteString(": the process ended here")
	case e.Status.Signaled():
		fmt.Fprintf(&b, ": the process was killed by %s here", unix.SignalName(e.Status.Signal()))
	default:
		fmt.Fprintf(&b, ": the process ended here with status %d", e.Status.ExitStatus())
		if e.Op.Why != "" {
			fmt.Fprintf(&b, ": %s", e.Op.Why)
		}
	}
	return b.String()
}

// Unwrap is the error of the system call.
func (e *OpError) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

// CloneError is returned where no process came to life.
type CloneError struct {
	// Flags are the CLONE_ flags that were asked for. clone(2)
	Flags uint64
	// Errno is the error of clone3.
	Errno unix.Errno
	// Cause is that of [OpError].
	Cause string
}

// Error says what was asked for, and what the error most likely means.
func (e *CloneError) Error() string {
	text := fmt.Sprintf("clone3 with %s: %v", prog.CloneFlags(e.Flags), e.Errno)
	if e.Cause != "" {
		return text + ": " + e.Cause
	}
	switch e.Errno {
	case unix.EPERM:
		text += ": new namespaces need CAP_SYS_ADMIN, or a new user namespace in the same call"
	case unix.ENOSYS:
		text += ": the kernel is older than 5.3, or a seccomp filter around this process hides the call"
	case unix.ENOSPC:
		text += ": a limit of user.max_*_namespaces is reached"
	case unix.EINVAL:
		text += ": the kernel does not know one of the flags"
	case unix.EAGAIN:
		text += ": the limit of processes is reached (RLIMIT_NPROC, or pids.max of the cgroup)"
	}
	return text
}

// Unwrap is the error of clone3.
func (e *CloneError) Unwrap() error { return e.Errno }
