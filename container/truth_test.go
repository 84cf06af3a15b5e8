package container_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// TestPlanIsTheTruth runs containers under strace and holds what it saw of the first
// process, from its birth to the user's program, against the plan.
func TestPlanIsTheTruth(t *testing.T) {
	nstest.Root(t)
	specs, calls, ops := 0, 0, 0
	for _, row := range truthRows {
		t.Run(row.name, func(t *testing.T) {
			if testing.Short() && slices.Contains(notShort, row.name) {
				t.Skip("skipped: strace takes seconds in a guest, and this is not about the kernel; not with -short")
			}
			root := nstest.RootFS(t)
			host := t.TempDir()
			spec := usual(root)
			row.change(t, &spec, host)
			w := observe(t, spec)
			if w.status != row.status {
				t.Errorf("the container ended with %d, want %d\n%s", w.status, row.status, w.stderr)
			}
			path, err := w.compare(write(t, w.plan.Child))
			if err != nil {
				t.Fatal(err)
			}
			specs++
			all := slices.Concat(append(w.forks, w.child)...)
			calls += len(all)
			ops += len(path)
			for _, call := range all {
				if spec.Root.Overlay == nil && len(spec.Hooks.CreateContainer) == 0 && holds(list(call.args), root) {
					t.Errorf("a call of the container's has the path of its root:\n%s", call.line)
				}
			}
		})
	}
	t.Logf("%d specs, %d calls compared, %d of them of the containers' programs", specs, calls, ops)
}

