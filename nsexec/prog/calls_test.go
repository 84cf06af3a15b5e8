package prog_test

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// numbers are golang.org/x/sys's for the architecture that the test is built for.
var numbers = []struct {
	call   prog.Call
	name   string
	number uint64
}{
	{prog.Accept4, "accept4", unix.SYS_ACCEPT4},
	{prog.Capget, "capget", unix.SYS_CAPGET},
	{prog.Capset, "capset", unix.SYS_CAPSET},
	{prog.Chdir, "chdir", unix.SYS_CHDIR},
	{prog.Chroot, "chroot", unix.SYS_CHROOT},
	{prog.ClockGettime, "clock_gettime", unix.SYS_CLOCK_GETTIME},
	{prog.Clone3, "clone3", unix.SYS_CLONE3},
	{prog.Close, "close", unix.SYS_CLOSE},
	{prog.CloseRange, "close_range", unix.SYS_CLOSE_RANGE},
	{prog.Connect, "connect", unix.SYS_CONNECT},
	{prog.Dup3, "dup3", unix.SYS_DUP3},
	{prog.Execve, "execve", unix.SYS_EXECVE},
	{prog.Execveat, "execveat", unix.SYS_EXECVEAT},
	{prog.Exit, "exit", unix.SYS_EXIT},
	{prog.ExitGroup, "exit_group", unix.SYS_EXIT_GROUP},
	{prog.Faccessat2, "faccessat2", unix.SYS_FACCESSAT2},
	{prog.Fchdir, "fchdir", unix.SYS_FCHDIR},
	{prog.Fchmod, "fchmod", unix.SYS_FCHMOD},
	{prog.Fchmodat, "fchmodat", unix.SYS_FCHMODAT},
	{prog.Fchown, "fchown", unix.SYS_FCHOWN},
	{prog.Fchownat, "fchownat", unix.SYS_FCHOWNAT},
	{prog.Fcntl, "fcntl", unix.SYS_FCNTL},
	{prog.Fsconfig, "fsconfig", unix.SYS_FSCONFIG},
	{prog.Fsmount, "fsmount", unix.SYS_FSMOUNT},
	{prog.Fsopen, "fsopen", unix.SYS_FSOPEN},
	{prog.Fstatfs, "fstatfs", unix.SYS_FSTATFS},
	{prog.Ftruncate, "ftruncate", unix.SYS_FTRUNCATE},
	{prog.Futex, "futex", unix.SYS_FUTEX},
	{prog.Getcwd, "getcwd", unix.SYS_GETCWD},
	{prog.Getpid, "getpid", unix.SYS_GETPID},
	{prog.Getppid, "getppid", unix.SYS_GETPPID},
	{prog.Getpriority, "getpriority", unix.SYS_GETPRIORITY},
	{prog.Gettid, "gettid", unix.SYS_GETTID},
	{prog.Ioctl, "ioctl", unix.SYS_IOCTL},
	{prog.IoprioSet, "ioprio_set", unix.SYS_IOPRIO_SET},
	{prog.Keyctl, "keyctl", unix.SYS_KEYCTL},
	{prog.Kill, "kill", unix.SYS_KILL},
	{prog.Linkat, "linkat", unix.SYS_LINKAT},
	{prog.Lseek, "lseek", unix.SYS_LSEEK},
	{prog.Mkdirat, "mkdirat", unix.SYS_MKDIRAT},
	{prog.Mknodat, "mknodat", unix.SYS_MKNODAT},
	{prog.Mmap, "mmap", unix.SYS_MMAP},
	{prog.Mount, "mount", unix.SYS_MOUNT},
	{prog.MountSetattr, "mount_setattr", unix.SYS_MOUNT_SETATTR},
	{prog.MoveMount, "move_mount", unix.SYS_MOVE_MOUNT},
	{prog.Mremap, "mremap", unix.SYS_MREMAP},
	{prog.Munmap, "munmap", unix.SYS_MUNMAP},
	{prog.OpenTree, "open_tree", unix.SYS_OPEN_TREE},
	{prog.Openat2, "openat2", unix.SYS_OPENAT2},
	{prog.Personality, "personality", unix.SYS_PERSONALITY},
	{prog.PidfdOpen, "pidfd_open", unix.SYS_PIDFD_OPEN},
	{prog.PidfdSendSignal, "pidfd_send_signal", unix.SYS_PIDFD_SEND_SIGNAL},
	{prog.PivotRoot, "pivot_root", unix.SYS_PIVOT_ROOT},
	{prog.Ppoll, "ppoll", unix.SYS_PPOLL},
	{prog.Prctl, "prctl", unix.SYS_PRCTL},
	{prog.Prlimit64, "prlimit64", unix.SYS_PRLIMIT64},
	{prog.Read, "read", unix.SYS_READ},
	{prog.Readlinkat, "readlinkat", unix.SYS_READLINKAT},
	{prog.Recvfrom, "recvfrom", unix.SYS_RECVFROM},
	{prog.RtSigaction, "rt_sigaction", unix.SYS_RT_SIGACTION},
	{prog.RtSigprocmask, "rt_sigprocmask", unix.SYS_RT_SIGPROCMASK},
	{prog.RtSigsuspend, "rt_sigsuspend", unix.SYS_RT_SIGSUSPEND},
	{prog.SchedSetaffinity, "sched_setaffinity", unix.SYS_SCHED_SETAFFINITY},
	{prog.SchedSetattr, "sched_setattr", unix.SYS_SCHED_SETATTR},
	{prog.Seccomp, "seccomp", unix.SYS_SECCOMP},
	{prog.Sendmsg, "sendmsg", unix.SYS_SENDMSG},
	{prog.Sendto, "sendto", unix.SYS_SENDTO},
	{prog.SetMempolicy, "set_mempolicy", unix.SYS_SET_MEMPOLICY},
	{prog.Setdomainname, "setdomainname", unix.SYS_SETDOMAINNAME},
	{prog.Setgroups, "setgroups", unix.SYS_SETGROUPS},
	{prog.Sethostname, "sethostname", unix.SYS_SETHOSTNAME},
	{prog.Setns, "setns", unix.SYS_SETNS},
	{prog.Setpriority, "setpriority", unix.SYS_SETPRIORITY},
	{prog.Setresgid, "setresgid", unix.SYS_SETRESGID},
	{prog.Setresuid, "setresuid", unix.SYS_SETRESUID},
	{prog.Setsid, "setsid", unix.SYS_SETSID},
	{prog.Socket, "socket", unix.SYS_SOCKET},
	{prog.Socketpair, "socketpair", unix.SYS_SOCKETPAIR},
	{prog.Statx, "statx", unix.SYS_STATX},
	{prog.Symlinkat, "symlinkat", unix.SYS_SYMLINKAT},
	{prog.Umask, "umask", unix.SYS_UMASK},
	{prog.Umount2, "umount2", unix.SYS_UMOUNT2},
	{prog.Unlinkat, "unlinkat", unix.SYS_UNLINKAT},
	{prog.Unshare, "unshare", unix.SYS_UNSHARE},
	{prog.Wait4, "wait4", unix.SYS_WAIT4},
	{prog.Waitid, "waitid", unix.SYS_WAITID},
	{prog.Write, "write", unix.SYS_WRITE},
}

