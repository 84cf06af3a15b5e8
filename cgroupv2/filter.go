package cgroupv2

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Filter is a program for the kernel's eBPF machine, of type
// BPF_PROG_TYPE_CGROUP_DEVICE. It runs whenever a process of the group opens or makes a device
// file; the kernel goes on where it returns 1, and otherwise the process gets EPERM.
//
// https://docs.kernel.org/bpf/standardization/instruction-set.html
type Filter []Instruction

// Instruction is one eBPF instruction, struct bpf_insn of linux/bpf.h.
type Instruction struct {
	Op       uint8
	Dst, Src uint8 // registers
	Off      int16 // of a jump, in instructions from the next one; of memory, in bytes
	Imm      int32
}

// The operations that a filter is made of: class, then what it does, then whether
// the operand is a register or a number.
const (
	opLoad32    = 0x61 // dst = *(u32 *)(src + off)
	opMove      = 0xb4 // dst = imm, 32 bits as all of these
	opMoveReg   = 0xbc // dst = src
	opAnd       = 0x54 // dst &= imm
	opShift     = 0x74 // dst >>= imm
	opJumpNot   = 0x56 // if dst != imm goto off
	opJumpIs    = 0x16 // if dst == imm goto off
	opJumpBits  = 0x46 // if dst & imm goto off
	opJump      = 0x05 // goto off
	opExit      = 0x95 // return r0
	regVerdict  = 0    // r0, the result
	regContext  = 1    // r1, struct bpf_cgroup_dev_ctx
	regKind     = 2    // r2, devBlock or devChar
	regWanted   = 3    // r3, accesses that nothing has allowed yet
	regMajor    = 4
	regMinor    = 5
	allowed     = 1
	denied      = 0
	accessShift = 16 // access_type has the accesses above, the type below
)

// NewFilter makes a filter of rules. Every access is decided by itself, by the last
// rule that is about the device and that access, and is denied without one; what is asked
// for is allowed if each of its accesses is. So rules for reading and for writing add up.
//
// The instructions go through the rules from the last to the first, and strike out of
// the accesses that are wanted what a rule allows: when none is left, that is a yes.
func NewFilter(rules []DeviceRule) (Filter, error) {
	f := Filter{
		{Op: opLoad32, Dst: regKind, Src: regContext, Off: 0},
		{Op: opMoveReg, Dst: regWanted, Src: regKind},
		{Op: opShift, Dst: regWanted, Imm: accessShift},
		{Op: opAnd, Dst: regKind, Imm: 1<<accessShift - 1},
		{Op: opLoad32, Dst: regMajor, Src: regContext, Off: 4},
		{Op: opLoad32, Dst: regMinor, Src: regContext, Off: 8},
	}
	if len(rules) > maxRules {
		return nil, fmt.Errorf(origin+"devices: %d rules, more than %d", len(rules), maxRules)
	}
	var runs []run
	rest := false
	for i, r := range slices.Backward(rules) {
		n, err := r.numbers()
		if err != nil {
			return nil, fmt.Errorf(origin+"devices[%d]: %w", i, err)
		}
		if n.everything() { // the rules before it are not reached
			rest = n.allow
			break
		}
		runs = appendRun(runs, n)
	}
	for _, r := range runs {
		f = append(f, r.instructions()...)
	}
	return append(f, answer(rest)...), nil
}

// run is a run of rules that differ in their minor number alone. The kernel's verifier takes
// about 5 microseconds for an instruction, at the creation of every container.
type run struct {
	numbers
	minors []int64
}

func appendRun(runs []run, n numbers) []run {
	if k := len(runs) - 1; k >= 0 && n.minor != Any {
		last := runs[k].numbers
		if last.minor != Any {
			last.minor = n.minor
			if last == n {
				runs[k].minors = append(runs[k].minors, n.minor)
				return runs
			}
		}
	}
	return append(runs, run{n, []int64{n.minor}})
}

// maxRules is what the kernel takes of the worst rules: its verifier follows the
// instructions from each rule that fits to the end, which is quadratic, and gives up
// after a million steps.
const maxRules = 400

// instructions are those of one run. Where it is not about the device they go on behind
// it, and so they do while accesses are left.
func (r run) instructions() Filter {
	var tests Filter
	if r.kind != 0 {
		tests = append(tests, Instruction{Op: opJumpNot, Dst: regKind, Imm: r.kind})
	}
	if r.major != Any {
		tests = append(tests, Instruction{Op: opJumpNot, Dst: regMajor, Imm: int32(r.major)})
	}
	if r.minor != Any {
		for _, minor := range r.minors {
			tests = append(tests, Instruction{Op: opJumpIs, Dst: regMinor, Imm: int32(minor)})
		}
		tests[len(tests)-1].Op = opJumpNot
	}
	verdict := r.verdict()
	for i := range tests {
		tests[i].Off = int16(len(tests) - i - 1) // to the verdict
		if tests[i].Op == opJumpNot {
			tests[i].Off += int16(len(verdict)) // to what follows
		}
	}
	return append(tests, verdict...)
}

// verdict is the answer of a rule about the device, where it has one.
func (n numbers) verdict() Filter {
	var f Filter
	switch {
	case n.access == accAll: // it has, whatever is wanted
	case n.allow:
		f = Filter{
			{Op: opAnd, Dst: regWanted, Imm: accAll &^ n.access},
			{Op: opJumpNot, Dst: regWanted, Off: 2},
		}
	default:
		f = Filter{
			{Op: opJumpBits, Dst: regWanted, Off: 1, Imm: n.access},
			{Op: opJump, Off: 2},
		}
	}
	return append(f, answer(n.allow)...)
}

func answer(allow bool) Filter {
	value := int32(denied)
	if allow {
		value = allowed
	}
	return Filter{{Op: opMove, Dst: regVerdict, Imm: value}, {Op: opExit}}
}

// Bytes is the program as bpf(2) takes it on this machine's kind of processor:
// little-endian, on amd64 and on arm64.
func (f Filter) Bytes() []byte {
	b := make([]byte, 0, 8*len(f))
	for _, i := range f {
		b = append(b, i.Op, i.Src<<4|i.Dst)
		b = binary.LittleEndian.AppendUint16(b, uint16(i.Off))
		b = binary.LittleEndian.AppendUint32(b, uint32(i.Imm))
	}
	return b
}