// TestGatedPlanIsTheTruth does so with containers that are created and then started: the
// program is the same, and waits.
func TestGatedPlanIsTheTruth(t *testing.T) {
	nstest.Root(t)
	for _, row := range []truthRow{
		{"the usual container", 0, func(*testing.T, *container.Spec, string) {}},
		{"an init in a user namespace, and descriptors that stay open", 0, func(t *testing.T, s *container.Spec, _ string) {
			inUser(t)(s)
			s.Init = true
		}},
		{"a program found in the third directory of PATH", 0, func(_ *testing.T, s *container.Spec, _ string) {
			s.Process.Args, s.Process.Env = []string{"true"}, []string{"PATH=/none:/etc:/bin:/usr/bin"}
		}},
		{"a program behind a directory of its name", 0, func(t *testing.T, s *container.Spec, _ string) {
			makeDir(t, s.Root.Path, "early/true")
			s.Process.Args, s.Process.Env = []string{"true"}, []string{"PATH=/early:/bin:/sbin"}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			spec := usual(rootFSFor(t))
			row.change(t, &spec, "")
			state := filepath.Join(t.TempDir(), "state")
			w := observeAs(t, spec, "life", container.CompileGated, "LIFE="+state+" -1", "LIFE_WAITS=1")
			if w.status != row.status {
				t.Errorf("it ended with %d, want %d\n%s", w.status, row.status, w.stderr)
			}
			if _, err := w.compare(write(t, w.plan.Child)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestHeldPlanIsTheTruth does so with a container without a program.
func TestHeldPlanIsTheTruth(t *testing.T) {
	nstest.Root(t)
	spec := usual(rootFSFor(t))
	spec.Process.Args = nil
	spec.Mounts = append(spec.Mounts, mounts.Mount{Destination: "/run/program", Source: "/proc/self/exe", Options: []string{"bind", "ro", "nosuid"}})
	w := observeAs(t, spec, "life", container.CompileHeld, "LIFE="+filepath.Join(t.TempDir(), "state")+" -1", "LIFE_HOLDS=1")
	if w.status != 0 {
		t.Errorf("it ended with %d\n%s", w.status, w.stderr)
	}
	if _, err := w.compare(write(t, w.plan.Child)); err != nil {
		t.Fatal(err)
	}
}

type truthRow struct {
	name   string
	status int
	change func(t *testing.T, s *container.Spec, host string)
}

var truthRows = []truthRow{
	{"the usual container", 0, func(*testing.T, *container.Spec, string) {}},
	{"a read-only root", 0, func(_ *testing.T, s *container.Spec, _ string) { s.Root.Readonly = true }},
	{"an ordinary user with ambient capabilities", 0, func(_ *testing.T, s *container.Spec, _ string) {
		some := caps.Of(caps.NET_BIND_SERVICE, caps.KILL)
		s.Process.User = container.User{UID: 1000, GID: 1001, AdditionalGIDs: []uint32{5, 1000, 65534}}
		s.Process.Capabilities = &caps.Config{Bounding: some, Effective: some, Permitted: some, Inheritable: some, Ambient: some}
	}},
	{"no capabilities, no_new_privs or limits asked for", 0, func(_ *testing.T, s *container.Spec, _ string) {
		s.Process.Capabilities, s.Process.NoNewPrivileges, s.Process.Rlimits = nil, false, nil
	}},
	{"securebits", 0, func(_ *testing.T, s *container.Spec, _ string) {
		s.Process.Capabilities.Securebits = caps.NoRoot | caps.NoRootLocked
	}},
	{"no network namespace", 0, func(_ *testing.T, s *container.Spec, _ string) {
		s.Namespaces.Remove(clone.NEWNET)
	}},
	{"a mount namespace and nothing else", 0, func(_ *testing.T, s *container.Spec, _ string) {
		*s = bare(s.Root.Path, "/bin/true")
	}},
	{"bind mounts", 0, func(t *testing.T, s *container.Spec, host string) {
		s.Mounts = append(s.Mounts,
			mounts.Mount{Destination: "/home", Source: makeDir(t, host, "dir"), Options: []string{"bind", "ro", "nosuid"}},
			mounts.Mount{Destination: "/var", Source: makeDir(t, host, "tree"), Options: []string{"rbind", "rro", "nodev"}},
			mounts.Mount{Destination: "/etc/passwd", Source: makeFile(t, host, "file"), Options: []string{"bind", "ro", "noatime"}},
			mounts.Mount{Destination: "/usr", Type: "bind", Source: makeDir(t, host, "shared"), Options: []string{"rslave", "nosymfollow"}},
		)
	}},
	{"mount points that are missing", 0, func(t *testing.T, s *container.Spec, host string) {
		s.Mounts = append(s.Mounts,
			mounts.Mount{Destination: "/a/b/c", Type: "tmpfs", Source: "tmpfs", Options: []string{"ro", "size=4k"}},
			mounts.Mount{Destination: "/a/b/d/file", Source: makeFile(t, host, "file"), Options: []string{"bind"}},
			mounts.Mount{Destination: "/dev/deep/er", Source: makeDir(t, host, "dir"), Options: []string{"bind"}},
		)
	}},
	{"mount points behind links", 0, func(t *testing.T, s *container.Spec, host string) {
		symlink(t, "../run", filepath.Join(s.Root.Path, "var/run"))
		symlink(t, "/nowhere/at/all", filepath.Join(s.Root.Path, "etc/resolv.conf"))
		symlink(t, "../../../../etc", filepath.Join(s.Root.Path, "usr/etc"))
		s.Mounts = append(s.Mounts,
			mounts.Mount{Destination: "/var/run/inner", Type: "tmpfs", Source: "tmpfs"},
			mounts.Mount{Destination: "/etc/resolv.conf", Source: makeFile(t, host, "file"), Options: []string{"bind"}},
			mounts.Mount{Destination: "/usr/etc/made", Source: makeDir(t, host, "dir"), Options: []string{"bind"}},
		)
	}},
	{"a remount", 0, func(_ *testing.T, s *container.Spec, _ string) {
		s.Mounts = append(s.Mounts,
			mounts.Mount{Destination: "/dev/shm", Options: []string{"remount", "ro"}},
			mounts.Mount{Destination: "/proc", Options: []string{"remount", "bind", "noatime"}},
		)
	}},
	{"a working directory to be made", 0, func(_ *testing.T, s *container.Spec, _ string) {
		s.Process.Cwd, s.Process.User.UID = "/home/some/where", 1000
	}},
	{"kernel parameters, names and the OOM score", 0, func(_ *testing.T, s *container.Spec, _ string) {
		score := 321
		s.Process.OOMScoreAdj, s.Domainname = &score, "domain.example"
		s.Sysctl = map[string]string{
			"net.ipv4.ip_forward": "1", "kernel.msgmax": "9000", "net/ipv4/conf/lo/forwarding": "0", "kernel.shm_rmid_forced": "1",
		}
	}},
	{"resource limits", 0, func(_ *testing.T, s *container.Spec, _ string) {
		s.Process.Rlimits = []container.Rlimit{
			{Type: "RLIMIT_NOFILE", Soft: 100, Hard: 200}, {Type: "RLIMIT_CORE", Soft: 0, Hard: 0},
			{Type: "RLIMIT_STACK", Soft: 1 << 23, Hard: unix.RLIM_INFINITY}, {Type: "RLIMIT_AS", Soft: 1<<40 - 1, Hard: 1 << 40},
		}
	}},
	{"devices", 0, func(_ *testing.T, s *container.Spec, _ string) {
		s.Devices = []mounts.Device{
			{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229, FileMode: 0o640, UID: 7, GID: 8},
			{Path: "/dev/loop0", Type: "b", Major: 7, Minor: 0, FileMode: 0o600},
			{Path: "/dev/in/fifo", Type: "p", FileMode: 0o1007},
			{Path: "/dev/null", Type: "c", Major: 1, Minor: 3, FileMode: 0o444},
		}
	}},
	{"devices that are there already, and links of the host", 0, func(t *testing.T, s *container.Spec, host string) {
		s.Mounts = slices.DeleteFunc(s.Mounts, func(m mounts.Mount) bool { return strings.HasPrefix(m.Destination, "/dev") })
		if err := unix.Mknod(filepath.Join(s.Root.Path, "dev/x"), unix.S_IFCHR|0o600, int(unix.Mkdev(10, 229))); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(s.Root.Path, "dev/x"), 0o640); err != nil {
			t.Fatal(err)
		}
		symlink(t, "some/where", filepath.Join(host, "link"))
		s.Mounts = append(s.Mounts,
			mounts.Mount{Destination: "/copied", Source: filepath.Join(host, "link"), Options: []string{"bind", "copy-symlink"}},
			mounts.Mount{Destination: "/etc/passwd", Source: filepath.Join(host, "link"), Options: []string{"bind", "copy-symlink"}},
			mounts.Mount{Destination: "/etc/group", Source: makeFile(t, host, "file"), Options: []string{"bind", "copy-symlink", "dest-nofollow"}},
			mounts.Mount{Destination: "/tmp", Type: "tmpfs", Options: []string{"tmpcopyup", "size=1m"}},
		)
		s.Devices = []mounts.Device{{Path: "/dev/x", Type: "c", Major: 10, Minor: 229, FileMode: 0o640}, {Path: "/dev/z", Type: "c", Major: 10, Minor: 229}}
	}},
	{"a device that is another one", 200, func(t *testing.T, s *container.Spec, _ string) {
		s.Mounts = slices.DeleteFunc(s.Mounts, func(m mounts.Mount) bool { return strings.HasPrefix(m.Destination, "/dev") })
		if err := unix.Mknod(filepath.Join(s.Root.Path, "dev/x"), unix.S_IFCHR|0o600, int(unix.Mkdev(10, 228))); err != nil {
			t.Fatal(err)
		}
		s.Devices = []mounts.Device{{Path: "/dev/x", Type: "c", Major: 10, Minor: 229}}
	}},
	{"namespaces to join", 0, func(t *testing.T, s *container.Spec, _ string) {
		other := inNamespaces(t, syscall.CLONE_NEWNET|syscall.CLONE_NEWIPC|syscall.CLONE_NEWUTS)
		s.Namespaces.Add(clone.NEWNET, other+"net")
		s.Namespaces.Add(clone.NEWIPC, other+"ipc")
		s.Namespaces.Add(clone.NEWUTS, other+"uts")
		s.Sysctl = map[string]string{"net.ipv4.ip_forward": "1"}
	}},
	{"a pid namespace to join", 0, func(t *testing.T, s *container.Spec, _ string) {
		s.Namespaces.Add(clone.NEWPID, inNamespaces(t, syscall.CLONE_NEWPID)+"pid")
		s.ParentDeathSignal = unix.SIGKILL
	}},
	{"a terminal", 0, func(_ *testing.T, s *container.Spec, _ string) {
		s.Process.Terminal, s.Process.ConsoleSize = true, container.WindowSize{Height: 50, Width: 132}
		s.Process.User, s.Root.Readonly = container.User{UID: 1000, GID: 1001}, true
	}},
	{"a terminal of a devpts that the tree has brought along", 0, func(_ *testing.T, s *container.Spec, _ string) {
		s.Process.Terminal, s.MaskedPaths, s.ReadonlyPaths = true, nil, nil
		s.Mounts = append(s.Mounts[:1:1],
			mounts.Mount{Destination: "/dev/pts", Source: "/dev/pts", Options: []string{"bind"}},
			mounts.Mount{Destination: "/dev/console", Source: "/dev/null", Options: []string{"bind"}})
	}},
	{"an init", 7, func(_ *testing.T, s *container.Spec, _ string) {
		s.Init, s.Process.User.UID = true, 1000
		s.Process.Args = []string{"/bin/sh", "-c", "true & wait; exit 7"}
	}},
	{"an init that is not the first of a pid namespace", 128 + 15, func(_ *testing.T, s *container.Spec, _ string) {
		s.Init = true
		s.Namespaces.Remove(clone.NEWPID)
		s.Process.Args = []string{"/bin/sh", "-c", "kill -TERM $$"}
	}},
	{"an init, and a program that is not there", 200, func(_ *testing.T, s *container.Spec, _ string) {
		s.Init, s.Process.Args = true, []string{"there-is-none"}
	}},
	{"an init in a pid namespace that is joined", 3, func(t *testing.T, s *container.Spec, _ string) {
		s.Namespaces.Add(clone.NEWPID, inNamespaces(t, syscall.CLONE_NEWPID)+"pid")
		s.Init, s.Process.Args = true, []string{"/bin/sh", "-c", "exit 3"}
	}},
	{"a user namespace", 0, func(t *testing.T, s *container.Spec, host string) {
		score := 400
		inUser(t)(s)
		s.Process.User, s.Process.OOMScoreAdj = container.User{UID: 7, GID: 8, AdditionalGIDs: []uint32{9}}, &score
		s.Sysctl = map[string]string{"net.ipv4.ip_forward": "1"}
		s.Mounts = append(s.Mounts, mountOf("/home", makeDir(t, host, "dir"), "ro"))
	}},
	{"a user namespace without an id 0, and few others", 0, func(t *testing.T, s *container.Spec, host string) {
		few := clone.IDMaps{{ContainerID: 1000, HostID: 100000, Size: 10}}
		s.Namespaces = clone.Namespaces{{Type: clone.NEWUSER}, {Type: clone.NEWNS}}
		s.Hostname, s.UIDMappings, s.GIDMappings = "", few, few
		s.Mounts = slices.DeleteFunc(s.Mounts, func(m mounts.Mount) bool { return m.Type == "mqueue" }) // not every host has one
		s.Process.User = container.User{UID: 1000, GID: 1001}
	}},
	{"a user namespace to join", 0, func(t *testing.T, s *container.Spec, _ string) {
		other := inNamespaces(t, syscall.CLONE_NEWUSER|syscall.CLONE_NEWNET|syscall.CLONE_NEWPID)
		s.Namespaces.Add(clone.NEWUSER, other+"user")
		s.Namespaces.Add(clone.NEWNET, other+"net")
		s.Namespaces.Add(clone.NEWPID, other+"pid")
	}},
	{"a user namespace, and others of the host's to join", 0, func(t *testing.T, s *container.Spec, _ string) {
		other := inNamespaces(t, syscall.CLONE_NEWNET|syscall.CLONE_NEWUTS)
		inUser(t)(s)
		s.Hostname = ""
		s.Namespaces.Add(clone.NEWNET, other+"net")
		s.Namespaces.Add(clone.NEWUTS, other+"uts")
	}},
	{"a time namespace", 0, func(_ *testing.T, s *container.Spec, _ string) {
		s.Namespaces.Add(clone.NEWTIME, "")
		s.TimeOffsets = map[string]container.TimeOffset{"monotonic": {Secs: 86400, Nanosecs: 5}, "boottime": {Secs: 7 * 86400}}
	}},
	{"a time namespace in a user namespace", 0, func(t *testing.T, s *container.Spec, _ string) {
		inUser(t)(s)
		s.Namespaces.Add(clone.NEWTIME, "")
		s.TimeOffsets = map[string]container.TimeOffset{"boottime": {Secs: 7 * 86400}}
	}},
	{"no masked or read-only paths", 0, func(_ *testing.T, s *container.Spec, _ string) {
		s.MaskedPaths, s.ReadonlyPaths = nil, nil
	}},
	{"masks of all kinds of places", 0, func(t *testing.T, s *container.Spec, _ string) {
		symlink(t, "/etc/group", filepath.Join(s.Root.Path, "etc/link"))
		s.MaskedPaths = []string{"/etc/passwd", "/home", "/etc/link", "/not/there", "/proc/kcore", "/sys/firmware", "/dev/shm"}
		s.ReadonlyPaths = []string{"/etc", "/not/there", "/usr", "/dev/pts"}
	}},
	{"a program found in the third directory of PATH", 0, func(_ *testing.T, s *container.Spec, _ string) {
		s.Process.Args, s.Process.Env = []string{"true", "with \t\x01é\"arguments\\"}, []string{"A=1", "PATH=/none:/usr/:/bin:/sbin"}
	}},
	{"a program behind a directory of its name", 0, func(t *testing.T, s *container.Spec, _ string) {
		makeDir(t, s.Root.Path, "early/true")
		s.Process.Args, s.Process.Env = []string{"true"}, []string{"PATH=/early:/bin:/sbin"}
	}},
	{"a program that is not there", 200, func(_ *testing.T, s *container.Spec, _ string) {
		s.Process.Args = []string{"/bin/there-is-none"}
	}},
	{"a program that is nowhere along PATH", 200, func(_ *testing.T, s *container.Spec, _ string) {
		s.Process.Args = []string{"there-is-none"}
	}},
	{"a mount that fails", 200, func(_ *testing.T, s *container.Spec, _ string) {
		s.Mounts = append(s.Mounts, mounts.Mount{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs", Options: []string{"size=many"}})
	}},
	{"a slave root", 0, func(_ *testing.T, s *container.Spec, _ string) { s.Root.Propagation = "rslave" }},
	{"a shared root", 0, func(_ *testing.T, s *container.Spec, _ string) { s.Root.Propagation = "rshared" }},
	{"an unbindable root", 0, func(_ *testing.T, s *container.Spec, _ string) { s.Root.Propagation = "unbindable" }},
	{"a root that is put together of overlays, binds and links", 0, func(_ *testing.T, s *container.Spec, _ string) {
		root := s.Root.Path
		s.Root = container.Root{Overlay: &mounts.Overlay{}, Links: []mounts.Link{{Path: "/sbin", Target: "bin"}, {Path: "/lib/deep", Target: "/nowhere"}}}
		s.Mounts = append([]mounts.Mount{
			{Destination: "/bin", Overlay: &mounts.Overlay{Lower: []string{root + "/bin"}}},
			{Destination: "/etc", Overlay: &mounts.Overlay{Lower: []string{root + "/etc"}, Mode: 0o700}, Options: []string{"ro"}},
			{Destination: "/var", Source: root + "/var", Options: []string{"rbind", "rro"}},
		}, s.Mounts...)
		s.Process.Args = []string{"/sbin/true"}
	}},
	{"a root that is an overlay, of more layers than fsconfig takes, and another in it", 0, func(t *testing.T, s *container.Spec, host string) {
		lower := []string{makeDir(t, host, strings.Repeat("a", 200)), makeDir(t, host, strings.Repeat("b", 200)), s.Root.Path}
		s.Root = container.Root{Overlay: &mounts.Overlay{Lower: lower}, Readonly: true}
		s.Mounts = append(s.Mounts, mounts.Mount{Destination: "/home", Overlay: &mounts.Overlay{Lower: lower[:1], Mode: 0o700}, Options: []string{"nosuid"}})
	}},
	{"a root that is not exchanged", 0, func(_ *testing.T, s *container.Spec, _ string) { s.Root.NoPivot = true }},
	{"a signal at the parent's death, and a umask", 0, func(_ *testing.T, s *container.Spec, _ string) {
		mask := uint32(0o7)
		s.ParentDeathSignal, s.Process.User.Umask = unix.SIGTERM, &mask
	}},
	{"descriptors of the caller's, and a namespace to join", 0, func(t *testing.T, s *container.Spec, _ string) {
		s.Process.PreserveFDs = 3
		s.Namespaces.Add(clone.NEWIPC, inNamespaces(t, syscall.CLONE_NEWIPC)+"ipc")
	}},
	{"a place in the machine", 0, func(_ *testing.T, s *container.Spec, _ string) {
		s.Process.Scheduler = &container.Scheduler{Policy: "SCHED_RR", Priority: 5, Flags: []string{"SCHED_FLAG_RESET_ON_FORK"}}
		s.Process.IOPriority = &container.IOPriority{Class: "IOPRIO_CLASS_BE", Priority: 6}
		s.Process.Personality = &container.Personality{Domain: "LINUX"}
		s.Process.MemoryPolicy = &container.MemoryPolicy{Mode: "MPOL_BIND", Nodes: "0", Flags: []string{"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES"}}
	}},
	{"a lower nice value, and the nearest memory", 0, func(_ *testing.T, s *container.Spec, _ string) {
		s.Process.Scheduler = &container.Scheduler{Policy: "SCHED_OTHER", Nice: -7}
		s.Process.IOPriority = &container.IOPriority{Class: "IOPRIO_CLASS_RT", Priority: 0}
		s.Process.MemoryPolicy = &container.MemoryPolicy{Mode: "MPOL_LOCAL"}
	}},
	{"hooks of all kinds", 0, func(_ *testing.T, s *container.Spec, host string) {
		s.Bundle, s.Hooks = host, container.Hooks{
			Prestart:        []container.Hook{container.CommandHook{Path: "/bin/true", Env: []string{"A=1"}, Timeout: time.Minute}},
			CreateRuntime:   []container.Hook{container.CommandHook{Path: "/bin/true", Args: []string{"true", "a b"}}},
			CreateContainer: []container.Hook{container.CommandHook{Path: "/bin/true"}, container.CommandHook{Path: "/bin/true", Args: []string{"true", "second"}}},
			StartContainer:  []container.Hook{container.CommandHook{Path: "/bin/true"}},
			Poststart:       []container.Hook{container.CommandHook{Path: "/bin/true"}},
			Poststop:        []container.Hook{container.CommandHook{Path: "/bin/true"}},
		}
	}},
	{"hooks, an init, a user namespace and a root that is not exchanged", 0, func(t *testing.T, s *container.Spec, host string) {
		inUser(t)(s)
		s.Bundle, s.Init, s.Root.NoPivot = "/", true, true
		s.Process.User, s.Keyring = container.User{UID: 7, GID: 8}, "_ses.hooks"
		s.Hooks.CreateContainer = []container.Hook{container.CommandHook{Path: "/bin/true"}}
		s.Hooks.StartContainer = []container.Hook{container.CommandHook{Path: "/bin/true"}}
	}},
	{"a keyring", 0, func(_ *testing.T, s *container.Spec, _ string) { s.Keyring = "_ses.truth" }},
	{"a keyring whose name somebody has", 0, func(t *testing.T, s *container.Spec, _ string) {
		s.Keyring = "_ses.taken"
		keyringOf(t, 0, s.Keyring, prog.KeyPossessorAll|prog.KeyUserView|prog.KeyUserRead|prog.KeyUserSearch)
	}},
}

// notShort are rows in which the kernel does nothing that it does not do in another, or
// in a test that does without strace.
var notShort = []string{
	"a read-only root", "securebits", "no capabilities, no_new_privs or limits asked for", "no network namespace",
	"a mount namespace and nothing else", "mount points that are missing", "mount points behind links",
	"a working directory to be made", "resource limits", "devices that are there already, and links of the host",
	"a device that is another one", "a terminal of a devpts that the tree has brought along",
	"an init that is not the first of a pid namespace", "an init, and a program that is not there",
	"a user namespace without an id 0, and few others", "a user namespace to join", "a time namespace",
	"no masked or read-only paths", "a program found in the third directory of PATH", "a program that is not there",
	"a program that is nowhere along PATH", "a mount that fails", "a shared root", "an unbindable root",
	"a signal at the parent's death, and a umask", "a lower nice value, and the nearest memory",
	"a keyring whose name somebody has", "an ordinary user with ambient capabilities", "a remount", "a slave root",
	"kernel parameters, names and the OOM score", "a pid namespace to join", "an init in a pid namespace that is joined",
	"a keyring",
}
