// Package prog is the language in which a container is written down before it
// is made: a flat list of system calls.
//
// An [Op] is one system call with its arguments, what to do with its result and
// where to go on. A [Builder] collects operations; [Builder.Program] checks them
// and returns an immutable [Program], which can be printed (%v, %+v), encoded as
// JSON, run on paper by a [Machine], or laid out as an executable image by
// package nsexec.
//
// The package is pure data. It makes no system call, needs no privilege and uses
// no unsafe code, so everything that it says about a container can be said, and
// tested, on any machine.
//
// # The model
//
// Operations are made in order. After each one there are four ways to go on:
//
//	the result is 0              the next operation
//	the result is not 0          OnResult, or the next operation where it is unset
//	the error is Tolerate        the next operation; nothing is stored
//	any other error              OnError, or stop and report where it is unset
//
// A result is kept in a [Slot], and a slot is no register: it is the list of all
// places that wait for the value, argument fields of later operations and fields
// of structures. Storing the result fills them in; the program patches itself.
// So a slot is written once on every path, and a program that could read one
// too early, or write one twice, is refused when it is built.
package prog
