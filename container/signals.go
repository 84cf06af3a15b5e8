package container

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// lastSignal is _NSIG on both architectures.
const lastSignal = 64

// probeIgnored asks which signals the caller ignores. clone3 with CLONE_CLEAR_SIGHAND
// takes handlers away and leaves what is ignored as it is, and so does execve: under
// nohup(1) every program of a container would ignore SIGHUP as well.
func (h *Host) probeIgnored() error {
	for sig := 1; sig <= lastSignal; sig++ {
		var old sigaction
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), 0, uintptr(unsafe.Pointer(&old)), prog.SigsetSize, 0, 0)
		if errno != 0 {
			return fmt.Errorf("rt_sigaction %d: %w", sig, errno)
		}
		if old.handler == sigIgn {
			h.Ignored |= 1 << (sig - 1)
		}
	}
	return nil
}

// sigaction is struct kernel_sigaction of both architectures.
type sigaction struct {
	handler, flags, restorer, mask uint64
}

// sigIgn is SIG_IGN of asm-generic/signal-defs.h.
const sigIgn = 1

// emitInherited undoes what a container would inherit of the process that makes it.
func (c *compiler) emitInherited() {
	if slack := c.host.TimerSlack; slack != 0 {
		c.b.Add(prog.Op{
			Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_TIMERSLACK), prog.Int(slack)},
			Why: "the caller's threads have another one",
		})
	}
	for sig := 1; sig <= lastSignal; sig++ {
		if c.host.Ignored&(1<<(sig-1)) == 0 {
			continue
		}
		c.b.Add(prog.Op{
			Call: prog.RtSigaction, Args: prog.Args{prog.Int(sig), prog.Sigaction(0, 0, 0), prog.Int(0), prog.Int(prog.SigsetSize)},
			Why: "the caller ignores it, the container does not",
		})
	}
}
