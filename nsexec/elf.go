package nsexec

import "encoding/binary"

// segment is a program header. elf(5)
type segment struct {
	typ, flags                               uint32
	offset, address, inFile, inMemory, align uint64
}

// Types and flags of segments.
const (
	ptLoad  = 1
	ptStack = 0x6474e551

	pfX, pfW, pfR = 1, 2, 4
)

// stackSegment says that the stack is not executable.
var stackSegment = segment{typ: ptStack, flags: pfR | pfW, align: 16}

// header writes the ELF header of a static executable, whose entry point is its code
// at codeOffset, and the headers of its segments. elf(5)
func header(file []byte, arch string, segments ...segment) {
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
	for _, v := range []uint16{64, 56, uint16(len(segments)), 0, 0, 0} {
		h = le.AppendUint16(h, v) // sizes and numbers of headers
	}
	for _, s := range segments {
		h = le.AppendUint32(h, s.typ)
		h = le.AppendUint32(h, s.flags)
		for _, v := range []uint64{s.offset, s.address, s.address, s.inFile, s.inMemory, s.align} {
			h = le.AppendUint64(h, v)
		}
	}
}
