package container

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// TestWhichRuleOfTheKernel is about errors that have several meanings, told apart by
// circumstances that a test cannot make everywhere.
func TestWhichRuleOfTheKernel(t *testing.T) {
	const all = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET
	limits := func(file string) map[string]string { return map[string]string{file: "0", "max_uts_namespaces": "0"} }
	user := clone.Namespaces{{Type: clone.NEWUSER}}
	for _, row := range []struct {
		name  string
		op    prog.Op // where it is not clone3 that failed
		flags uintptr
		errno unix.Errno
		facts circumstances
		spec  Spec
		admin bool // the caller has CAP_SYS_ADMIN
		want  string
	}{
		{name: "no privilege", flags: all, errno: unix.EPERM,
			want: "new namespaces need CAP_SYS_ADMIN, which this process does not have; in a user namespace of the container's own nobody needs it"},
		{name: "privilege, and yet", flags: all, errno: unix.EPERM, admin: true, want: ""},
		{name: "a seccomp filter", flags: all, errno: unix.EPERM, admin: true, facts: circumstances{seccomp: true}, want: filterText},
		{name: "AppArmor", flags: unix.CLONE_NEWUSER, errno: unix.EPERM, facts: circumstances{apparmorRestricts: true}, want: apparmorText},
		{name: "Debian's own setting", flags: unix.CLONE_NEWUSER, errno: unix.EPERM, facts: circumstances{userClone: "0", seccomp: true},
			want: "ordinary users may not make user namespaces here: sysctl kernel.unprivileged_userns_clone=1 allows it"},
		{name: "a chroot", flags: unix.CLONE_NEWUSER, errno: unix.EPERM, facts: circumstances{userClone: "1"},
			want: "this process is in a chroot, or its own ids are not mapped"},
		{name: "no clone3", flags: all, errno: unix.ENOSYS, want: "the kernel is older than 5.3"},
		{name: "clone3 is hidden", flags: all, errno: unix.ENOSYS, facts: circumstances{seccomp: true},
			want: "a seccomp filter around this process hides the call, as docker's older default one does"},
		{name: "no user namespaces", flags: unix.CLONE_NEWUSER, errno: unix.ENOSPC, facts: circumstances{limits: limits("max_user_namespaces")},
			want: "the limit user.max_user_namespaces is 0: no such namespace can be made here"},
		{name: "no network namespaces", flags: all, errno: unix.ENOSPC, facts: circumstances{limits: limits("max_net_namespaces")},
			want: "the limit user.max_net_namespaces is 0: no such namespace can be made here"},
		{name: "too deep", flags: all, errno: unix.ENOSPC, facts: circumstances{limits: limits("max_time_namespaces")},
			want: "a limit of user.max_*_namespaces is reached, or namespaces are nested 32 deep"},
		{name: "a full cgroup", flags: all, errno: unix.EAGAIN, facts: circumstances{pidsFull: "/sys/fs/cgroup/x"},
			want: "the cgroup /sys/fs/cgroup/x has as many processes as its pids.max allows"},
		{name: "too many processes", flags: all, errno: unix.EAGAIN,
			want: "the user has as many processes as RLIMIT_NPROC allows, or the machine as many as kernel.threads-max"},
		{name: "no memory", flags: all, errno: unix.ENOMEM,
			want: "the machine is out of memory, or the first process of the pid namespace that is joined has ended"},
		{name: "unshare of a user namespace", op: prog.Op{Call: prog.Unshare, Args: prog.Args{prog.Int(unix.CLONE_NEWUSER)}}, errno: unix.ENOSPC,
			facts: circumstances{limits: limits("max_user_namespaces")}, want: "the limit user.max_user_namespaces is 0: no such namespace can be made here"},
		{name: "clone3 as an operation", op: prog.Op{Call: prog.Clone3}, errno: unix.ENOSPC, spec: Spec{Namespaces: clone.Namespaces{{Type: clone.NEWUTS}}},
			facts: circumstances{limits: limits("x")}, want: "the limit user.max_uts_namespaces is 0: no such namespace can be made here"},
		{name: "AppArmor takes the rights away", op: prog.Op{Call: prog.Sethostname}, errno: unix.EPERM, spec: Spec{Namespaces: user},
			facts: circumstances{apparmorRestricts: true}, want: apparmorText},
		{name: "and does not where there is no user namespace", op: prog.Op{Call: prog.Sethostname}, errno: unix.EPERM,
			facts: circumstances{apparmorRestricts: true}, want: ""},
		{name: "an id that is not mapped", op: prog.Op{Call: prog.Setresuid}, errno: unix.EINVAL, spec: Spec{Namespaces: user},
			want: "the user namespace has no such id: linux.uidMappings and linux.gidMappings have to hold it"},
		{name: "an error that a filter does not give", op: prog.Op{Call: prog.Fsopen}, errno: unix.ENODEV, facts: circumstances{seccomp: true}, want: ""},
		{name: "a call that no filter forbids", op: prog.Op{Call: prog.Umask}, errno: unix.EPERM, facts: circumstances{seccomp: true}, want: ""},
	} {
		p := &Plan{wanted: &row.spec, host: &Host{}}
		if row.admin {
			p.host.Capabilities.Effective = caps.Of(caps.SYS_ADMIN)
		}
		got := ""
		if row.op.Call == 0 {
			got = p.namespaceCause(row.flags, row.errno, row.facts)
		} else {
			got = p.cause(row.op, row.errno, row.facts)
		}
		if got != row.want {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}

// What has been found stands in the one line, in the place of a guess.
func TestCauseStandsInTheError(t *testing.T) {
	for _, row := range []struct {
		err  error
		want string
	}{
		{&nsexec.CloneError{Flags: unix.CLONE_NEWNS, Errno: unix.EPERM}, "clone3 with CLONE_NEWNS: operation not permitted: new namespaces need CAP_SYS_ADMIN, or a new user namespace in the same call"},
		{&nsexec.CloneError{Flags: unix.CLONE_NEWNS, Errno: unix.EPERM, Cause: "it rains"}, "clone3 with CLONE_NEWNS: operation not permitted: it rains"},
		{&nsexec.OpError{Op: prog.Op{Call: prog.Umask, Hint: "EPERM: a; EIO: b"}, Errno: unix.EIO}, "op 0 umask: input/output error: b"},
		{&nsexec.OpError{Op: prog.Op{Call: prog.Umask, Hint: "EPERM: a; EIO: b"}, Errno: unix.EIO, Cause: "it rains"}, "op 0 umask: input/output error: it rains"},
	} {
		if row.err.Error() != row.want {
			t.Errorf("got  %s\nwant %s", row.err, row.want)
		}
	}
}

// FuzzSuspect has the readers of a stranger's file read anything.
func FuzzSuspect(f *testing.F) {
	f.Add([]byte("#!/bin/sh\n"))
	f.Add([]byte("#! \t/a b\r\n"))
	for _, class := range []string{"\x01\x01", "\x02\x01", "\x01\x02", "\x02\x02"} {
		f.Add([]byte("\x7fELF" + class + strings.Repeat("\x00\x01", 300)))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		s := suspect{path: "/x", mode: unix.S_IFREG | 0o755, size: int64(len(content)), head: content[:min(len(content), headSize)]}
		s.elf = readELF(bytes.NewReader(content), s.head)
		if n := len(s.interpreter()); n > 4096 {
			t.Errorf("an interpreter of %d bytes", n)
		}
		for _, errno := range []unix.Errno{unix.ENOENT, unix.EACCES, unix.ENOEXEC, unix.ELIBBAD, unix.ELOOP} {
			chain := []suspect{s, {path: s.interpreter(), errno: unix.ENOENT, at: s.interpreter()}}
			for _, c := range (executor{arch: "amd64", known: true}).verdict(errno, chain) {
				if !unicode.IsPrint(c) {
					t.Errorf("%v: a sentence with %#x", errno, c)
				}
			}
		}
	})
}
