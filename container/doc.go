// Package container makes containers: it is the one place that knows the order of
// everything.
//
//	Spec   what is wanted            ┐
//	Host   what this machine can do  ┴─► Compile ──► Plan ──► Start ──► Container
//
// [Compile] is a pure function: the same [Spec] and the same [Host] give the same
// [Plan], byte for byte, on every machine of an architecture, without privileges. A
// Plan is everything that will happen, on both sides: what the host's side does
// before, how the process is born, every system call of the container up to the
// user's program, what the host's side does while the container waits for it, and what
// is left to do afterwards. It can be printed, compared, and hashed before anything is
// done. [Plan.Start] does what the Plan says.
//
// [Create] makes a container that waits to be started, and that other processes find by
// its id:
//
//	Create ──► Container: Exec, Start, Signal, Pause, Resume, Set, Wait, Destroy
//	Load, List ──► the same, in any process
//
// The names are those that Go programs know of libcontainer: [Container.Start] makes a
// process, and [Container.Exec] has the first one, which Create has made, execute its
// program. The command line calls the one "exec" and the other "start", as the runtime
// specification does.
//
//	Create            "create"    the first process is made, and waits
//	Container.Exec    "start"     it executes its program
//	Container.Start   "exec"      a further process is made, and runs
//
// A [Container] and a [Process] may be used by several goroutines, and a container by
// several processes of the machine. Importing the package does nothing, and needs nothing
// of the importing program: no call at the beginning of main, no argument, no TestMain.
// Every error of a container's life is an [*Error] with a [Code].
package container
