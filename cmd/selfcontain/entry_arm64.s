#include "go_asm.h"
#include "textflag.h"

// The entry point, as in entry_amd64.s. The stack pointer is a multiple of 16 here, so it
// moves down by two words and everything else by one.
TEXT selfcontain_entry(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVD	$167, R8	// prctl
	MOVD	$30, R0		// PR_GET_TIMERSLACK
	SVC
	CMP	$0, R0
	BLE	calm		// it is forbidden, or this is a real-time process, which has none
	MOVD	R0, ·startSlack(SB)
	MOVD	$167, R8	// prctl
	MOVD	$29, R0		// PR_SET_TIMERSLACK
	MOVD	$const_patientSlack, R1
	SVC
calm:
	MOVD	$261, R8	// prlimit64
	MOVD	$0, R0		// this process
	MOVD	$7, R1		// RLIMIT_NOFILE
	MOVD	$0, R2
	MOVD	$github·com∕selfcontain∕runtime∕internal∕nofile·entered(SB), R3
	SVC
	MOVD	R3, R4
	MOVD	$const_standardFiles, R5
	MOVD	8(R4), R6	// the hard one stays
	MOVD	RSP, R2
	SUB	$16, R2
	STP	(R5, R6), (R2)
	MOVD	$0, R0
	MOVD	$0, R3
	SVC
	CBZ	R0, lowered
	MOVD	$0, 8(R4)	// it could not be asked for, or the hard one is even lower
lowered:
	MOVD	RSP, R1		// where the arguments will stand
	MOVD	(R1), R0	// their number
	ADD	$16, R1, R2
	ADD	R0<<3, R2, R2
environment:
	MOVD	(R2), R3
	ADD	$8, R2
	CBNZ	R3, environment
	SUB	$8, R2		// the NULL behind it

	SUB	$16, RSP
	MOVD	R1, R4
move:
	MOVD	(R4), R3
	MOVD	R3, -8(R4)
	ADD	$8, R4
	CMP	R4, R2
	BNE	move
	MOVD	$oneProcessor<>(SB), R3
	MOVD	R3, -8(R2)
	JMP	runtime·rt0_go(SB)

DATA oneProcessor<>+0(SB)/8, $"GOMAXPRO"
DATA oneProcessor<>+8(SB)/8, $"CS=01\000\000\000"
GLOBL oneProcessor<>(SB), NOPTR|RODATA, $16
