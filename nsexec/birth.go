package nsexec

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// First is the program that the child of clone3 runs inside its parent's memory, up
// to the execution of the image. sources are the parent's descriptors that become
// 0, 1, 2 … in the child; image is that of the image. A negative number stands for
// one that is not known yet, in a plan.
//
// Every source is moved out of the way before any target is overwritten, since the
// number of one may be the target of another. Everything else is closed for real: a
// container that is created and waits must not hold what its caller has leaked.
func First(sources []prog.FD, image prog.FD) (*prog.Program, error) {
	b := &prog.Builder{}
	b.From("clone")
	all := append(sources[:len(sources):len(sources)], image)
	b.Grow(2*len(all) + 2)
	moved := make([]prog.Slot, len(all))
	for to, from := range all {
		moved[to] = b.Slot(from.Name)
		b.Add(prog.Op{
			Call: prog.Fcntl, Args: prog.Args{from, prog.Int(unix.F_DUPFD_CLOEXEC), prog.Int(len(all))},
			Out: moved[to], Why: "out of the way",
		})
	}
	for to, from := range all {
		op := prog.Op{Call: prog.Dup3, Args: prog.Args{moved[to], prog.FD{Num: to, Name: from.Name}, prog.Int(0)}, Why: "handed down"}
		if to == len(sources) {
			op.Args[2], op.Why = prog.Int(unix.O_CLOEXEC), "the image itself"
		}
		b.Add(op)
	}
	b.Add(prog.Op{
		Call: prog.CloseRange, Args: prog.Args{prog.Int(len(all)), prog.Int(^uint32(0)), prog.Int(0)},
		Why: "whatever else the caller had open",
	})
	b.Add(prog.Op{
		Call: prog.Execveat,
		Args: prog.Args{prog.FD{Num: len(sources), Name: image.Name}, prog.Str(""), prog.Strings([]string{imageName}), prog.Strings(nil), prog.Int(unix.AT_EMPTY_PATH)},
		Why:  "from here on the program runs in memory of its own",
		Hint: "EACCES or EPERM: a security module of the host refuses to execute the image",
	})
	return b.Program()
}

// handed names the descriptors of the program that come behind the caller's files.
func handed(files []prog.FD, report, control int) []prog.FD {
	return append(files[:len(files):len(files)], prog.FD{Num: report, Name: "report"}, prog.FD{Num: control, Name: "control"})
}

// The birth's memory, one anonymous mapping: Go's own memory may move between the
// taking of an address and the call, and the child writes to this one.
const (
	birthArgs   = 0
	birthPidfd  = 128
	birthMasks  = 144
	birthReport = 192
	birthFirst  = 256

	// birthStrings is room for what First's operations point to, which is the
	// arguments of execveat.
	birthStrings = 1024
)

// birth is what clone3 needs, and what came of it.
type birth struct {
	first  *prog.Program
	report report
	pid    int
	pidfd  int
}

// clone makes a process that runs first and then the image. The returned error is an
// *OpError where the child came to life and failed.
func (bi *birth) clone(args clone.Args) error {
	size := birthFirst + bi.first.Len()*recordSize + birthStrings
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return fmt.Errorf("memory for clone3: %w", err)
	}
	defer unix.Munmap(memory) //nolint:errcheck // it is a mapping of ours
	at := func(offset int) unsafe.Pointer { return unsafe.Pointer(&memory[offset]) }
	address := func(offset int) uint64 { return uint64(uintptr(at(offset))) }
	l, err := lay(bi.first, runtime.GOARCH, address(birthFirst), 0, false)
	if err != nil {
		return err
	}
	if copy(memory[birthFirst:], l.mem) < len(l.mem) {
		return fmt.Errorf("the first program takes %d bytes, there is room for %d", len(l.mem), size-birthFirst)
	}
	args.Pidfd = address(birthPidfd)
	*(*clone.Args)(at(birthArgs)) = args

	*(*uint64)(at(birthMasks)) = ^uint64(0) // all signals
	pid, errno := rawClone3(at(birthArgs), clone.Size, at(birthFirst), at(birthReport), at(birthMasks))
	if errno != 0 {
		return &CloneError{Flags: args.Flags, Errno: unix.Errno(errno)}
	}
	bi.pid = int(pid)
	bi.pidfd = int(int32(binary.NativeEndian.Uint32(memory[birthPidfd:])))
	bi.report = *(*report)(at(birthReport))
	if bi.report.errno != 0 {
		step := int((bi.report.step - address(birthFirst)) / recordSize)
		op := bi.first.Op(step)
		return &OpError{Index: step, Op: op, Origin: op.Origin, Errno: unix.Errno(bi.report.errno)}
	}
	return nil
}
