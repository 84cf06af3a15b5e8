package nsexec

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// The image's addresses. Nothing else lives in such a process but its stack and the
// kernel's vdso, both far above.
const (
	imageText   = 0x10000000 // headers and interpreter, read and execute
	imageOps    = 0x20001000 // records, strings and structures, read and write
	imageReport = 0x30000000 // the report, read and write
	imageForked = 0x40000000 // its head once more, while a guard is made
	imageSecond = 0x50000000 // the part of it for the second process of a vfork, until that is there

	imageDataOffset = 0x1000 // where the data begin in the file
	codeOffset      = 0x140  // where the interpreter begins in the file, and the entry point
)

// The report's place for times begins behind its head; a traced operation takes one
// struct timespec.
const (
	reportForked  = reportSize // where the kernel writes the number of a forked process
	forkedMapping = 1 << 12    // what is mapped for that alone
	traceOffset   = 64
	traceSize     = 16
	reportMapping = 1 << 18    // what Begin maps; the file is sparse
	initReport    = 1 << 18    // where in the file a process goes on that becomes an init
	secondReport  = initReport // and the second one of a vfork: no program has both
	traceLimit    = (reportMapping - traceOffset) / traceSize

	clockMonotonic = unix.CLOCK_MONOTONIC
)

func traceSlot(i int) uint64 { return traceOffset + uint64(i)*traceSize }

// Image is a program laid out as a static executable of a few pages: the
// interpreter, and the program as its data. It does not change.
type Image struct {
	program *prog.Program
	arch    string
	data    []byte
	traced  bool
}

// NewImage lays a program out for the running machine. The program begins with the
// operations of [Begin].
func NewImage(p *prog.Program) (*Image, error) { return newImage(p, runtime.GOARCH, false) }

// NewTracedImage is NewImage with the clock read before every operation, for
// [Process.Trace]. It costs two system calls where there was one.
func NewTracedImage(p *prog.Program) (*Image, error) {
	if p.Len() > traceLimit {
		return nil, fmt.Errorf("a program of %d operations cannot be traced: the report has room for %d", p.Len(), traceLimit)
	}
	return newImage(p, runtime.GOARCH, true)
}

func newImage(p *prog.Program, arch string, traced bool) (*Image, error) {
	if err := checkBegin(p); err != nil {
		return nil, err
	}
	code, err := interpreter()
	if err != nil {
		return nil, err
	}
	l, err := lay(p, arch, imageOps, imageDataOffset, traced)
	if err != nil {
		return nil, err
	}
	link(l.mem, code, arch)
	return &Image{program: p, arch: arch, data: l.mem, traced: traced}, nil
}

// Program is the program of the image.
func (im *Image) Program() *prog.Program { return im.program }

// Bytes is the executable file. It must not be changed.
func (im *Image) Bytes() []byte { return im.data }

// operation is the index of the operation whose record is at an address, which
// comes from a report and is not to be trusted.
func (o outline) operation(step uint64) (int, bool) {
	if step < imageOps || (step-imageOps)%recordSize != 0 {
		return 0, false
	}
	i := (step - imageOps) / recordSize
	if o.traced {
		i /= 2
	}
	if i >= uint64(o.len) {
		return 0, false
	}
	return int(i), true
}

// link puts the ELF header and the code in front of the data.
//
// There are three segments and none is both writable and executable. The report's
// has no content in the file: it only makes sure that the interpreter can write
// there before the real report is mapped over it. Addresses equal file offsets
// modulo 64 KiB, so the file loads with every page size that arm64 has.
func link(file, code []byte, arch string) {
	copy(file[codeOffset:imageDataOffset], code)
	data := uint64(len(file) - imageDataOffset)
	header(file, arch,
		segment{ptLoad, pfR | pfX, 0, imageText, imageDataOffset, imageDataOffset, 1 << 16},
		segment{ptLoad, pfR | pfW, imageDataOffset, imageOps, data, data, 1 << 16},
		segment{ptLoad, pfR | pfW, 0, imageReport, 0, 1 << 12, 1 << 16},
		stackSegment)
}
