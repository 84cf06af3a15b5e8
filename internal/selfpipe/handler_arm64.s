#include "textflag.h"

// The handlers. The kernel calls them on the thread's signal stack with
//
//	R0   the signal
//	R1   its siginfo_t
//	R2   the interrupted thread's registers
//	R30  the kernel's own code that gives those back, in the vdso
//
// so no register but that one has to be kept.

// handler writes the signal's number to the pipe. sigaction(2)
TEXT ·handler(SB),NOSPLIT|NOFRAME,$0
	SUB	$16, RSP
	MOVD	R0, (RSP)	// one byte of it is written: the machine is little-endian
	MOVD	RSP, R1
	MOVW	·writing(SB), R0
	MOVD	$1, R2
	MOVD	$64, R8		// write
	SVC
	ADD	$16, RSP
	RET			// to the vdso

// fault is the handler of the signals that a processor raises. si_code is above 0 when
// it was the kernel that sent one, and not above when it was a process.
TEXT ·fault(SB),NOSPLIT|NOFRAME,$0
	MOVW	8(R1), R3	// si_code
	CMPW	$0, R3
	BGT	ours
	B	·handler(SB)
ours:
	MOVD	·runtimeHandler(SB), R3
	B	(R3)

// The addresses of the symbols as data: the values of Go functions would be those of
// wrappers. There is no restorer.
DATA ·handlerCode+0(SB)/8, $·handler(SB)
GLOBL ·handlerCode(SB), NOPTR|RODATA, $8
DATA ·faultCode+0(SB)/8, $·fault(SB)
GLOBL ·faultCode(SB), NOPTR|RODATA, $8
DATA ·restorerCode+0(SB)/8, $0
GLOBL ·restorerCode(SB), NOPTR|RODATA, $8
