#include "textflag.h"

// The handlers. The kernel calls them on the thread's signal stack with
//
//	DI  the signal
//	SI  its siginfo_t
//	DX  the interrupted thread's registers, which restorer gives back
//
// so no register has to be kept.

// handler writes the signal's number to the pipe. sigaction(2)
TEXT ·handler(SB),NOSPLIT|NOFRAME,$0
	PUSHQ	DI		// one byte of it is written: the machine is little-endian
	MOVQ	SP, SI
	MOVL	·writing(SB), DI
	MOVL	$1, DX
	MOVL	$1, AX		// write
	SYSCALL
	POPQ	DI
	RET			// to restorer

// fault is the handler of the signals that a processor raises. si_code is above 0 when
// it was the kernel that sent one, and not above when it was a process.
TEXT ·fault(SB),NOSPLIT|NOFRAME,$0
	CMPL	8(SI), $0	// si_code
	JGT	ours
	JMP	·handler(SB)
ours:
	MOVQ	·runtimeHandler(SB), AX
	JMP	AX

// restorer goes back to what was interrupted. On amd64 the kernel wants to be told of
// one.
TEXT ·restorer(SB),NOSPLIT|NOFRAME,$0
	MOVL	$15, AX		// rt_sigreturn
	SYSCALL
	INT	$3		// it does not return

// The addresses of the symbols as data: the values of Go functions would be those of
// wrappers.
DATA ·handlerCode+0(SB)/8, $·handler(SB)
GLOBL ·handlerCode(SB), NOPTR|RODATA, $8
DATA ·faultCode+0(SB)/8, $·fault(SB)
GLOBL ·faultCode(SB), NOPTR|RODATA, $8
DATA ·restorerCode+0(SB)/8, $·restorer(SB)
GLOBL ·restorerCode(SB), NOPTR|RODATA, $8
