package cgroupv2

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MayFilter reports whether the caller may load a [Filter]: the kernel has such programs,
// and looks at the caller's rights before it looks for the instructions, of which there
// are none. It loads nothing.
func MayFilter() bool {
	license := []byte{0}
	_, err := bpfFD(unix.BPF_PROG_LOAD, &program{kind: progDevice, count: 1, license: unsafe.Pointer(&license[0])})
	return errors.Is(err, unix.EFAULT)
}
