package container

import (
	"bytes"
	"encoding/binary"
	"io"
	"strconv"
)

// elfHead is what of an ELF file decides whether it can be executed. elf(5)
type elfHead struct {
	class   byte   // 1 is 32 bits, 2 is 64
	typ     uint16 // ET_EXEC, ET_DYN, …
	machine uint16
	interp  string // PT_INTERP: the dynamic loader, empty for a static program
}

// Of elf(5).
const (
	elfREL  = 1
	elfEXEC = 2
	elfDYN  = 3
	elfCORE = 4

	interpSegment = 3 // PT_INTERP
)

// machines are names for some of the values of e_machine.
var machines = [...]struct {
	number uint16
	name   string
}{
	{2, "sparc"}, {3, "386"}, {8, "mips"}, {20, "ppc"}, {21, "ppc64"}, {22, "s390x"}, {40, "arm"},
	{43, "sparc64"}, {62, "amd64"}, {183, "arm64"}, {243, "riscv64"}, {258, "loong64"},
}

// architecture is the name of the machine that a file is for.
func (h *elfHead) architecture() string {
	for _, m := range machines {
		if m.number == h.machine {
			return m.name
		}
	}
	return "machine " + strconv.Itoa(int(h.machine))
}

// readELF reads the headers of an ELF file whose first bytes are head. It is nil for
// any other file. The content is a stranger's: numbers are bounded before they are used.
func readELF(file io.ReaderAt, head []byte) *elfHead {
	if len(head) < 52 || string(head[:4]) != "\x7fELF" {
		return nil
	}
	h := &elfHead{class: head[4]}
	var order binary.ByteOrder = binary.LittleEndian
	if head[5] == 2 {
		order = binary.BigEndian
	}
	h.typ, h.machine = order.Uint16(head[16:]), order.Uint16(head[18:])
	wide := h.class == 2
	if wide && len(head) < 64 {
		return h
	}
	word := func(b []byte, narrow, at64 int) int64 {
		if wide {
			return int64(order.Uint64(b[at64:]))
		}
		return int64(order.Uint32(b[narrow:]))
	}
	offset := word(head, 28, 32)
	sizes := head[42:] // e_phentsize, e_phnum
	entry := 32
	if wide {
		sizes, entry = head[54:], 56
	}
	size, count := int(order.Uint16(sizes)), int(order.Uint16(sizes[2:]))
	if size != entry || count == 0 || count > 1024 || offset <= 0 {
		return h
	}
	table := make([]byte, size*count)
	if _, err := file.ReadAt(table, offset); err != nil {
		return h
	}
	for ; len(table) > 0; table = table[size:] {
		if order.Uint32(table) != interpSegment {
			continue
		}
		at, n := word(table, 4, 8), word(table, 16, 32)
		if at <= 0 || n < 2 || n > 4096 { // PATH_MAX
			return h
		}
		name := make([]byte, n)
		if _, err := file.ReadAt(name, at); err != nil {
			return h
		}
		name, _, _ = bytes.Cut(name, []byte{0})
		h.interp = string(name)
		return h
	}
	return h
}
