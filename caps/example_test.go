package caps_test

import (
	"fmt"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// Docker's default capabilities for a program of root: what is not among them is
// dropped from the bounding set, and one capset does the rest.
func Example() {
	names := []string{"CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID",
		"SETUID", "SETFCAP", "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"}
	c, _ := caps.ParseSets(names, names, names, nil, nil)

	var b prog.Builder
	caps.EmitBounding(&b, c, caps.LastKnown)
	caps.EmitKeep(&b, c, 0)
	caps.EmitSets(&b, c)
	printPlan(&b)
	// Output:
	// prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH)
	// prctl(PR_CAPBSET_DROP, CAP_LINUX_IMMUTABLE)
	// prctl(PR_CAPBSET_DROP, CAP_NET_BROADCAST)
	// prctl(PR_CAPBSET_DROP, CAP_NET_ADMIN)
	// prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK)
	// prctl(PR_CAPBSET_DROP, CAP_IPC_OWNER)
	// prctl(PR_CAPBSET_DROP, CAP_SYS_MODULE)
	// prctl(PR_CAPBSET_DROP, CAP_SYS_RAWIO)
	// prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE)
	// prctl(PR_CAPBSET_DROP, CAP_SYS_PACCT)
	// prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN)
	// prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT)
	// prctl(PR_CAPBSET_DROP, CAP_SYS_NICE)
	// prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE)
	// prctl(PR_CAPBSET_DROP, CAP_SYS_TIME)
	// prctl(PR_CAPBSET_DROP, CAP_SYS_TTY_CONFIG)
	// prctl(PR_CAPBSET_DROP, CAP_LEASE)
	// prctl(PR_CAPBSET_DROP, CAP_AUDIT_CONTROL)
	// prctl(PR_CAPBSET_DROP, CAP_MAC_OVERRIDE)
	// prctl(PR_CAPBSET_DROP, CAP_MAC_ADMIN)
	// prctl(PR_CAPBSET_DROP, CAP_SYSLOG)
	// prctl(PR_CAPBSET_DROP, CAP_WAKE_ALARM)
	// prctl(PR_CAPBSET_DROP, CAP_BLOCK_SUSPEND)
	// prctl(PR_CAPBSET_DROP, CAP_AUDIT_READ)
	// prctl(PR_CAPBSET_DROP, CAP_PERFMON)
	// prctl(PR_CAPBSET_DROP, CAP_BPF)
	// prctl(PR_CAPBSET_DROP, CAP_CHECKPOINT_RESTORE)
	// capset({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, {effective=1<<CAP_CHOWN|1<<CAP_DAC_OVERRIDE|1<<CAP_FOWNER|1<<CAP_FSETID|1<<CAP_KILL|1<<CAP_SETGID|1<<CAP_SETUID|1<<CAP_SETPCAP|1<<CAP_NET_BIND_SERVICE|1<<CAP_NET_RAW|1<<CAP_SYS_CHROOT|1<<CAP_MKNOD|1<<CAP_AUDIT_WRITE|1<<CAP_SETFCAP, permitted=1<<CAP_CHOWN|1<<CAP_DAC_OVERRIDE|1<<CAP_FOWNER|1<<CAP_FSETID|1<<CAP_KILL|1<<CAP_SETGID|1<<CAP_SETUID|1<<CAP_SETPCAP|1<<CAP_NET_BIND_SERVICE|1<<CAP_NET_RAW|1<<CAP_SYS_CHROOT|1<<CAP_MKNOD|1<<CAP_AUDIT_WRITE|1<<CAP_SETFCAP, inheritable=0})
	// execve("/bin/sh", ["sh"], [])
}

// A web server as uid 33 that may bind port 80, and nothing else.
func ExampleEmitSets() {
	bind := caps.Of(caps.NET_BIND_SERVICE)
	c := caps.Config{Bounding: bind, Effective: bind, Permitted: bind, Inheritable: bind, Ambient: bind}

	var b prog.Builder
	caps.EmitKeep(&b, c, 33)
	b.Add(prog.Op{Call: prog.Setresuid, Args: prog.Args{prog.Int(33), prog.Int(33), prog.Int(33)}, Why: "www-data"})
	caps.EmitSets(&b, c)
	printPlan(&b)
	fmt.Println("after execve:", c.AfterExec(33, false).Effective)
	// Output:
	// prctl(PR_SET_KEEPCAPS, 1)
	// setresuid(33, 33, 33)
	// capset({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, {effective=1<<CAP_NET_BIND_SERVICE, permitted=1<<CAP_NET_BIND_SERVICE, inheritable=1<<CAP_NET_BIND_SERVICE})
	// prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0)
	// execve("/bin/sh", ["sh"], [])
	// after execve: CAP_NET_BIND_SERVICE
}

// What cannot be granted is left out, and said.
func ExampleConfig_Grantable() {
	c, warnings := caps.ParseSets(nil, []string{"KILL"}, []string{"CAP_KILL", "CAP_SYS_ADMIN", "CAP_SUPERUSER"}, nil, nil)
	host := caps.Config{Permitted: caps.Of(caps.KILL)}
	c, more := c.Grantable(host, caps.LastKnown, 1000)
	fmt.Println(c.Permitted)
	for _, w := range append(warnings, more...) {
		fmt.Println("warning:", w)
	}
	// Output:
	// CAP_KILL
	// warning: permitted capabilities: "CAP_SUPERUSER" is not a capability
	// warning: permitted capabilities: CAP_SYS_ADMIN: not permitted to the caller
	// warning: permitted capabilities: CAP_KILL: the execve of a user other than 0 drops what is not ambient
}

// printPlan prints the operations, ended by the execve that a program needs.
func printPlan(b *prog.Builder) {
	b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/bin/sh"), prog.Strings([]string{"sh"}), prog.Strings(nil)}})
	p, err := b.Program()
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range p.Len() {
		fmt.Println(p.Text(i))
	}
}
