#include "go_asm.h"
#include "textflag.h"

// The init: the first process of a container that has asked for one. It forwards
// every signal to the user's process, reaps whatever ends, and ends as that process
// has ended. All signals are blocked when it is executed, and stay so. It is an image
// of its own, of these bytes and a header, and knows one thing:
//
//	descriptor 0   the pidfd of the user's process, which is its child
//	R19            its memory, below the end of the stack that execve has made:
//	               0(R19) how the last child ended, 8(R19) all signals, 16(R19) a siginfo_t
//
// No stack is used, and nothing but the kernel's vdso and that one page is touched.
TEXT ·reaper(SB),NOSPLIT|NOFRAME,$0
	SUB	$160, RSP, R19
	MOVD	$const_initWord, R6	// what ps shows
	MOVD	R6, (R19)
	MOVD	$167, R8		// prctl
	MOVD	$15, R0			// PR_SET_NAME
	MOVD	R19, R1
	SVC
	MOVD	$-1, R6
	MOVD	R6, 8(R19)
	MOVD	$const_reaperAlone, R6
	MOVD	R6, (R19)

	// Is the user's process still a child of ours? The first time an error says
	// that somebody has executed this image again; later, that the child reaped
	// last was the one.
reap:
	MOVD	$95, R8			// waitid
	MOVD	$const_pPidfd, R0
	MOVD	ZR, R1
	MOVD	ZR, R2
	MOVD	$const_reaperPeek, R3
	MOVD	ZR, R4
	SVC
	CBNZ	R0, end
	MOVD	$260, R8		// wait4
	MOVD	$-1, R0
	MOVD	R19, R1
	MOVD	$const_reaperTake, R2
	MOVD	ZR, R3
	SVC
	CMP	$0, R0
	BGT	reap

	MOVD	$137, R8		// rt_sigtimedwait
	ADD	$8, R19, R0
	ADD	$16, R19, R1
	MOVD	ZR, R2			// for as long as it takes
	MOVD	$8, R3
	SVC
	CMP	$17, R0			// SIGCHLD
	BNE	forward
	MOVW	(16+8)(R19), R6		// si_code: above 0 it comes from the kernel
	CMP	$0, R6
	BGT	reap
forward:
	MOVD	R0, R1
	MOVD	$424, R8		// pidfd_send_signal
	MOVD	ZR, R0
	MOVD	ZR, R2
	MOVD	ZR, R3
	SVC
	B	reap			// a SIGCHLD that was sent may stand for one of the kernel's

end:
	MOVWU	(R19), R0		// exited: the status is in the second byte
	AND	$0x7f, R0, R6		// killed: the signal is in these bits
	LSR	$8, R0, R0
	CBZ	R6, exit
	ADD	$128, R6, R0
exit:
	MOVD	$94, R8			// exit_group
	SVC
	BRK				// exit_group does not return

	// The end marker, behind the last instruction, as behind the interpreter's.
	WORD	$const_marker0
	WORD	$const_marker1
	WORD	$const_marker2
	WORD	$const_marker3

// The address of the symbol as data.
DATA ·reaperCode+0(SB)/8, $·reaper(SB)
GLOBL ·reaperCode(SB), NOPTR|RODATA, $8
