#include "go_asm.h"
#include "textflag.h"

// The entry point of a command that was linked with -ldflags=-E=selfcontain_entry, in front
// of Go's; entry.go says what it is for. The kernel leaves on the stack: the number of
// arguments, them, NULL, the environment, NULL. All that stands in front of the last NULL moves
// down by a word, and the word that is free then gets one variable more.
TEXT selfcontain_entry(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVQ	$157, AX	// prctl
	MOVQ	$30, DI		// PR_GET_TIMERSLACK
	SYSCALL
	CMPQ	AX, $0
	JLE	calm		// it is forbidden, or this is a real-time process, which has none
	MOVQ	AX, ·startSlack(SB)
	MOVQ	$157, AX	// prctl
	MOVQ	$29, DI		// PR_SET_TIMERSLACK
	MOVQ	$const_patientSlack, SI
	SYSCALL
calm:
	MOVQ	$302, AX	// prlimit64
	MOVQ	$0, DI		// this process
	MOVQ	$7, SI		// RLIMIT_NOFILE
	MOVQ	$0, DX
	LEAQ	github·com∕selfcontain∕runtime∕internal∕nofile·entered(SB), R10
	SYSCALL
	MOVQ	$const_standardFiles, -16(SP)
	MOVQ	8(R10), CX
	MOVQ	CX, -8(SP)	// the hard one stays
	MOVQ	R10, BX
	MOVQ	$302, AX
	LEAQ	-16(SP), DX
	MOVQ	$0, R10
	SYSCALL
	TESTQ	AX, AX
	JZ	lowered
	MOVQ	$0, 8(BX)	// it could not be asked for, or the hard one is even lower
lowered:
	MOVQ	(SP), DI	// the number of arguments
	MOVQ	SP, SI		// where they will stand
	LEAQ	16(SP)(DI*8), CX
environment:
	MOVQ	(CX), AX
	ADDQ	$8, CX
	TESTQ	AX, AX
	JNZ	environment
	SUBQ	$8, CX		// the NULL behind it

	SUBQ	$8, SP
	MOVQ	SI, BX
move:
	MOVQ	(BX), AX
	MOVQ	AX, -8(BX)
	ADDQ	$8, BX
	CMPQ	BX, CX
	JNE	move
	LEAQ	oneProcessor<>(SB), AX
	MOVQ	AX, -8(CX)
	JMP	runtime·rt0_go(SB)

DATA oneProcessor<>+0(SB)/8, $"GOMAXPRO"
DATA oneProcessor<>+8(SB)/8, $"CS=01\000\000\000"
GLOBL oneProcessor<>(SB), NOPTR|RODATA, $16
