package clone

import (
	"encoding/binary"
	"unsafe"
)

// Args is struct clone_args of clone3(2), field by field: its memory is what the
// kernel reads on a little-endian machine. Addresses are those of the process that
// makes the call. The zero value is a fork whose end is not signalled.
type Args struct {
	// Flags are the CLONE_ flags. Linux 5.3.
	Flags uint64
	// Pidfd is the address of the 32-bit word that receives a close-on-exec
	// descriptor of the child, with CLONE_PIDFD. Linux 5.3.
	Pidfd uint64
	// ChildTID is the address, in the child's memory, for its thread id, with
	// CLONE_CHILD_SETTID or CLONE_CHILD_CLEARTID. Linux 5.3.
	ChildTID uint64
	// ParentTID is the address, in the caller's memory, for the child's thread id,
	// with CLONE_PARENT_SETTID. Linux 5.3.
	ParentTID uint64
	// ExitSignal is sent to the parent when the child ends; waiting for a child
	// with any other than SIGCHLD needs __WALL or __WCLONE. 0 sends none. Linux 5.3.
	ExitSignal uint64
	// Stack is the lowest address of the child's stack; 0 leaves it the caller's
	// stack pointer, which with CLONE_VM is safe for CLONE_VFORK only. Linux 5.3.
	Stack uint64
	// StackSize is the number of bytes from Stack on. Linux 5.3.
	StackSize uint64
	// TLS is the thread's local storage, with CLONE_SETTLS. Linux 5.3.
	TLS uint64
	// SetTID is the address of an array of 32-bit ids that the child is to have,
	// innermost pid namespace first. Each needs CAP_SYS_ADMIN, or from 5.9
	// CAP_CHECKPOINT_RESTORE, in its namespace. 0 lets the kernel choose. Linux 5.5.
	SetTID uint64
	// SetTIDSize is the number of ids at SetTID. Linux 5.5.
	SetTIDSize uint64
	// Cgroup is a descriptor of a version 2 cgroup directory in which the child is
	// born, with CLONE_INTO_CGROUP. Linux 5.7.
	Cgroup uint64
}

// Sizes of struct clone_args. A kernel takes a larger structure than it knows, as
// long as what it does not know is 0 (E2BIG), so [Size] fits all.
const (
	SizeVer0 = 64 // Linux 5.3, up to TLS
	SizeVer1 = 80 // Linux 5.5, up to SetTIDSize
	Size     = 88 // Linux 5.7, up to Cgroup
)

// Go's layout of the structure is the kernel's: eleven words, no gaps.
var _ = [1]struct{}{}[unsafe.Sizeof(Args{})-Size]

// Bytes is the structure as it lies in memory.
func (a *Args) Bytes() [Size]byte {
	var b [Size]byte
	for i, v := range [...]uint64{
		a.Flags, a.Pidfd, a.ChildTID, a.ParentTID, a.ExitSignal, a.Stack,
		a.StackSize, a.TLS, a.SetTID, a.SetTIDSize, a.Cgroup,
	} {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
	return b
}
