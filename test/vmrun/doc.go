// Command vmrun runs one command on a Debian kernel of its own, under QEMU,
// and returns its output and its exit status.
//
//	vmrun [flags] [--] command [args...]
//	go test -exec "vmrun -exec" ./pkg
//
// It needs QEMU and Debian's apt, no KVM, no root. Kernel, busybox and other
// packages come through an apt state of their own below the cache directory;
// nothing of the machine's configuration is touched, and what is cached needs
// no network.
//
// # How it works
//
// One program has three parts:
//
//   - the host (run.go) collects kernel, modules and files into an initramfs,
//     starts QEMU and copies frames from a virtio port to its own output;
//   - PID 1 of the guest (guestinit.go) loads the modules, mounts what a
//     Debian system has mounted and starts the agent;
//   - the agent (agent.go) runs the command, sends frames, and powers off.
//
// PID 1 and the agent end in a power-off. They run only where the kernel's
// command line has [guestToken], which only the host part puts there.
//
// # Exit status
//
// The command's; 128+n when signal n ended it; 127 when it could not be
// started; 124 after -timeout; 125 when vmrun or the guest failed, together
// with the end of the guest's console.
package main
