package container_test

import (
	"strings"
	"testing"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// TestCompileRefuses is what Compile says of a configuration that cannot be done.
func TestCompileRefuses(t *testing.T) {
	mount := func(m mounts.Mount) func(*container.Spec) {
		return func(s *container.Spec) { s.Mounts = append(s.Mounts, m) }
	}
	sysctl := func(name, value string) func(*container.Spec) {
		return func(s *container.Spec) { s.Sysctl = map[string]string{name: value} }
	}
	limits := func(list ...container.Rlimit) func(*container.Spec) {
		return func(s *container.Spec) { s.Process.Rlimits = list }
	}
	without := func(types ...clone.NamespaceType) func(*container.Spec) {
		return func(s *container.Spec) {
			s.Hostname = ""
			for _, t := range types {
				s.Namespaces.Remove(t)
			}
		}
	}
	score := func(n int) func(*container.Spec) {
		return func(s *container.Spec) { s.Process.OOMScoreAdj = &n }
	}
	const none = ^uint32(0)
	rows := []struct {
		change func(*container.Spec)
		want   string
	}{
		{func(s *container.Spec) { s.Root.Path = "" }, `root.path: "": want an absolute path`},
		{func(s *container.Spec) { s.Root.Path = "rootfs" }, `root.path: "rootfs": want an absolute path`},
		{func(s *container.Spec) { s.Root.Path = "/a\x00b" }, `root.path: "/a\x00b" holds a NUL`},
		{func(s *container.Spec) { s.Root.Propagation = "both" }, `linux.rootfsPropagation: "both" is none of private, slave, shared, unbindable, nor one of these with an r in front`},

		{func(s *container.Spec) { s.Namespaces[0].Type = "NEWNAME" }, `linux.namespaces: namespace 0: type "NEWNAME" is unknown`},
		{func(s *container.Spec) { s.Namespaces[0].Type = clone.NEWIPC }, `linux.namespaces: namespace 2: type NEWIPC stands twice`},
		{func(s *container.Spec) { s.Namespaces.Add(clone.NEWNET, "/a\x00b") }, `linux.namespaces: namespace 1: path "/a\x00b" holds a NUL`},
		{without(clone.NEWNS), "linux.namespaces: a new mount namespace is needed, or the container's mounts would be the host's"},
		{func(s *container.Spec) { s.Namespaces.Add(clone.NEWNS, "/proc/1/ns/mnt") }, "linux.namespaces: a new mount namespace is needed, or the container's mounts would be the host's"},

		{func(s *container.Spec) { s.Namespaces.Remove(clone.NEWUTS) }, `hostname: "inside": without a uts namespace the container would change the host's`},
		{func(s *container.Spec) { without(clone.NEWUTS)(s); s.Domainname = "d" }, `domainname: "d": without a uts namespace the container would change the host's`},
		{func(s *container.Spec) { s.Hostname = strings.Repeat("h", 65) }, "hostname: it has 65 bytes, the kernel takes at most 64"},
		{func(s *container.Spec) { s.Domainname = strings.Repeat("d", 65) }, "domainname: it has 65 bytes, the kernel takes at most 64"},
		{func(s *container.Spec) { s.Hostname = "a\x00b" }, `hostname: "a\x00b" holds a NUL`},

		{func(s *container.Spec) { s.Process.ConsoleSize.Width = 80 }, "process.consoleSize: there is no terminal of which it could be the size"},
		{func(s *container.Spec) { s.Process.Args = nil }, "process.args: there is no program to run"},
		{func(s *container.Spec) { s.Process.Args = []string{""} }, "process.args: there is no program to run"},
		{func(s *container.Spec) { s.Process.Args = []string{"sh", "a\x00"} }, `process.args[1]: "a\x00" holds a NUL`},
		{func(s *container.Spec) { s.Process.Env = []string{"A=1", "B"} }, `process.env[1]: "B": want NAME=VALUE`},
		{func(s *container.Spec) { s.Process.Env = []string{"=1"} }, `process.env[0]: "=1": want NAME=VALUE`},
		{func(s *container.Spec) { s.Process.Env = []string{"A=\x00"} }, `process.env[0]: "A=\x00": want NAME=VALUE`},
		{func(s *container.Spec) { s.Process.Cwd = "tmp" }, `process.cwd: "tmp": want an absolute path`},
		{func(s *container.Spec) { s.Process.Cwd = "/a\x00" }, `process.cwd: "/a\x00": the path holds a NUL`},
		{func(s *container.Spec) { s.Process.User.UID = none }, `process.user: 4294967295 is no id: the kernel takes it for "leave unchanged"`},
		{func(s *container.Spec) { s.Process.User.GID = none }, `process.user: 4294967295 is no id: the kernel takes it for "leave unchanged"`},
		{func(s *container.Spec) { s.Process.User.AdditionalGIDs = []uint32{1, none} }, `process.user: 4294967295 is no id: the kernel takes it for "leave unchanged"`},
		{score(1001), "process.oomScoreAdj: 1001: want -1000 to 1000"},
		{score(-1001), "process.oomScoreAdj: -1001: want -1000 to 1000"},
		{limits(container.Rlimit{Type: "RLIMIT_LUCK"}), `process.rlimits[0]: "RLIMIT_LUCK" is no resource limit`},
		{limits(container.Rlimit{Type: "RLIMIT_CPU"}, container.Rlimit{Type: "RLIMIT_CPU"}), "process.rlimits[1]: RLIMIT_CPU is there twice"},
		{limits(container.Rlimit{Type: "RLIMIT_CPU", Soft: 2, Hard: 1}), "process.rlimits[0]: the soft limit 2 is above the hard limit 1"},
		{func(s *container.Spec) { s.ParentDeathSignal = 65 }, "parentDeathSignal: 65 is no signal"},
		{func(s *container.Spec) { s.ParentDeathSignal = -1 }, "parentDeathSignal: -1 is no signal"},

		{sysctl("kernel.panic", "1"), "linux.sysctl[kernel.panic]: it belongs to no namespace and would change the host"},
		{sysctl("kernel.msgmaxx", "1"), "linux.sysctl[kernel.msgmaxx]: it belongs to no namespace and would change the host"},
		{sysctl("vm.swappiness", "1"), "linux.sysctl[vm.swappiness]: it belongs to no namespace and would change the host"},
		{sysctl("kernel.hostname", "x"), "linux.sysctl[kernel.hostname]: set hostname instead"},
		{sysctl("net.ipv4.ip_forward", ""), "linux.sysctl[net.ipv4.ip_forward]: it has no value"},
		{sysctl("net.ipv4.ip_forward", "1\x00"), `linux.sysctl[net.ipv4.ip_forward]: "1\x00" holds a NUL`},
		{sysctl("net.//.kernel.panic", "1"), "linux.sysctl[net.//.kernel.panic]: it is no name of a kernel parameter"},
		{sysctl("net.//", "1"), "linux.sysctl[net.//]: it is no name of a kernel parameter"},
		{sysctl("net/../kernel/panic", "1"), "linux.sysctl[net/../kernel/panic]: it is no name of a kernel parameter"},
		{sysctl("net.", "1"), "linux.sysctl[net.]: it is no name of a kernel parameter"},
		{func(s *container.Spec) { without(clone.NEWNET)(s); sysctl("net.ipv4.ip_forward", "1")(s) }, "linux.sysctl[net.ipv4.ip_forward]: without a net namespace the container would change the host's"},
		{func(s *container.Spec) { without(clone.NEWIPC)(s); sysctl("kernel.msgmax", "1")(s) }, "linux.sysctl[kernel.msgmax]: without a ipc namespace the container would change the host's"},
		{func(s *container.Spec) { without(clone.NEWIPC)(s); sysctl("fs.mqueue.msg_max", "1")(s) }, "linux.sysctl[fs.mqueue.msg_max]: without a ipc namespace the container would change the host's"},

		{mount(mounts.Mount{Destination: "/x"}), "mounts[7]: the type of the file system is missing, and it is no bind mount"},
		{mount(mounts.Mount{Destination: "", Type: "tmpfs"}), "mounts[7]: destination: the path is empty"},
		{mount(mounts.Mount{Destination: "/", Type: "tmpfs"}), "mounts[7]: destination: /: this is the root of the container"},
		{mount(mounts.Mount{Destination: "/a/../b", Type: "tmpfs"}), `mounts[7]: destination: /a/../b: the path goes up with ".."`},
		{mount(mountOf("/x", "relative")), `mounts[7]: source "relative": what is bound must be an absolute path of the host`},
		{mount(mounts.Mount{Destination: "/proc", Type: "tmpfs"}), "mounts[7]: a tmpfs cannot be mounted on /proc: only a procfs can"},
		{mount(mountOf("/proc/self/exe", "/x")), "mounts[7]: nothing may be mounted on /proc/self/exe, which is inside /proc"},
		{mount(mounts.Mount{Destination: "/x", Type: "bind", Source: "/y", Options: []string{"idmap"}}), "mounts[7]: its ids are missing: uidMappings and gidMappings of the mount, or a new user namespace, whose own these are then"},
		{func(s *container.Spec) { s.Devices = []mounts.Device{{Path: "/dev/x", Type: "d"}} }, `linux.devices[0]: type "d": want c, b, u or p`},
		{func(s *container.Spec) { s.Devices = []mounts.Device{{Path: "dev/x", Type: "c"}} }, "linux.devices[0]: dev/x: the path is not absolute"},
		{func(s *container.Spec) { s.MaskedPaths = []string{"a"} }, "linux.maskedPaths[0]: a: the path is not absolute"},
		{func(s *container.Spec) { s.ReadonlyPaths = []string{"/a", "/a/../.."} }, `linux.readonlyPaths[1]: /a/../..: the path goes up with ".."`},

		{func(s *container.Spec) { s.Root.Path, s.Process.Args, s.Process.Cwd = "", nil, "x" },
			"root.path: \"\": want an absolute path\nprocess.args: there is no program to run\nprocess.cwd: \"x\": want an absolute path"},
	}
	host := hostOf(t, "6.1-root")
	for _, row := range rows {
		plan, err := container.Compile(with("/srv/root", row.change), host)
		if err == nil {
			t.Errorf("it is taken, with warnings %q; want %s", plan.Warnings, row.want)
		} else if err.Error() != row.want {
			t.Errorf("got  %v\nwant %s", err, row.want)
		}
	}
}

// TestCompileWarns is what has no effect, or not the one that is asked for.
func TestCompileWarns(t *testing.T) {
	all := func(c caps.Set) *caps.Config { return &caps.Config{Bounding: c, Effective: c, Permitted: c} }
	rows := []struct {
		host   string
		change func(*container.Spec)
		want   string
	}{
		{"6.1-root", func(*container.Spec) {}, ""},
		{"6.1-user", func(s *container.Spec) { s.Process.Capabilities = all(caps.Of(caps.KILL)) },
			"process.capabilities: permitted capabilities: CAP_KILL: not permitted to the caller\nprocess.capabilities: effective capabilities: CAP_KILL: not permitted to the container"},
		{"6.18-root", func(s *container.Spec) { s.Process.Capabilities = all(caps.Of(caps.SYS_RESOURCE)) },
			"process.capabilities: bounding capabilities: CAP_SYS_RESOURCE: not in the bounding set of the caller\nprocess.capabilities: permitted capabilities: CAP_SYS_RESOURCE: not permitted to the caller\nprocess.capabilities: effective capabilities: CAP_SYS_RESOURCE: not permitted to the container"},
		{"6.1-root", func(s *container.Spec) { s.Process.User.UID = 1000 },
			"process.capabilities: permitted capabilities: CAP_KILL, CAP_NET_BIND_SERVICE, CAP_AUDIT_WRITE: the execve of a user other than 0 drops what is not ambient"},
		{"6.1-root", func(s *container.Spec) { s.Mounts = append(s.Mounts, mounts.Mount{Destination: "mnt", Type: "tmpfs"}) },
			"mounts[7]: the destination mnt is relative, which is deprecated; it is taken for /mnt"},
		{"6.1-root", func(s *container.Spec) { s.Mounts = append(s.Mounts, mountOf("/mnt", "/srv", "size=4k")) },
			"mounts[7]: the option size=4k belongs to a file system and does nothing to a bind mount"},
		{"6.1-root", func(s *container.Spec) {
			s.Devices = []mounts.Device{{Path: "/dev/shm", Type: "c", Major: 1, Minor: 3}}
		},
			"linux.devices[0]: /dev/shm is not made: mounts[3] is mounted there"},
	}
	for _, row := range rows {
		plan, err := container.Compile(with("/srv/root", row.change), hostOf(t, row.host))
		if err != nil {
			t.Errorf("%v; want a warning: %s", err, row.want)
		} else if got := strings.Join(plan.Warnings, "\n"); got != row.want {
			t.Errorf("got  %s\nwant %s", got, row.want)
		}
	}
}

// TestCompileOnAnOldKernel: the error names what is missing.
func TestCompileOnAnOldKernel(t *testing.T) {
	host := hostOf(t, "6.1-root")
	host.Kernel, host.Missing = "5.10.0-35-amd64", []string{"close_range CLOSE_RANGE_CLOEXEC (Linux 5.11)", "mount_setattr (Linux 5.12)"}
	_, err := container.Compile(with("/srv/root"), host)
	want := "kernel 5.10.0-35-amd64 is too old for a container: it does not have close_range CLOSE_RANGE_CLOEXEC (Linux 5.11), mount_setattr (Linux 5.12)"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestLookup is where a program is looked for.
func TestLookup(t *testing.T) {
	rows := []struct {
		name string
		env  []string
		want string
	}{
		{"/bin/sh", []string{"PATH=/usr/bin"}, "/bin/sh"},
		{"./sh", []string{"PATH=/usr/bin"}, "./sh"},
		{"sh", []string{"PATH=/usr/bin:/bin"}, "/usr/bin/sh /bin/sh"},
		{"sh", []string{"A=B", "PATH=/one", "PATH=/two"}, "/one/sh"},
		{"sh", []string{"XPATH=/one"}, "/usr/local/sbin/sh /usr/local/bin/sh /usr/sbin/sh /usr/bin/sh /sbin/sh /bin/sh"},
		{"sh", []string{"PATH=:/bin/:"}, "./sh /bin/sh ./sh"},
		{"sh", []string{"PATH=/"}, "/sh"},
	}
	for _, row := range rows {
		spec := bare("/srv/root", row.name)
		spec.Process.Env = row.env
		plan, err := container.Compile(spec, hostOf(t, "6.1-root"))
		if err != nil {
			t.Fatal(err)
		}
		var tried []string
		for i := range plan.Child.Len() {
			if op := plan.Child.Op(i); op.Call == prog.Execve {
				tried = append(tried, string(op.Args[0].(prog.Str)))
			}
		}
		if got := strings.Join(tried, " "); got != row.want {
			t.Errorf("%s with %q is looked for at\n%s\nwant\n%s", row.name, row.env, got, row.want)
		}
	}
}
