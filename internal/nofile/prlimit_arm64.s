#include "textflag.h"

// func prlimit(resource uintptr, limit, old unsafe.Pointer) int
TEXT ·prlimit(SB),NOSPLIT,$0-32
	MOVD	$0, R0		// this process
	MOVD	resource+0(FP), R1
	MOVD	limit+8(FP), R2
	MOVD	old+16(FP), R3
	MOVD	$261, R8	// prlimit64
	SVC
	MOVD	R0, ret+24(FP)
	RET
