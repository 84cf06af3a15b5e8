package mounts

import (
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// EmitProcfs makes a procfs that is attached nowhere, for what the program itself
// reads and writes in /proc. What the container has at /proc is its own affair: a
// mount may cover any of it. The process is in the container's pid namespace, in
// which it has to be made, and the host's tree has not gone yet: a user namespace may
// make a procfs only while it can see another one.
func EmitProcfs(b *prog.Builder) prog.Slot {
	return newFilesystem(b, "proc", nil, nosuid|nodev|noexec, "procfs", "a procfs of our own, out of everybody's reach")
}

// OpenProc opens a file of the procfs that [EmitProcfs] has made, such as
// "self/oom_score_adj" or "sys/net/ipv4/ip_forward". flags are those of openat2(2).
func OpenProc(b *prog.Builder, procfs prog.Slot, path string, flags uint64) prog.Slot {
	out := b.Slot("file")
	b.Add(prog.Op{
		Call: prog.Openat2,
		Args: prog.Args{procfs, prog.Str(path),
			b.OpenHow(flags|unix.O_CLOEXEC, 0, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_XDEV|unix.RESOLVE_NO_MAGICLINKS),
			prog.Int(prog.OpenHowSize)},
		Out: out, Why: "/proc/" + path,
		Hint: "ENOENT: this kernel has no such file, or not in this namespace; EACCES: it cannot be written from here",
	})
	return out
}
