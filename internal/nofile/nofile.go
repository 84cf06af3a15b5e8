// Package nofile knows the limit of open files as the process got it.
//
// Go raises the soft limit to the hard one when a program starts, in the init of
// package syscall, and gives the original back only to the programs that os/exec
// starts. A container has to get the original as well: programs that use select(2)
// break above 1024, and some close every number up to the limit.
//
// So the limit is read before syscall is initialised. The order is fixed by the
// language: packages are initialised in the order of their import paths as soon as
// what they import is ("github.com/…" sorts before "syscall"), and this package
// imports nothing but unsafe. It is the one piece of work that this module does when
// a program starts: one system call that changes nothing.
package nofile

import "unsafe"

// limit is struct rlimit64.
type limit struct{ soft, hard uint64 }

// prlimit calls prlimit64(2) for this process. It returns 0, or an error negated.
//
//go:noescape
func prlimit(resource uintptr, old unsafe.Pointer) int

// rlimitNofile is RLIMIT_NOFILE on both architectures.
const rlimitNofile = 7

var original = read()

func read() (l limit) {
	if prlimit(rlimitNofile, unsafe.Pointer(&l)) != 0 {
		return limit{}
	}
	return l
}

// Original is the limit as it was before Go raised it. ok is false where the kernel
// did not tell.
func Original() (soft, hard uint64, ok bool) {
	return original.soft, original.hard, original != limit{}
}
