// Package selfcontain moves a Go program into a container: the program that imports it calls
// a function, and runs once more in a container of its own, with an address of its own in
// the network.
//
//	if inside() {
//		work()
//		return
//	}
//	err := selfcontain.RunWithArgs(&selfcontain.Config{Name: "node", Data: "/var/lib/node"}, []string{"inside"})
//
// The library does nothing when it is imported, needs no hook in main and no argument of
// its own: how the program knows that it is inside is the program's choice, by an argument
// for instance. It takes root, and nothing that is installed.
//
// # Root
//
// The container shows the files of the machine, through an overlay whose changes lie in
// Data and stay there over [Container.Stop] and [Container.Start]. /var/lib is empty in the
// beginning and a plain directory of Data: what keeps overlays of its own there, as containerd does,
// could not lay them on another overlay. /proc, /sys, /dev, /run and /tmp are new, the control groups
// can be written, and Mounts come on top. The machine's other file systems are there to be
// read, without those that show the kernel. Changes of /etc go to upper/etc in Data. While the container runs
// nothing in Data is to be touched but lib.
//
// # The current program
//
// It is the running binary, bound at /run/selfcontain/program, read-only and nosuid. No copy
// is made, and whatever becomes of the file's name, it is this file. It is executed by that path, so
// that [os.Executable] and a re-execution by it work inside as well.
//
// # Processes
//
// Process 1 is a loop of system calls of a few kilobytes, which the kernel lets reap what
// ends without a parent. The main process and those of [Container.Exec] are children of
// the caller's, outside, so that it knows how they have ended. A container ends with its
// main process, and with the process that has brought it up: process 1 reads a socket whose other
// end that process has, and which the kernel closes however it ends. So everything inside is
// gone within a second of a SIGKILL. The data stay, and whoever comes next gets the name.
//
// # Rights
//
// The container is made for programs that make containers themselves: a kubelet with a
// containerd, say. It has pid, mount, uts, ipc, network and cgroup namespaces of its own and shares
// the machine's users. It has CAP_SYS_ADMIN among others, every controller that is to be
// had in its cgroup, /dev/fuse and /dev/kmsg, and /proc/sys to write to, in which some settings are the
// whole machine's. That keeps a program from stumbling over the machine and not one from
// attacking it.
package selfcontain
