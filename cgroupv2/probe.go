package cgroupv2

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MayFilter reports whether the caller may load a [Filter]: the kernel has such programs,
// and looks at the caller's rights before it looks for the program that this one is to be
// attached to, of which there is none, and before it makes room for one. It loads nothing.
// kernel/bpf/syscall.c, bpf_prog_load
func MayFilter() bool {
	license := []byte{0}
	const none = 1<<31 - 1
	_, err := bpfFD(unix.BPF_PROG_LOAD, &program{kind: progDevice, count: 1, license: unsafe.Pointer(&license[0]), attachTo: none})
	return errors.Is(err, unix.EINVAL)
}
