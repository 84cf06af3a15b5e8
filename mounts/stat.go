package mounts

import (
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// word is a word of struct statx, and what it should be. statx(2)
type word struct {
	offset int
	value  uint32
}

// Where the words lie in struct statx. The mode has 16 bits, with 16 of padding behind.
const (
	statxUID   = 20
	statxGID   = 24
	statxMode  = 28
	statxMajor = 128
	statxMinor = 132
	statxSize  = 256
)

// name is what the word says, in an explanation.
func (w word) name() string {
	switch w.offset {
	case statxUID:
		return "owner"
	case statxGID:
		return "group"
	case statxMode:
		return "type and mode"
	}
	return "device"
}

// deviceWords are the numbers of a device.
func deviceWords(dev uint64) []word {
	return []word{{statxMajor, unix.Major(dev)}, {statxMinor, unix.Minor(dev)}}
}

// statx asks what a descriptor leads to. Linux 4.11
func (e *emitter) statx(fd prog.Arg) *prog.Block {
	buffer := prog.Buffer("statx", statxSize)
	e.b.Add(statxOp(fd, buffer))
	return buffer
}

func statxOp(fd prog.Arg, buffer *prog.Block) prog.Op {
	return prog.Op{
		Call: prog.Statx,
		Args: prog.Args{fd, prog.Str(""), prog.Int(unix.AT_STATX_DONT_SYNC | unix.AT_EMPTY_PATH), prog.Int(unix.STATX_BASIC_STATS), buffer},
		Why:  "what is this?",
	}
}

// compare stops the program where a word is another one.
func (e *emitter) compare(stat *prog.Block, w word, why, hint string) {
	op := compareOp(stat, w)
	op.Why, op.Hint = why, hint
	e.b.Add(op)
}

func compareOp(stat *prog.Block, w word) prog.Op {
	return prog.Same(prog.Ref{Block: stat, Offset: w.offset}, prog.Int(w.value))
}
