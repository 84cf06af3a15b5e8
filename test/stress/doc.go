//go:build linux

/*
Stress starts processes by package nsexec under everything that could disturb it, and
looks at what must not have changed.

	go test ./test/stress                                  a few seconds each
	NSTEST_SOAK=1 go test -timeout 60m ./test/stress  20,000 starts each

Between clone3 and the execution of the image two processes share one memory, and one
thread of a Go program is a process of its own for a moment. What that could do to a
program is little in the ordinary case, so everything happens at once here:

  - 16 goroutines start processes, with images in all stores
  - runtime.GC is called without a pause, and the stacks of goroutines grow and move
  - a CPU profile is on, whose signals go to every thread
  - the process group gets SIGWINCH all the time, and with it every child that has just
    been made
  - other goroutines use os/exec, whose children share memory and descriptors for a
    moment too
  - 64 MiB of heap are checksummed all the time

and at the end every process has ended as it should, no descriptor is left open, no child
is left, and every byte is what it was. The test builds it as it is, with the race
detector, as a program with C in it, whose C threads allocate and free, and runs it with
GOGC=1 as well.
*/
package main
