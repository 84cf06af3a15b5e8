package clone_test

import (
	"encoding/binary"
	"errors"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
)

func TestArgsLayout(t *testing.T) {
	var a clone.Args
	rows := []struct {
		name   string
		field  *uint64
		offset uintptr
	}{
		{"flags", &a.Flags, 0},
		{"pidfd", &a.Pidfd, 8},
		{"child_tid", &a.ChildTID, 16},
		{"parent_tid", &a.ParentTID, 24},
		{"exit_signal", &a.ExitSignal, 32},
		{"stack", &a.Stack, 40},
		{"stack_size", &a.StackSize, 48},
		{"tls", &a.TLS, 56},
		{"set_tid", &a.SetTID, 64},
		{"set_tid_size", &a.SetTIDSize, 72},
		{"cgroup", &a.Cgroup, 80},
	}
	for i, r := range rows {
		if got := uintptr(unsafe.Pointer(r.field)) - uintptr(unsafe.Pointer(&a)); got != r.offset {
			t.Errorf("%s lies at %d, want %d", r.name, got, r.offset)
		}
		*r.field = uint64(i) + 1<<40
		b := a.Bytes()
		if got := binary.LittleEndian.Uint64(b[r.offset:]); got != *r.field {
			t.Errorf("%s: the bytes at %d are %#x, want %#x", r.name, r.offset, got, *r.field)
		}
	}
	if got := unsafe.Sizeof(a); got != clone.Size || clone.Size != 88 {
		t.Errorf("%d bytes, Size is %d, want 88", got, clone.Size)
	}
}

// clone3Rows are arguments that are refused. Where kernel is set, they go to this
// kernel too, which must answer EINVAL. The others would be accepted by some
// kernel, or would share this process's memory if they were.
var clone3Rows = []struct {
	name   string
	args   clone.Args
	want   string
	kernel bool
}{
	{"a mount namespace with a shared working directory", clone.Args{Flags: unix.CLONE_NEWNS | unix.CLONE_FS},
		"clone3: CLONE_NEWNS and CLONE_FS: a working directory cannot be shared between two mount namespaces", true},
	{"a user namespace with a shared root", clone.Args{Flags: unix.CLONE_NEWUSER | unix.CLONE_FS},
		"clone3: CLONE_NEWUSER and CLONE_FS: the new user namespace may chroot, and the caller's root must not follow", true},
	{"an ipc namespace with shared semaphore undo", clone.Args{Flags: unix.CLONE_NEWIPC | unix.CLONE_SYSVSEM},
		"clone3: CLONE_NEWIPC and CLONE_SYSVSEM: semaphores of the old namespace cannot be undone in the new one", true},
	{"handlers without the memory that they lie in", clone.Args{Flags: unix.CLONE_SIGHAND},
		"clone3: CLONE_SIGHAND without CLONE_VM: a handler is an address in shared memory", true},
	{"handlers shared and reset", clone.Args{Flags: unix.CLONE_SIGHAND | unix.CLONE_VM | unix.CLONE_CLEAR_SIGHAND},
		"clone3: CLONE_SIGHAND and CLONE_CLEAR_SIGHAND: the handlers that are shared would be reset for the caller too", false},
	{"a thread without shared handlers", clone.Args{Flags: unix.CLONE_THREAD},
		"clone3: CLONE_THREAD without CLONE_SIGHAND: the threads of a process share their handlers", true},
	{"a thread in a new pid namespace", clone.Args{Flags: thread | unix.CLONE_NEWPID},
		"clone3: CLONE_THREAD and CLONE_NEWPID: the threads of a process are in one pid namespace", false},
	{"a thread in a new user namespace", clone.Args{Flags: thread | unix.CLONE_NEWUSER},
		"clone3: CLONE_THREAD and CLONE_NEWUSER: the threads of a process are in one user namespace", false},
	{"a pidfd of a thread", clone.Args{Flags: thread | unix.CLONE_PIDFD},
		"clone3: CLONE_THREAD and CLONE_PIDFD: before Linux 6.9 a pidfd stands for a whole process", false},
	{"a signal in the flags, as in clone", clone.Args{Flags: uint64(unix.SIGCHLD)},
		"clone3: flags 0x11: clone3 does not take them", true},
	{"a flag that means nothing any more", clone.Args{Flags: unix.CLONE_DETACHED},
		"clone3: flags 0x400000: clone3 does not take them", true},
	{"a flag that nobody has invented", clone.Args{Flags: 1 << 63},
		"clone3: flags 0x8000000000000000: clone3 does not take them", true},
	{"an exit signal for somebody else's child", clone.Args{Flags: unix.CLONE_PARENT, ExitSignal: uint64(unix.SIGCHLD)},
		"clone3: exit signal 17 with CLONE_PARENT or CLONE_THREAD: the child takes over the caller's, so it must be 0", true},
	{"an exit signal that does not exist", clone.Args{ExitSignal: 65},
		"clone3: exit signal 65: the last one is 64", true},
	{"a stack without a size", clone.Args{Stack: 0x1000},
		"clone3: stack 0x1000 of 0 bytes: address and size belong together", true},
	{"a size without a stack", clone.Args{StackSize: 0x1000},
		"clone3: stack 0x0 of 4096 bytes: address and size belong together", true},
	{"thread ids without their number", clone.Args{SetTID: 0x1000},
		"clone3: 0 thread ids at 0x1000: address and size belong together", true},
	{"more thread ids than levels", clone.Args{SetTID: 0x1000, SetTIDSize: 33},
		"clone3: 33 thread ids: pid namespaces are nested at most 32 deep", true},
	{"a cgroup without a descriptor", clone.Args{Flags: unix.CLONE_INTO_CGROUP},
		"clone3: CLONE_INTO_CGROUP without a descriptor: 0 is the standard input", false},
	{"a descriptor that is a negative number", clone.Args{Flags: unix.CLONE_INTO_CGROUP, Cgroup: 1 << 31},
		"clone3: cgroup descriptor 2147483648 is out of range", true},
	{"a descriptor without the flag", clone.Args{Cgroup: 7},
		"clone3: cgroup descriptor 7 without CLONE_INTO_CGROUP: the kernel would ignore it", false},
	{"all faults at once", clone.Args{Flags: unix.CLONE_NEWNS | unix.CLONE_FS, ExitSignal: 65},
		"clone3: CLONE_NEWNS and CLONE_FS: a working directory cannot be shared between two mount namespaces\nclone3: exit signal 65: the last one is 64", true},
}

