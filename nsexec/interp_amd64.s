#include "go_asm.h"
#include "textflag.h"

// The interpreter. It makes the system calls of a program, one record after the
// other, until one of them ends the process or fails where nothing says how to go
// on. Two processes run it: the child of clone3, inside the caller's memory, and
// the image, into which these very bytes are copied. So it refers to nothing
// outside itself, uses no stack, and keeps its state in two registers:
//
//	BX   the record of the operation being made
//	R12  the report
//	CX, DX  scratch; the kernel destroys RCX and R11 at every call
//
// No comparison, no arithmetic, no memory but records, slots and the report: what a
// program needs beyond that it asks the kernel for.
TEXT ·interp(SB),NOSPLIT|NOFRAME,$0
	// A process fresh from execve has all registers zero (ELF_PLAT_INIT in
	// arch/x86/include/asm/elf.h): this is the image. The child of clone3
	// brings its own first record and report.
	TESTQ	BX, BX
	JNZ	operation
	MOVQ	$const_imageOps, BX
	MOVQ	$const_imageReport, R12

operation:
	MOVQ	BX, report_step(R12)
	MOVQ	record_nr(BX), AX
	MOVQ	(record_args+0)(BX), DI
	MOVQ	(record_args+8)(BX), SI
	MOVQ	(record_args+16)(BX), DX
	MOVQ	(record_args+24)(BX), R10
	MOVQ	(record_args+32)(BX), R8
	MOVQ	(record_args+40)(BX), R9
	SYSCALL
	CMPQ	AX, $-4095
	JCC	failed

	// Store the result: out leads to the first place that waits for it, and
	// each place holds the address of the next until it is filled in.
	MOVQ	record_out(BX), CX
store:
	TESTQ	CX, CX
	JZ	stored
	MOVQ	(CX), DX
	MOVQ	AX, (CX)
	MOVQ	DX, CX
	JMP	store

stored:
	TESTQ	AX, AX
	JZ	next
	MOVQ	record_onresult(BX), CX
	TESTQ	CX, CX
	JZ	next
branch:
	MOVQ	CX, BX
	JMP	operation

next:
	ADDQ	$record__size, BX
	JMP	operation

failed:
	NEGQ	AX
	CMPQ	AX, record_tolerate(BX)
	JEQ	next
	MOVQ	record_onerror(BX), CX
	TESTQ	CX, CX
	JNZ	branch
	MOVQ	AX, report_errno(R12)
	MOVQ	$231, AX	// exit_group
	MOVQ	$const_exitStopped, DI
	SYSCALL
	INT	$3		// exit_group does not return

	// The end marker, behind the last instruction: what package nsexec copies
	// ends here, wherever the linker has put this symbol.
	QUAD	$const_markerLow
	QUAD	$const_markerHigh

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
	MOVQ	masks+32(FP), R13	// what to block, and room for what was blocked
	MOVQ	$14, AX		// rt_sigprocmask
	MOVQ	$2, DI		// SIG_SETMASK
	MOVQ	R13, SI
	LEAQ	8(R13), DX
	MOVQ	$8, R10
	SYSCALL
	CMPQ	AX, $-4095
	JCC	failed

	MOVQ	args+0(FP), DI
	MOVQ	size+8(FP), SI
	MOVQ	first+16(FP), BX
	MOVQ	report+24(FP), R12
	MOVQ	$435, AX	// clone3
	SYSCALL
	TESTQ	AX, AX
	JZ	child

	MOVQ	AX, R9
	MOVQ	$14, AX		// rt_sigprocmask
	MOVQ	$2, DI		// SIG_SETMASK
	LEAQ	8(R13), SI
	MOVQ	$0, DX
	MOVQ	$8, R10
	SYSCALL			// with what it has just said itself it cannot fail
	MOVQ	R9, AX
	CMPQ	AX, $-4095
	JCC	failed
	MOVQ	AX, pid+40(FP)
	MOVQ	$0, errno+48(FP)
	RET
failed:
	NEGQ	AX
	MOVQ	$0, pid+40(FP)
	MOVQ	AX, errno+48(FP)
	RET
child:
	JMP	·interp(SB)

// The address of the symbol as data: the value of a Go function would be that of a
// wrapper for Go's own calling convention.
DATA ·interpCode+0(SB)/8, $·interp(SB)
GLOBL ·interpCode(SB), NOPTR|RODATA, $8
