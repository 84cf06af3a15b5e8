package nsexec

import (
	"encoding/binary"
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

	imageDataOffset = 0x1000 // where the data begin in the file
	codeOffset      = 0x140  // where the interpreter begins in the file, and the entry point
)

// The report's place for times begins behind its head; a traced operation takes one
// struct timespec.
const (
	traceOffset   = 64
	traceSize     = 16
	reportMapping = 1 << 18 // what Begin maps; the file is sparse
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
func (im *Image) operation(step uint64) (int, bool) {
	if step < imageOps || (step-imageOps)%recordSize != 0 {
		return 0, false
	}
	i := (step - imageOps) / recordSize
	if im.traced {
		i /= 2
	}
	if i >= uint64(im.program.Len()) {
		return 0, false
	}
	return int(i), true
}

// link puts the ELF header and the code in front of the data. elf(5)
//
// There are three segments and none is both writable and executable. The report's
// has no content in the file: it only makes sure that the interpreter can write
// there before the real report is mapped over it. Addresses equal file offsets
// modulo 64 KiB, so the file loads with every page size that arm64 has.
func link(file, code []byte, arch string) {
	copy(file[codeOffset:imageDataOffset], code)
	machine := uint16(62) // EM_X86_64
	if arch == "arm64" {
		machine = 183 // EM_AARCH64
	}
	le := binary.LittleEndian
	h := file[:0:codeOffset]
	h = append(h, "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"...) // 64 bits, little-endian, System V
	h = le.AppendUint16(h, 2)                                                   // ET_EXEC: fixed addresses
	h = le.AppendUint16(h, machine)
	h = le.AppendUint32(h, 1)
	h = le.AppendUint64(h, imageText+codeOffset) // entry point
	h = le.AppendUint64(h, 64)                   // program headers begin here
	h = le.AppendUint64(h, 0)                    // no sections
	h = le.AppendUint32(h, 0)                    // no flags
	for _, v := range []uint16{64, 56, 4, 0, 0, 0} {
		h = le.AppendUint16(h, v) // sizes and numbers of headers
	}
	segment := func(typ, flags uint32, offset, address, inFile, inMemory, align uint64) {
		h = le.AppendUint32(h, typ)
		h = le.AppendUint32(h, flags)
		for _, v := range []uint64{offset, address, address, inFile, inMemory, align} {
			h = le.AppendUint64(h, v)
		}
	}
	data := uint64(len(file) - imageDataOffset)
	const load, stack, x, w, r = 1, 0x6474e551, 1, 2, 4
	segment(load, r|x, 0, imageText, imageDataOffset, imageDataOffset, 1<<16)
	segment(load, r|w, imageDataOffset, imageOps, data, data, 1<<16)
	segment(load, r|w, 0, imageReport, 0, 1<<12, 1<<16)
	segment(stack, r|w, 0, 0, 0, 0, 16) // the stack is not executable
}