const thread = unix.CLONE_THREAD | unix.CLONE_SIGHAND | unix.CLONE_VM

func TestCheckRefuses(t *testing.T) {
	for _, r := range clone3Rows {
		t.Run(r.name, func(t *testing.T) {
			if got := message(r.args.Check()); got != r.want {
				t.Errorf("got  %q\nwant %q", got, r.want)
			}
		})
	}
}

func TestCheckAccepts(t *testing.T) {
	rows := []struct {
		name string
		args clone.Args
	}{
		{"a fork", clone.Args{ExitSignal: uint64(unix.SIGCHLD)}},
		{"the zero value", clone.Args{}},
		{"a container's first process", clone.Args{
			Flags: unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_CLEAR_SIGHAND | unix.CLONE_PIDFD | unix.CLONE_INTO_CGROUP |
				unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP,
			ExitSignal: uint64(unix.SIGCHLD), Cgroup: 7}},
		{"a child handed over to one's own parent, in new namespaces", clone.Args{
			Flags: unix.CLONE_PARENT | unix.CLONE_NEWPID | unix.CLONE_NEWNS}},
		{"a time namespace", clone.Args{Flags: unix.CLONE_NEWTIME, ExitSignal: uint64(unix.SIGCHLD)}},
		{"a thread", clone.Args{Flags: thread | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SYSVSEM}},
	}
	for _, r := range rows {
		if err := r.args.Check(); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
	}
}

// TestKernelRefuses holds what Check refuses against the running kernel.
func TestKernelRefuses(t *testing.T) {
	for _, r := range clone3Rows {
		if !r.kernel {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			if errno := clone3(&r.args); !errors.Is(errno, unix.EINVAL) {
				t.Errorf("the kernel says %v, want EINVAL", errno)
			}
		})
	}
}

// clone3 makes the call for arguments that are to be refused. Should the kernel
// take them, it made a copy of the process, which ends at once.
func clone3(a *clone.Args) unix.Errno {
	pid, _, errno := unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(a)), clone.Size, 0)
	if errno == 0 && pid == 0 {
		for {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	if errno == 0 {
		unix.Wait4(int(pid), nil, unix.WALL, nil)
	}
	return errno
}
