#include "go_asm.h"
#include "textflag.h"

// The interpreter. It makes the system calls of a program, one record after the
// other, until one of them ends the process or fails where nothing says how to go
// on. Two processes run it: the child of clone3, inside the caller's memory, and
// the image, into which these very bytes are copied. So it refers to nothing
// outside itself, uses no stack, and keeps its state in two registers:
//
//	R19  the record of the operation being made
//	R20  the report
//	R6, R7  scratch; the kernel destroys only R0
//
// No comparison, no arithmetic, no memory but records, slots and the report: what a
// program needs beyond that it asks the kernel for.
TEXT ·interp(SB),NOSPLIT|NOFRAME,$0
	// A process fresh from execve has all registers zero (start_thread_common
	// in arch/arm64/include/asm/processor.h): this is the image. The child of
	// clone3 brings its own first record and report.
	CBNZ	R19, operation
	MOVD	$const_imageOps, R19
	MOVD	$const_imageReport, R20

operation:
	MOVD	R19, report_step(R20)
	MOVD	record_nr(R19), R8
	MOVD	(record_args+0)(R19), R0
	MOVD	(record_args+8)(R19), R1
	MOVD	(record_args+16)(R19), R2
	MOVD	(record_args+24)(R19), R3
	MOVD	(record_args+32)(R19), R4
	MOVD	(record_args+40)(R19), R5
	SVC
	CMN	$4095, R0
	BCS	failed

	// Store the result: out leads to the first place that waits for it, and
	// each place holds the address of the next until it is filled in.
	MOVD	record_out(R19), R6
store:
	CBZ	R6, stored
	MOVD	(R6), R7
	MOVD	R0, (R6)
	MOVD	R7, R6
	B	store

stored:
	CBZ	R0, next
	MOVD	record_onresult(R19), R6
	CBZ	R6, next
branch:
	MOVD	R6, R19
	B	operation

next:
	ADD	$record__size, R19
	B	operation

failed:
	NEG	R0, R0
	MOVD	record_tolerate(R19), R6
	CMP	R0, R6
	BEQ	next
	MOVD	record_onerror(R19), R6
	CBNZ	R6, branch
	MOVD	R0, report_errno(R20)
	MOVD	$94, R8		// exit_group
	MOVD	$const_exitStopped, R0
	SVC
	BRK			// exit_group does not return

	// The end marker, behind the last instruction: what package nsexec copies
	// ends here, wherever the linker has put this symbol.
	WORD	$const_marker0
	WORD	$const_marker1
	WORD	$const_marker2
	WORD	$const_marker3

// func rawClone3(args unsafe.Pointer, size uintptr, first, report, masks unsafe.Pointer) (pid, errno uintptr)
//
// The child shares the caller's memory and stack (CLONE_VM|CLONE_VFORK), and the
// caller stands still until it has executed the image. It must not return from
// here: it would return into Go, with a stack and a thread that are not its own.
//
// Signals are blocked around the call: a handler of Go's, run in the child, would
// destroy both. All three calls are made here because Go moves no goroutine to
// another thread in the midst of assembler, so none has to be locked to its thread.
TEXT ·rawClone3(SB),NOSPLIT,$0-56
	MOVD	masks+32(FP), R21	// what to block, and room for what was blocked
	MOVD	$135, R8	// rt_sigprocmask
	MOVD	$2, R0		// SIG_SETMASK
	MOVD	R21, R1
	ADD	$8, R21, R2
	MOVD	$8, R3
	SVC
	CMN	$4095, R0
	BCS	failed

	MOVD	args+0(FP), R0
	MOVD	size+8(FP), R1
	MOVD	first+16(FP), R19
	MOVD	report+24(FP), R20
	MOVD	$435, R8	// clone3
	SVC
	CBZ	R0, child

	MOVD	R0, R22
	MOVD	$135, R8	// rt_sigprocmask
	MOVD	$2, R0		// SIG_SETMASK
	ADD	$8, R21, R1
	MOVD	ZR, R2
	MOVD	$8, R3
	SVC			// with what it has just said itself it cannot fail
	MOVD	R22, R0
	CMN	$4095, R0
	BCS	failed
	MOVD	R0, pid+40(FP)
	MOVD	ZR, errno+48(FP)
	RET
failed:
	NEG	R0, R0
	MOVD	ZR, pid+40(FP)
	MOVD	R0, errno+48(FP)
	RET
child:
	B	·interp(SB)

// The address of the symbol as data: the value of a Go function would be that of a
// wrapper for Go's own calling convention.
DATA ·interpCode+0(SB)/8, $·interp(SB)
GLOBL ·interpCode(SB), NOPTR|RODATA, $8
