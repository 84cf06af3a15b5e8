package clone

import (
	"errors"
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// The bits of Flags that clone3 knows. Bit 7 was part of clone's exit signal and
// is CLONE_NEWTIME now; the seven below it stay forbidden, because clone3 has the
// signal in a field of its own. CLONE_DETACHED has meant nothing since 2.6.2.
const (
	signalBits    = 0xff &^ unix.CLONE_NEWTIME
	knownFlags    = 0xffffffff&^(signalBits|unix.CLONE_DETACHED) | unix.CLONE_CLEAR_SIGHAND | unix.CLONE_INTO_CGROUP
	lastSignal    = 64 // _NSIG on amd64 and arm64
	pidNamespaces = 32 // MAX_PID_NS_LEVEL: how deep pid namespaces can be nested
)

// contradiction is a combination of flags that clone3 answers with EINVAL.
type contradiction struct {
	with    uint64 // all of these are set
	without uint64 // and none of these
	why     string
}

// contradictions follows kernel/fork.c. clone(2) also lists CLONE_PARENT with
// CLONE_NEWPID or CLONE_NEWUSER; current kernels accept that, and a process that
// has made a user namespace needs it to hand its child over to its own parent.
var contradictions = [...]contradiction{
	{unix.CLONE_NEWNS | unix.CLONE_FS, 0, "CLONE_NEWNS and CLONE_FS: a working directory cannot be shared between two mount namespaces"},
	{unix.CLONE_NEWUSER | unix.CLONE_FS, 0, "CLONE_NEWUSER and CLONE_FS: the new user namespace may chroot, and the caller's root must not follow"},
	{unix.CLONE_NEWIPC | unix.CLONE_SYSVSEM, 0, "CLONE_NEWIPC and CLONE_SYSVSEM: semaphores of the old namespace cannot be undone in the new one"},
	{unix.CLONE_SIGHAND, unix.CLONE_VM, "CLONE_SIGHAND without CLONE_VM: a handler is an address in shared memory"},
	{unix.CLONE_SIGHAND | unix.CLONE_CLEAR_SIGHAND, 0, "CLONE_SIGHAND and CLONE_CLEAR_SIGHAND: the handlers that are shared would be reset for the caller too"},
	{unix.CLONE_THREAD, unix.CLONE_SIGHAND, "CLONE_THREAD without CLONE_SIGHAND: the threads of a process share their handlers"},
	{unix.CLONE_THREAD | unix.CLONE_NEWPID, 0, "CLONE_THREAD and CLONE_NEWPID: the threads of a process are in one pid namespace"},
	{unix.CLONE_THREAD | unix.CLONE_NEWUSER, 0, "CLONE_THREAD and CLONE_NEWUSER: the threads of a process are in one user namespace"},
	{unix.CLONE_THREAD | unix.CLONE_PIDFD, 0, "CLONE_THREAD and CLONE_PIDFD: before Linux 6.9 a pidfd stands for a whole process"},
}

// Check returns, all at once, why clone3(2) would refuse these arguments whatever
// the system looks like, and what it would pass over in silence. Addresses are
// not looked at where a flag alone asks for one: they are often known later.
func (a *Args) Check() error {
	var errs []error
	wrong := func(format string, v ...any) { errs = append(errs, fmt.Errorf("clone3: "+format, v...)) }
	if unknown := a.Flags &^ knownFlags; unknown != 0 {
		wrong("flags %#x: clone3 does not take them", unknown)
	}
	for _, c := range contradictions {
		if a.Flags&c.with == c.with && (c.without == 0 || a.Flags&c.without == 0) {
			wrong("%s", c.why)
		}
	}
	if a.ExitSignal > lastSignal {
		wrong("exit signal %d: the last one is %d", a.ExitSignal, lastSignal)
	}
	if a.ExitSignal != 0 && a.Flags&(unix.CLONE_THREAD|unix.CLONE_PARENT) != 0 {
		wrong("exit signal %d with CLONE_PARENT or CLONE_THREAD: the child takes over the caller's, so it must be 0", a.ExitSignal)
	}
	if (a.Stack == 0) != (a.StackSize == 0) {
		wrong("stack %#x of %d bytes: address and size belong together", a.Stack, a.StackSize)
	}
	if (a.SetTID == 0) != (a.SetTIDSize == 0) {
		wrong("%d thread ids at %#x: address and size belong together", a.SetTIDSize, a.SetTID)
	}
	if a.SetTIDSize > pidNamespaces {
		wrong("%d thread ids: pid namespaces are nested at most %d deep", a.SetTIDSize, pidNamespaces)
	}
	switch into := a.Flags&unix.CLONE_INTO_CGROUP != 0; {
	case into && a.Cgroup == 0:
		wrong("CLONE_INTO_CGROUP without a descriptor: 0 is the standard input")
	case into && a.Cgroup > math.MaxInt32:
		wrong("cgroup descriptor %d is out of range", a.Cgroup)
	case !into && a.Cgroup != 0:
		wrong("cgroup descriptor %d without CLONE_INTO_CGROUP: the kernel would ignore it", a.Cgroup)
	}
	return errors.Join(errs...)
}
