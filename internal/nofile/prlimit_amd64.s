#include "textflag.h"

// func prlimit(resource uintptr, limit, old unsafe.Pointer) int
TEXT ·prlimit(SB),NOSPLIT,$0-32
	MOVQ	$0, DI		// this process
	MOVQ	resource+0(FP), SI
	MOVQ	limit+8(FP), DX
	MOVQ	old+16(FP), R10
	MOVQ	$302, AX	// prlimit64
	SYSCALL
	MOVQ	AX, ret+24(FP)
	RET