func TestNumbers(t *testing.T) {
	if got := len(prog.Calls()); got != len(numbers) {
		t.Errorf("the table has %d calls, this test %d", got, len(numbers))
	}
	for _, r := range numbers {
		got, err := r.call.Number(runtime.GOARCH)
		if err != nil || got != r.number || r.call.Name() != r.name {
			t.Errorf("%s is %v with the number %d, want %d (%v)", r.name, r.call, got, r.number, err)
		}
	}
}

func TestNumberErrors(t *testing.T) {
	rows := []struct {
		call       prog.Call
		arch, want string
	}{
		{prog.Read, "riscv64", `architecture "riscv64": want amd64 or arm64`},
		{prog.Read, "", `architecture "": want amd64 or arm64`},
		{0, "amd64", "call(0): not in the table of system calls"},
		{255, "arm64", "call(255): not in the table of system calls"},
	}
	for _, r := range rows {
		if got, err := r.call.Number(r.arch); err == nil || err.Error() != r.want {
			t.Errorf("%v on %q: %d, %v, want %s", r.call, r.arch, got, err, r.want)
		}
	}
}

// TestBothNumbers: a call whose number is forgotten for one architecture would be
// read on amd64 and io_setup on arm64.
func TestBothNumbers(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		seen := map[uint64]prog.Call{}
		for _, c := range prog.Calls() {
			n, err := c.Number(arch)
			if err != nil {
				t.Error(err)
			}
			if other, ok := seen[n]; ok {
				t.Errorf("%s: %v and %v have the number %d", arch, other, c, n)
			}
			if n == 0 && (arch != "amd64" || c != prog.Read) {
				t.Errorf("%s: %v has no number", arch, c)
			}
			seen[n] = c
		}
	}
}
