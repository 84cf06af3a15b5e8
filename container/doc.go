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
//	Create ──► Container: Start, Signal, Pause, Resume, Set, Wait, Destroy
//	Load, List ──► the same, in any process
package container
