package container

import "golang.org/x/sys/unix"

// A container needs calls up to Linux 5.12, and what is tested begins at 6.1. On an
// older kernel each call is tried with arguments that cannot succeed: ENOSYS is the
// answer of a kernel that does not know it, and for the flag of close_range, EINVAL.
var required = [...]struct {
	name    string
	since   string
	missing func() bool
}{
	{"open_tree", "5.2", func() bool { return unknown(unix.SYS_OPEN_TREE) }},
	{"move_mount", "5.2", func() bool { return unknown(unix.SYS_MOVE_MOUNT) }},
	{"fsopen", "5.2", func() bool { return unknown(unix.SYS_FSOPEN) }},
	{"fsconfig", "5.2", func() bool { return unknown(unix.SYS_FSCONFIG) }},
	{"fsmount", "5.2", func() bool { return unknown(unix.SYS_FSMOUNT) }},
	{"clone3", "5.3", func() bool { return unknown(unix.SYS_CLONE3) }},
	{"openat2", "5.6", func() bool { return unknown(unix.SYS_OPENAT2) }},
	{"faccessat2", "5.8", func() bool { return unknown(unix.SYS_FACCESSAT2) }},
	{"close_range CLOSE_RANGE_CLOEXEC", "5.11", func() bool {
		return unix.CloseRange(1<<31-1, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC) != nil
	}},
	{"mount_setattr", "5.12", func() bool { return unknown(unix.SYS_MOUNT_SETATTR) }},
}

// missingCalls lists the required calls that the kernel does not have.
func missingCalls() (list []string) {
	for _, call := range required {
		if call.missing() {
			list = append(list, call.name+" (Linux "+call.since+")")
		}
	}
	return list
}

// unknown makes a call with six times -1, at which every call of the table fails
// before it has done anything.
func unknown(nr uintptr) bool {
	const no = ^uintptr(0)
	_, _, errno := unix.Syscall6(nr, no, no, no, no, no, no)
	return errno == unix.ENOSYS
}
