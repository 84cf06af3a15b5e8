#include "go_asm.h"
#include "textflag.h"

// The init: the first process of a container that has asked for one. It forwards
// every signal to the user's process, reaps whatever ends, and ends as that process
// has ended. All signals are blocked when it is executed, and stay so. It is an image
// of its own, of these bytes and a header, and knows one thing:
//
//	descriptor 0   the pidfd of the user's process, which is its child
//	BX             its memory, below the end of the stack that execve has made:
//	               0(BX) how the last child ended, 8(BX) all signals, 16(BX) a siginfo_t
//
// No stack is used, and nothing but the kernel's vdso and that one page is touched.
TEXT ·reaper(SB),NOSPLIT|NOFRAME,$0
	LEAQ	-160(SP), BX
	MOVQ	$const_initWord, (BX)	// what ps shows
	MOVQ	$157, AX		// prctl
	MOVQ	$15, DI			// PR_SET_NAME
	MOVQ	BX, SI
	SYSCALL
	MOVQ	$-1, 8(BX)
	MOVQ	$const_reaperAlone, (BX)

	// Is the user's process still a child of ours? The first time an error says
	// that somebody has executed this image again; later, that the child reaped
	// last was the one.
reap:
	MOVQ	$247, AX		// waitid
	MOVQ	$const_pPidfd, DI
	XORL	SI, SI
	XORL	DX, DX
	MOVQ	$const_reaperPeek, R10
	XORL	R8, R8
	SYSCALL
	TESTQ	AX, AX
	JNZ	end
	MOVQ	$61, AX			// wait4
	MOVQ	$-1, DI
	MOVQ	BX, SI
	MOVQ	$const_reaperTake, DX
	XORL	R10, R10
	SYSCALL
	TESTQ	AX, AX
	JGT	reap

	MOVQ	$128, AX		// rt_sigtimedwait
	LEAQ	8(BX), DI
	LEAQ	16(BX), SI
	XORL	DX, DX			// for as long as it takes
	MOVQ	$8, R10
	SYSCALL
	CMPQ	AX, $17			// SIGCHLD
	JNE	forward
	CMPL	(16+8)(BX), $0		// si_code: above 0 it comes from the kernel
	JGT	reap
forward:
	MOVQ	AX, SI
	MOVQ	$424, AX		// pidfd_send_signal
	XORL	DI, DI
	XORL	DX, DX
	XORL	R10, R10
	SYSCALL
	JMP	reap			// a SIGCHLD that was sent may stand for one of the kernel's

end:
	MOVL	(BX), DI		// exited: the status is in the second byte
	MOVL	DI, AX
	SHRL	$8, DI
	ANDL	$0x7f, AX		// killed: the signal is in these bits
	JZ	exit
	LEAL	128(AX), DI
exit:
	MOVQ	$231, AX		// exit_group
	SYSCALL
	INT	$3			// exit_group does not return

	// The end marker, behind the last instruction, as behind the interpreter's.
	QUAD	$const_markerLow
	QUAD	$const_markerHigh

// The address of the symbol as data.
DATA ·reaperCode+0(SB)/8, $·reaper(SB)
GLOBL ·reaperCode(SB), NOPTR|RODATA, $8
