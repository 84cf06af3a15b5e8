// Package nsexec runs a program, a list of system calls, in new namespaces.
//
//	the caller                            the child of clone3
//	──────────                            ───────────────────
//	prog.Builder ──► prog.Program
//	                     │ NewImage
//	                     ▼
//	             image: an ELF file of
//	             interpreter + program
//	                     │ Start
//	   clone3(VM|VFORK|CLEAR_SIGHAND|PIDFD|namespaces)
//	                     ├───────────────► the interpreter, in the caller's memory:
//	   (stands still)    │                   dup3 …       descriptors to their numbers
//	                     │                   close_range  everything else
//	                     ◄─── vfork ends ──  execveat     the image
//	   reads the control socket              │
//	                     │                   the interpreter, in memory of its own:
//	                     │                   mmap         the report
//	   does its part  ◄──┼── sync points ──  …            the program
//	                     │                   close_range  all but 0, 1, 2 at exec
//	   end of file    ◄──┼─────────────────  execve       the user's program
//	   looks at the report: success is an execve without an error, and nothing else
//
// Nothing of this is C, and nothing of Go runs in the child: no runtime, no
// signal handler, no copy of the caller's memory. The child of clone3 runs the same
// forty instructions as the image, over a first program of a few calls ([First]),
// because Go cannot run there: the child has its parent's stack and thread.
//
// clone3 is made in assembler for the same reason, thirty lines on each of amd64 and
// arm64; its number, flags and structures, like those of every call here, are those
// of golang.org/x/sys/unix.
//
// # The rules of the dangerous region
//
// Between clone3 and execveat the child runs inside the caller's memory. It
//   - writes to nothing but one anonymous mapping that the Go runtime does not know;
//   - uses no stack: its parent will need what is there;
//   - sees no signal: all are blocked, and the handlers are gone (CLEAR_SIGHAND);
//   - has a copy of the descriptor table, so that what it moves moves for it alone.
//
// The caller's thread stands still meanwhile, and Go's garbage collector waits for it.
// So whatever holds the child up before it has executed the image holds up the caller:
// a cgroup that is frozen, or a file system that the caller itself serves.
//
// # The init
//
// A program can fork before its execve and leave its first process behind as an init
// ([EmitInit]): it reaps orphans, forwards signals and ends as the user's program ends.
// That is a second image, always the same one ([Reaper]), of less than sixty instructions.
// Or the first process ends, and the other one is what its caller follows ([EmitFork],
// [EmitVfork]).
//
// # The report
//
// The report is a file in memory that the image maps shared. The interpreter writes
// the operation that it is about to make there, and the error at which it stops. So
// whoever dies how, the last word is known: killed by a seccomp filter, by the OOM
// killer, by a signal from outside.
package nsexec
