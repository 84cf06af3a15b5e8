package cgroupv2

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	progDevice   = unix.BPF_PROG_TYPE_CGROUP_DEVICE
	attachDevice = unix.BPF_CGROUP_DEVICE
)

// The parts of union bpf_attr, one for each command. linux/bpf.h. A pointer is as
// long as the __aligned_u64 there, on both architectures.
type (
	program struct { // BPF_PROG_LOAD
		kind, count       uint32
		code, license     unsafe.Pointer
		logLevel, logSize uint32
		log               unsafe.Pointer
		_, _              uint32 // kern_version, prog_flags
		name              [16]byte
		_                 [12]uint32
		attachTo, _       uint32 // attach_prog_fd
	}
	attach struct { // BPF_PROG_ATTACH and BPF_PROG_DETACH
		target, program, kind, flags, replace uint32
	}
	query struct { // BPF_PROG_QUERY
		target, kind, _, _ uint32 // query_flags, attach_flags
		ids                unsafe.Pointer
		count, _           uint32
	}
	byID struct { // BPF_PROG_GET_FD_BY_ID
		id, _, _ uint32 // next_id, open_flags
	}
)

// bpf makes bpf(2) with one of the structures above, which may hold pointers to
// memory that the caller keeps: the garbage collector sees them as such, in a structure that
// escapes to the heap.
func bpf[T program | attach | query | byID](command int, attr *T) error {
	_, err := bpfFD(command, attr)
	return err
}

func bpfFD[T program | attach | query | byID](command int, attr *T) (int, error) {
	for range attempts {
		r, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(command), uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
		if errno == 0 {
			return int(r), nil
		}
		// EAGAIN: a signal came while the verifier was at work.
		if !errors.Is(errno, unix.EAGAIN) && !errors.Is(errno, unix.EINTR) {
			return -1, errno
		}
	}
	return -1, unix.EAGAIN
}
