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
// a program starts: one system call, which changes nothing but what the entry point of
// the command has changed for the time before.
package nofile

import "unsafe"

// limit is struct rlimit64.
type limit struct{ soft, hard uint64 }

// prlimit calls prlimit64(2) for this process. It returns 0, or an error negated.
//
//go:noescape
func prlimit(resource uintptr, limit, old unsafe.Pointer) int

// rlimitNofile is RLIMIT_NOFILE on both architectures.
const rlimitNofile = 7

// entered is the limit with which the command was started, if its entry point has lowered
// the soft one (cmd/selfcontain, entry.go), which writes it; else hard is 0.
var entered limit

var original = read()

func read() (l limit) {
	if entered.hard != 0 {
		_ = prlimit(rlimitNofile, unsafe.Pointer(&entered), nil) // what it was a moment ago is allowed
		return entered
	}
	if prlimit(rlimitNofile, nil, unsafe.Pointer(&l)) != 0 {
		return limit{}
	}
	return l
}

// Original is the limit as it was before Go raised it. ok is false where the kernel
// did not tell.
func Original() (soft, hard uint64, ok bool) {
	return original.soft, original.hard, original != limit{}
}
