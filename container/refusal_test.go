package container_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// TestRefusals is what a user reads when a container cannot be started. The number of
// the operation is replaced by N, ROOT and HOST are directories.
func TestRefusals(t *testing.T) {
	nstest.Root(t)
	root, host := nstest.RootFS(t), t.TempDir()
	fillInside(t, root, host)
	nrOpen := strings.TrimSpace(readLines(t, "/proc/sys/fs/nr_open")[0])
	symlink(t, "/proc/self/fd", filepath.Join(root, "fds"))
	symlink(t, "loop", filepath.Join(root, "loop"))
	symlink(t, "/proc/self", filepath.Join(root, "link-into-proc"))
	args := func(args ...string) func(*container.Spec) {
		return func(s *container.Spec) { s.Process.Args = args }
	}
	cwd := func(path string) func(*container.Spec) {
		return func(s *container.Spec) { s.Process.Cwd = path }
	}
	mount := func(m mounts.Mount) func(*container.Spec) {
		return func(s *container.Spec) { s.Mounts = append(s.Mounts, m) }
	}
	const (
		file  = ": a file stands where a directory is needed"
		loop  = ": a link goes in circles, or through one of the kernel's, such as /proc/PID/root"
		point = ": a directory is to be mounted on a file, or a file on a directory"
	)
	rows := []struct {
		name   string
		change func(*container.Spec)
		is     unix.Errno
		want   string
	}{
		// The program.
		{"a program that is not there", args("/bin/none"), unix.ENOENT, `op N execve "/bin/none" (process.args[0]): no such file or directory: there is no such file in the root file system`},
		{"a program that is nowhere along PATH", args("none"), unix.ENOENT, `op N faccessat2 "/bin/none" (process.args[0]): no such file or directory: "none": executable file not found in $PATH`},
		{"a program that is not executable", args("/bin/plain"), unix.EACCES, `op N execve "/bin/plain" (process.args[0]): permission denied: /bin/plain is not executable (mode 0644): chmod +x`},
		{"a directory", args("/bin"), unix.EACCES, `op N execve "/bin" (process.args[0]): permission denied: /bin is a directory`},
		{"a script whose interpreter is not there", args("/bin/lost"), unix.ENOENT, `op N execve "/bin/lost" (process.args[0]): no such file or directory: /bin/lost is a script, and its interpreter /no/interpreter is not in the root file system`},
		{"a program on a file system without programs", args("/proc/self/exe/x"), unix.ENOTDIR, `op N execve "/proc/self/exe/x" (process.args[0]): not a directory`},
		{"too many arguments", args("/bin/true", strings.Repeat("x", 200<<10)), unix.E2BIG, `op N execve "/bin/true" (process.args[0]): argument list too long: process.args[1] has 204800 bytes, and the kernel takes at most 131071 in one string`},

		// The host's side.
		{"no root directory", func(s *container.Spec) { s.Root.Path = host + "/none" }, unix.ENOENT, "root.path: HOST/none: no such file or directory"},
		{"a root that is a file", func(s *container.Spec) { s.Root.Path = host + "/tree/outer" }, unix.ENOTDIR, "root.path: HOST/tree/outer: not a directory"},
		{"a namespace that is not there", func(s *container.Spec) { s.Namespaces.Add(clone.NEWNET, host+"/none") }, unix.ENOENT, "linux.namespaces: HOST/none: no such file or directory"},
		{"a namespace that is a file", func(s *container.Spec) { s.Namespaces.Add(clone.NEWNET, host+"/tree/outer") }, unix.ENOTTY, "linux.namespaces: HOST/tree/outer: it is no namespace: inappropriate ioctl for device"},
		{"a namespace of another type", func(s *container.Spec) { s.Namespaces.Add(clone.NEWNET, "/proc/self/ns/ipc") }, 0, "linux.namespaces: /proc/self/ns/ipc: it is a namespace of another type than net"},
		{"the host's own, to be changed", func(s *container.Spec) { s.Namespaces.Add(clone.NEWUTS, "/proc/self/ns/uts") }, 0, "linux.namespaces: /proc/self/ns/uts: it is the host's own uts namespace, and the container would change the host"},
		{"the host's own network, to be changed", func(s *container.Spec) {
			s.Namespaces.Add(clone.NEWNET, "/proc/self/ns/net")
			s.Sysctl = map[string]string{"net.ipv4.ip_forward": "1"}
		}, 0, "linux.namespaces: /proc/self/ns/net: it is the host's own net namespace, and the container would change the host"},

		// Mounts.
		{"a source that is not there", mount(mountOf("/mnt", host+"/none")), unix.ENOENT, `op N open_tree "HOST/none" (mounts[7]): no such file or directory: there is no such file on the host`},
		{"a directory on a file", mount(mountOf("/etc/passwd", host+"/tree")), unix.EINVAL, `op N move_mount $source:/etc/passwd $point5 (mounts[7]): invalid argument` + point},
		{"a file on a directory", mount(mountOf("/home", host+"/tree/outer")), unix.EINVAL, `op N move_mount $source:/home $point5 (mounts[7]): invalid argument` + point},
		{"a mount point behind a file", mount(mountOf("/etc/passwd/x", host+"/tree")), unix.ENOTDIR, `op N openat2 3<root> "etc/passwd" (mounts[7]): not a directory` + file},
		{"a mount point behind a link that goes in circles", mount(mountOf("/loop/x", host+"/tree")), unix.ELOOP, `op N openat2 3<root> "loop" (mounts[7]): too many levels of symbolic links` + loop},
		{"a mount point behind a link into /proc", mount(mountOf("/link-into-proc", host+"/tree")), unix.ETIMEDOUT, `op N futex (mounts[7]): connection timed out: a symbolic link of the root file system leads the mount point into a procfs`},
		{"a file system that nobody knows", mount(mounts.Mount{Destination: "/mnt", Type: "nofs"}), unix.ENODEV, `op N fsopen "nofs" (mounts[7]): no such device: the kernel does not know this file system, or its module is not loaded`},
		{"an option that nobody knows", mount(mounts.Mount{Destination: "/mnt", Type: "tmpfs", Options: []string{"colour=red"}}), unix.EINVAL, `op N fsconfig $tmpfs3 "colour" "red" (mounts[7]): invalid argument: the tmpfs has no option colour, or not with this value`},
		{"a device where there is a file", func(s *container.Spec) {
			s.Devices = []mounts.Device{{Path: "/etc/passwd", Type: "c", Major: 1, Minor: 3}}
		}, unix.EEXIST,
			`op N mknodat $dir "passwd" (linux.devices[0]): file exists: there is a file at this place already, and not the same device`},

		// Parameters and limits.
		{"a parameter that is not there", func(s *container.Spec) { s.Sysctl = map[string]string{"net.none": "1"} }, unix.ENOENT, `op N openat2 $procfs "sys/net/none" (linux.sysctl[net.none]): no such file or directory: this kernel has no such file, or not in this namespace`},
		{"a value that it does not take", func(s *container.Spec) { s.Sysctl = map[string]string{"net.ipv4.ip_forward": "yes"} }, unix.EINVAL, `op N write $file "yes" (linux.sysctl[net.ipv4.ip_forward]): invalid argument: the kernel does not take this value`},
		{"more files than there are", func(s *container.Spec) {
			s.Process.Rlimits[0] = container.Rlimit{Type: "RLIMIT_NOFILE", Soft: 1, Hard: 1 << 40}
		}, unix.EPERM,
			`op N prlimit64 RLIMIT_NOFILE (process.rlimits): operation not permitted: RLIMIT_NOFILE 1099511627776 is above fs.nr_open, which is ` + nrOpen},

		// The working directory.
		{"a working directory that is a file", cwd("/etc/passwd"), unix.ENOTDIR, `op N openat2 3<root> "etc/passwd" (process.cwd): not a directory` + file},
		{"a way out through a descriptor", cwd("/proc/self/fd/3"), unix.ELOOP, `op N openat2 3<root> "proc/self/fd/3" (process.cwd): too many levels of symbolic links` + loop},
		{"a way out through a link to a descriptor", cwd("/way-out"), unix.ELOOP, `op N openat2 3<root> "way-out" (process.cwd): too many levels of symbolic links` + loop},
		{"a way out through a link to all descriptors", cwd("/fds/4"), unix.ELOOP, `op N openat2 3<root> "fds/4" (process.cwd): too many levels of symbolic links` + loop},
		{"a way out through a process's root", cwd("/proc/1/root/etc"), unix.ELOOP, `op N openat2 3<root> "proc/1/root" (process.cwd): too many levels of symbolic links` + loop},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			plan := compile(t, with(root, row.change))
			_, _, err := runPlan(t, plan)
			if err == nil {
				t.Fatal("the container runs")
			}
			got := strings.NewReplacer(root, "ROOT", host, "HOST").Replace(opNumber.ReplaceAllString(err.Error(), "op N "))
			if got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
			if row.is != 0 && !errors.Is(err, row.is) {
				t.Errorf("%v is not %v", err, row.is)
			}
		})
	}
}

// TestWayOutThroughTheWorkingDirectory has a program go to a directory of the host's
// that it has opened before there was another root. The last check notices.
func TestWayOutThroughTheWorkingDirectory(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	plan := compile(t, with(root, sh("ls")))
	b := &prog.Builder{}
	leak := b.Slot("leak")
	var err error
	plan.Child, err = rebuildInto(b, plan.Child, func(_ int, op prog.Op) []prog.Op {
		switch op.Call {
		case prog.Setsid:
			how := prog.OpenHow(unix.O_PATH|unix.O_DIRECTORY, 0, 0)
			return []prog.Op{op, {Call: prog.Openat2, Args: prog.Args{prog.Int(1<<64 + unix.AT_FDCWD), prog.Str("/etc"), how, prog.Int(prog.OpenHowSize)}, Out: leak}}
		case prog.Chdir:
			return []prog.Op{op, {Call: prog.Fchdir, Args: prog.Args{leak}}}
		}
		return []prog.Op{op}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `op N futex (process.cwd): connection timed out: the working directory is outside of the container's root`
	if got := refusalOf(t, plan); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
