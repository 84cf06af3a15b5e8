package nsexec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"unsafe"
)

// record is an operation as the interpreter reads it. The assembler gets the offsets
// of its fields from the compiler (go_asm.h), so the two cannot drift apart.
type record struct {
	nr       uint64    // number of the system call
	args     [6]uint64 // its arguments
	out      uint64    // first of the places that receive the result; each holds the address of the next
	tolerate uint64    // the one error that counts as success
	onerror  uint64    // record to go on with after any other error; 0 stops
	onresult uint64    // record to go on with after a result that is not 0; 0 is the next
}

// report is what the interpreter writes: the record of the operation that it is
// making, and the error at which it stopped.
type report struct {
	step  uint64
	errno uint64
}

const (
	recordSize = 88
	reportSize = 16
)

// exitStopped is the status of a process that stopped at an error. Who it is told
// to reads the report; the number only keeps clear of 126 and 127, by which shells
// and runtimes tell that a program could not be executed or found.
const exitStopped = 125

// The end marker of the interpreter's code, as two words and as four.
const (
	markerLow  = 0x7dd5a1f03c26e94b
	markerHigh = 0x1b8e6f4290d7c35a
	marker0    = markerLow & 0xffffffff
	marker1    = markerLow >> 32
	marker2    = markerHigh & 0xffffffff
	marker3    = markerHigh >> 32
)

// codeLimit bounds the search for the end marker. The interpreter has about two
// hundred bytes.
const codeLimit = 512

// interp is the interpreter. It is never called from Go.
//
//lint:ignore U1000 the assembler defines it and jumps to it
func interp()

// rawClone3 makes a process that runs the interpreter from the record first. It
// returns in the parent only, after the child has executed an image or has died. masks
// are two words: the signals to block meanwhile, and room for those that were blocked.
//
//go:noescape
func rawClone3(args unsafe.Pointer, size uintptr, first, report, masks unsafe.Pointer) (pid, errno uintptr)

// interpCode is the address of interp's instructions, set by the assembler.
var interpCode unsafe.Pointer

// interpreter is the machine code of the interpreter, a view of the running
// program's own text.
func interpreter() ([]byte, error) { return codeAt(interpCode) }

// codeAt is the machine code from an address to the end marker behind it.
func codeAt(code unsafe.Pointer) ([]byte, error) {
	var marker [16]byte
	binary.LittleEndian.PutUint64(marker[:8], markerLow)
	binary.LittleEndian.PutUint64(marker[8:], markerHigh)
	text := unsafe.Slice((*byte)(code), codeLimit)
	n := bytes.Index(text, marker[:])
	if n <= 0 {
		return nil, errors.New("nsexec: the interpreter's code has no end marker: this program was linked in a way that changed it")
	}
	return text[:n:n], nil
}
