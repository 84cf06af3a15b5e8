//go:build linux

/*
Bench measures what the life of one container costs, against the tools people
start containers with today, and prints one table.

	make bench                                   builds bin/selfcontain, about two minutes, needs root
	go run ./test/bench -rounds 200 -peers crun  shorter, one peer

# What is compared

A row is "ours against a peer". Both do the same job from the same bundle: a
busybox root file system on a tmpfs, the default configuration of an OCI runtime
(proc, dev, devpts, shm, mqueue, sysfs, cgroup; the usual masked and read-only
paths; new pid, network, ipc, uts, mount and cgroup namespaces), and /bin/true as
its program. The clock runs from before the process is started until it has been
waited for, so the container's end is in the figure as well as its beginning.

	crun, runc   "run" of the same bundle. crun is told to leave cgroups alone; runc
	             1.1 cannot be, and makes and removes one
	bwrap        the same namespaces, mounts and masks from its command line. It cannot
	             mount a new sysfs or cgroup2 and binds prepared ones instead, and binds
	             each device node where the others make one
	unshare      unshare and chroot: the namespaces, and no mount at all. Not a container,
	             a floor

Before it is timed, every contestant runs once with a program that looks around.
One that does not make all six namespaces is refused. How many mounts each of them
made is printed below the table: who mounts less does less.

The rows of the life cycle are about the commands that engines call: "create", "start" and
"delete" of a container whose program is /bin/true, with the wait for its end in between;
"exec" of /bin/true in a container that lives; its "state"; and "kill" with KILL, the wait
for the end, and "delete". There everybody makes cgroups, in the same hierarchy, without a limit.
State is on the same tmpfs, so nobody waits for a disk.

"warm process" rows are measured inside one long-lived Go process, as an importer of
the library sees it. The peer there is os.StartProcess of the same program with the
same clone flags and nothing else: what the kernel asks for six empty namespaces.

# How it is measured

Everything runs in one private mount and pid namespace with a plain cgroup2 on
/sys/fs/cgroup, because crun refuses hybrid hierarchies. Every contestant is
started in the same way, by os.StartProcess with /dev/null as standard streams.

Each round goes once over all rows in random order. Within a row ours and the peer
run back to back, in random order. The machine's moods (another tenant, a clock that
changes its speed) last longer than a pair and therefore hit both sides of it. Before each
run the bench sleeps for -pause: the kernel frees a network namespace and a mount
namespace in the background after the process is gone, and without the pause a contestant would
pay for what the one before it left behind.

# How to read the table

	ours, peer   medians of each side, for orientation: they move with the machine
	ratio        the median over all pairs of ours divided by peer: the figure to quote
	95%          the interval for that median from order statistics; no distribution
	             is assumed. Two runs of the bench whose intervals do not overlap differ
	reach, aim   what the project wants to reach, and would like to
	met          which of the two the ratio meets

Ratios below 1 mean that ours is faster. Peak RSS is VmHWM of the process itself at the moment of its
exit, read while ptrace(2) holds it there: wait4's ru_maxrss would include the children, and for a
child of vfork the memory of the bench. "MB" is 1,000,000 bytes, "KiB" is 1024. The
page faults beside it are that process's minor ones: in a process that lives three
milliseconds they are a good part of its time, more so in a virtual machine.

A created container is the process that waits to be started: what it has resident (VmRSS), and how
much of that is its own alone. The least memory.max is that of linux.resources.memory.limit
with which "run" of /bin/true succeeds; it takes a unified hierarchy with the memory controller,
as a guest has (test/vmrun):

	CGO_ENABLED=0 go build -o bin/bench ./test/bench
	bin/vmrun -smp 1 -m 1024 -pkg crun -pkg runc -pkg busybox-static -f bin/bench:/bench \
		-f bin/selfcontain:/selfcontain -- /bench -selfcontain /selfcontain -least -peers crun,runc

With -many, containers are created and stay, a thousand of them say, and the table tells only of that: how the
create of the last fifty compares with that of the first, each beside a fork and exec of /bin/true; how long it
takes to list all; and what each has resident.

	make bench BENCHFLAGS='-many 1000 -peers crun,runc'   four minutes, most of them runc's; 10 GB of memory

Nothing is left behind: the mounts and processes end with the two namespaces, and the
cgroups, whose names start with the container's id, are removed last.
A timing never fails the run unless -min asks for it; a contestant that does not work does.
*/
package main
