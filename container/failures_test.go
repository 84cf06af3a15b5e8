package container_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// TestWhyItCannotBeExecuted is what a user reads about a program that is there, or not,
// and cannot be executed: the whole line behind the operation. They are executed in real
// containers, and what the kernel says first is part of the line.
func TestWhyItCannotBeExecuted(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root, host := nstest.RootFS(t), t.TempDir()
	fillFailures(t, root, host)
	other := "arm64"
	if runtime.GOARCH == "arm64" {
		other = "amd64"
	}
	args := func(args ...string) func(*container.Spec) {
		return func(s *container.Spec) { s.Process.Args = args }
	}
	user := func(s *container.Spec) {
		s.Process.User = container.User{UID: 1000, GID: 1000}
		s.Process.Capabilities = nil
	}
	const absent, denied, format = "no such file or directory: ", "permission denied: ", "exec format error: "
	rows := []struct {
		name    string
		changes []func(*container.Spec)
		is      unix.Errno
		want    string
	}{
		{"nothing of this name", of(args("/bin/none")), unix.ENOENT, absent + "there is no such file in the root file system"},
		{"no such directory either", of(args("/opt/app/bin/server")), unix.ENOENT, absent + "there is no directory /opt in the root file system"},
		{"a command line in one string", of(args("/bin/sh -c true")), unix.ENOENT, absent + "there is no such file in the root file system; the program and each of its arguments are an element of process.args of their own"},
		{"a root file system that was never filled", of(args("/bin/sh"), func(s *container.Spec) { s.Root.Path = makeDir(t, host, "empty") }), unix.ENOENT, absent + "the root file system is empty"},
		{"a link that leads nowhere", of(args("/bin/dangling")), unix.ENOENT, absent + "/bin/dangling is a symbolic link to /usr/lib/elsewhere, which is not in the root file system"},
		{"a link that goes in circles", of(args("/bin/circle")), unix.ELOOP, "too many levels of symbolic links: the symbolic link /bin/circle goes in circles"},
		{"a file on the way", of(args("/etc/passwd/x")), unix.ENOTDIR, "not a directory: /etc/passwd on the way there is a file, not a directory"},
		{"a name that is too long", of(args("/bin/" + strings.Repeat("x", 300))), unix.ENAMETOOLONG, "file name too long: a path has at most 4095 bytes, a name in it 255"},
		{"a path relative to the working directory", of(args("./here/none"), func(s *container.Spec) { s.Process.Cwd = "/etc" }), unix.ENOENT, absent + "there is no directory /etc/here in the root file system"},

		{"a path relative to the root", of(args("./none")), unix.ENOENT, absent + "there is no such file in the root file system"},
		{"a path with more slashes than it needs", of(args("//bin//./none")), unix.ENOENT, absent + "there is no such file in the root file system"},

		{"a script whose interpreter is not there", of(args("/bin/perl-script")), unix.ENOENT, absent + "/bin/perl-script is a script, and its interpreter /usr/bin/perl is not in the root file system"},
		{"a script with line ends of another system", of(args("/bin/crlf")), unix.ENOENT, absent + `/bin/crlf is a script, and the name of its interpreter ends in a carriage return, "/bin/sh\r": its lines have to end in a line feed alone`},
		{"a script with an argument behind its interpreter", of(args("/bin/awk-script")), unix.ENOENT, absent + "/bin/awk-script is a script, and its interpreter /opt/awk is not in the root file system"},
		{"an interpreter's name that would move the cursor", of(args("/bin/escape")), unix.ENOENT, absent + `/bin/escape is a script, and its interpreter "/bin/\x1b[31mred" is not in the root file system`},
		{"an interpreter that is a directory", of(args("/bin/directory-script")), unix.EACCES, denied + "/bin/directory-script is a script with the interpreter /etc: /etc is a directory"},
		{"an interpreter that is not executable", of(args("/bin/plain-script")), unix.EACCES, denied + "/bin/plain-script is a script with the interpreter /bin/plain: /bin/plain is not executable (mode 0644): chmod +x"},
		{"an interpreter that lacks its loader", of(args("/bin/glibc-script")), unix.ENOENT, absent + "/bin/glibc needs the dynamic loader /lib64/ld-linux-x86-64.so.2, which is not in the root file system: it was made for glibc"},
		{"an interpreter for another machine", of(args("/bin/foreign-script")), unix.ENOEXEC, format + "/bin/foreign-script is a script with the interpreter /bin/foreign: /bin/foreign is a program for " + other + ", and this machine is " + runtime.GOARCH},
		{"scripts that interpret scripts that interpret scripts", of(args("/bin/deep0")), unix.ELOOP, "too many levels of symbolic links: scripts with scripts as their interpreters, more deeply than the kernel follows them"},
		{"#! and nothing behind it", of(args("/bin/bang")), unix.ENOEXEC, format + "/bin/bang is a script without an interpreter behind its #!, or with too long a name of one"},
		{"a byte order mark in front of #!", of(args("/bin/bom")), unix.ENOEXEC, format + "/bin/bom begins with a byte order mark, and #! has to be what it begins with"},
		{"text without #!", of(args("/bin/text")), unix.ENOEXEC, format + "/bin/text is text without #! and the path of an interpreter in its first line"},

		{"a glibc program", of(args("/bin/glibc")), unix.ENOENT, absent + "/bin/glibc needs the dynamic loader /lib64/ld-linux-x86-64.so.2, which is not in the root file system: it was made for glibc"},
		{"a musl program", of(args("/bin/musl")), unix.ENOENT, absent + "/bin/musl needs the dynamic loader /lib/ld-musl-x86_64.so.1, which is not in the root file system: it was made for musl"},
		{"a loader that is a link to nowhere", of(args("/bin/lost-loader")), unix.ENOENT, absent + "/bin/lost-loader needs the dynamic loader /bin/dangling: /bin/dangling is a symbolic link to /usr/lib/elsewhere, which is not in the root file system"},
		{"a loader that is no program", of(args("/bin/odd-loader")), unix.ELIBBAD, "accessing a corrupted shared library: its dynamic loader /bin/filler is no program for " + runtime.GOARCH},
		{"a program for another machine", of(args("/bin/foreign")), unix.ENOEXEC, format + "/bin/foreign is a program for " + other + ", and this machine is " + runtime.GOARCH},
		{"an object file", of(args("/bin/object")), unix.ENOEXEC, format + "/bin/object is an object file, which has not been linked"},
		{"a program for Windows", of(args("/bin/windows")), unix.ENOEXEC, format + "/bin/windows is a program for Windows"},
		{"an empty file", of(args("/bin/empty")), unix.ENOEXEC, format + "/bin/empty is empty"},
		{"noise", of(args("/bin/noise")), unix.ENOEXEC, format + "/bin/noise is neither an ELF program nor a script"},

		{"a directory", of(args("/bin")), unix.EACCES, denied + "/bin is a directory"},
		{"a pipe", of(args("/bin/pipe")), unix.EACCES, denied + "/bin/pipe is no regular file"},
		{"a file that nobody may execute", of(args("/bin/plain")), unix.EACCES, denied + "/bin/plain is not executable (mode 0644): chmod +x"},
		{"a file that somebody else may execute", of(args("/bin/private"), user), unix.EACCES, denied + "/bin/private is not executable for user 1000 (mode 0700, owner 0:0)"},
		{"a directory that somebody else may search", of(args("/closed/true"), user), unix.EACCES, denied + "user 1000 may not search the directory /closed (mode 0700)"},
		{"a mount without programs", of(args("/mnt/true"), func(s *container.Spec) {
			s.Mounts = append(s.Mounts, mountOf("/mnt", makeDir(t, host, "programs"), "noexec"))
		}), unix.EACCES, denied + "/mnt/true lies on a mount with the option noexec"},
		{"a program on a mount that only the container has", of(args("/mnt/glibc"), func(s *container.Spec) {
			s.Mounts = append(s.Mounts, mountOf("/mnt", makeDir(t, host, "programs")))
		}), unix.ENOENT, absent + "/mnt/glibc needs the dynamic loader /lib64/ld-linux-x86-64.so.2, which is not in the root file system: it was made for glibc"},
		{"a file that is being written", of(args("/bin/busy")), unix.ETXTBSY, "text file busy: somebody has the file open for writing"},

		{"a name that is nowhere", of(args("none")), unix.ENOENT, absent + `"none": executable file not found in $PATH`},
		{"a name whose file is not executable", of(args("plain")), unix.ENOENT, absent + `"plain": executable file not found in $PATH: /bin/plain is not executable (mode 0644): chmod +x`},
		{"a name whose file lacks its interpreter", of(args("perl-script")), unix.ENOENT, absent + `/bin/perl-script is a script, and its interpreter /usr/bin/perl is not in the root file system`},
		{"a name whose file is no program", of(args("text")), unix.ENOEXEC, format + `/bin/text is text without #! and the path of an interpreter in its first line`},

		{"an argument that is too long", of(args("/bin/true", strings.Repeat("x", 200<<10))), unix.E2BIG, "argument list too long: process.args[1] has 204800 bytes, and the kernel takes at most 131071 in one string"},
		{"an environment that is too large", of(args("/bin/true"), func(s *container.Spec) {
			for range 70 {
				s.Process.Env = append(s.Process.Env, "A="+strings.Repeat("x", 120000))
			}
		}), unix.E2BIG, "argument list too long: process.args and process.env have 8400250 bytes in 73 strings, and the kernel takes a quarter of RLIMIT_STACK for both, at most 6 MiB"},
	}
	if len(rows) < 30 {
		t.Errorf("%d rows", len(rows))
	}
	busy, err := os.OpenFile(filepath.Join(root, "bin/busy"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			plan := compile(t, with(root, append(of(pathOfTwo), row.changes...)...))
			_, status, err := runPlan(t, plan)
			// What the container has mounted can be looked at only if the caller got
			// hold of its mount namespace before it had failed, which it may not on
			// a machine with more to do than processors.
			for again := 0; again < 20 && strings.HasPrefix(plan.Child.Op(plan.Child.Len()-1).Brief(), "execve \"/mnt/") && err != nil && strings.Count(err.Error(), ": ") == 1; again++ {
				_, status, err = runPlan(t, plan)
			}
			if err == nil {
				t.Fatalf("the container runs, and ends with %#x", int(status))
			}
			_, got, found := strings.Cut(err.Error(), " (process.args[0]): ")
			if !found || got != row.want {
				t.Errorf("got  %v\nwant %s", err, row.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("it has more than one line")
			}
			if is, ok := err.(interface{ Unwrap() error }); !ok || is.Unwrap() != row.is {
				t.Errorf("%v is not %v", err, row.is)
			}
		})
	}
}

func of(changes ...func(*container.Spec)) []func(*container.Spec) { return changes }

// pathOfTwo has the directory without programs behind the one with them, so that a
// search ends there.
func pathOfTwo(s *container.Spec) { s.Process.Env = []string{"PATH=/bin:/usr/bin", "TERM=xterm"} }

// fillFailures puts programs that cannot be executed into the root file system.
func fillFailures(t *testing.T, root, host string) {
	t.Helper()
	foreign := uint16(183) // EM_AARCH64
	native := uint16(62)   // EM_X86_64
	if runtime.GOARCH == "arm64" {
		foreign, native = native, foreign
	}
	programs := makeDir(t, host, "programs")
	makeDir(t, root, "usr/bin")
	glibc := elfFile(native, 2, "/lib64/ld-linux-x86-64.so.2")
	for name, content := range map[string]string{
		"perl-script": "#!/usr/bin/perl\n", "crlf": "#!/bin/sh\r\necho\r\n", "awk-script": "#! /opt/awk -f\n",
		"escape": "#!/bin/\x1b[31mred\n", "directory-script": "#!/etc\n", "plain-script": "#!/bin/plain\n",
		"glibc-script": "#!/bin/glibc -x", "foreign-script": "#!/bin/foreign\n",
		"bang": "#!\n", "bom": "\xef\xbb\xbf#!/bin/sh\n", "text": "echo hello\n", "empty": "", "noise": "\x00\x01\x02\x03noise",
		"windows": "MZ\x90\x00\x03\x00", "glibc": glibc, "musl": elfFile(native, 2, "/lib/ld-musl-x86_64.so.1"),
		"lost-loader": elfFile(native, 2, "/bin/dangling"), "odd-loader": elfFile(native, 2, "/bin/filler"),
		"filler": strings.Repeat("filler\n", 100), "foreign": elfFile(foreign, 2, ""), "object": elfFile(native, 1, ""),
		"plain": "#!/bin/sh\n", "private": "#!/bin/sh\n", "busy": "#!/bin/sh\n",
		"deep0": "#!/bin/deep1\n", "deep1": "#!/bin/deep2\n", "deep2": "#!/bin/deep3\n", "deep3": "#!/bin/deep4\n",
		"deep4": "#!/bin/deep5\n", "deep5": "#!/bin/deep6\n", "deep6": "#!/bin/sh\n",
	} {
		program(t, filepath.Join(root, "bin", name), content, 0o755)
	}
	program(t, filepath.Join(programs, "glibc"), glibc, 0o755)
	program(t, filepath.Join(programs, "true"), "#!/bin/sh\n", 0o755)
	program(t, filepath.Join(makeDir(t, root, "closed"), "true"), "#!/bin/sh\n", 0o755)
	for name, mode := range map[string]os.FileMode{"bin/plain": 0o644, "bin/private": 0o700, "closed": 0o700} {
		if err := os.Chmod(filepath.Join(root, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	symlink(t, "/usr/lib/elsewhere", filepath.Join(root, "bin/dangling"))
	symlink(t, "circle", filepath.Join(root, "bin/circle"))
	if err := unix.Mkfifo(filepath.Join(root, "bin/pipe"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func program(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// elfFile is the beginning of an ELF file of 64 bits, with a loader if there is one.
func elfFile(machine, typ uint16, loader string) string {
	le := binary.LittleEndian
	b := make([]byte, 64, 256)
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], typ)
	le.PutUint16(b[18:], machine)
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[32:], 64)  // e_phoff
	le.PutUint16(b[52:], 64)  // e_ehsize
	le.PutUint16(b[54:], 56)  // e_phentsize
	le.PutUint16(b[56:], 1)   // e_phnum
	b = le.AppendUint32(b, 3) // PT_INTERP
	b = le.AppendUint32(b, 4)
	for _, v := range []int{120, 0, 0, len(loader) + 1, len(loader) + 1, 1} {
		b = le.AppendUint64(b, uint64(v))
	}
	return string(b) + loader + "\x00" + strings.Repeat("\x00", 64)
}

// TestWhyTheMachineRefuses starts containers from processes that are not allowed to, or
// not any more.
func TestWhyTheMachineRefuses(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	plain := func(s *container.Spec) { s.Process.Rlimits = nil }
	first := func(script string) []string { return []string{"sh", "-c", script + `; exec "$0"`} }
	program(t, filepath.Join(root, "bin/script"), "#!/no/interpreter\n", 0o755)
	spec := with(root, plain, func(s *container.Spec) { s.Process.User = container.User{} })
	rows := []struct {
		name   string
		user   bool     // the caller is in a user namespace, with a hundred ids
		prefix []string // what it does before
		filter string   // calls that a seccomp filter forbids, and how
		spec   container.Spec
		want   string // the end of the line
	}{
		{"no namespaces of a type", true, first("echo 0 >/proc/sys/user/max_uts_namespaces"), "", spec,
			": no space left on device: the limit user.max_uts_namespaces is 0: no such namespace can be made here"},
		{"a proc that is covered", false, []string{"unshare", "--mount", "sh", "-c", `mount --bind /dev/null /proc/version; exec unshare --user --map-root-user --mount "$0"`}, "", spec,
			" (mounts[0]): operation not permitted: in a user namespace the kernel refuses a new proc while the old one is partly covered, and here /proc/version is mounted over"},
		{"a filter that hides clone3", false, nil, "clone3:ENOSYS", spec,
			": function not implemented: a seccomp filter around this process hides the call, as docker's older default one does"},
		{"a filter that forbids clone3", false, nil, "clone3:EPERM", spec,
			": operation not permitted: a seccomp filter around this process forbids it, as docker's default one does"},
		{"a filter that forbids new file systems", false, nil, "fsopen:EPERM", spec,
			` fsopen "proc" (mounts[0]): operation not permitted: making it needs CAP_SYS_ADMIN; or a seccomp filter around this process forbids it, as docker's default one does`},
		{"a filter that hides a call", false, nil, "sethostname:ENOSYS", spec,
			" sethostname \"inside\" (hostname): function not implemented: a seccomp filter around this process forbids it, as docker's default one does"},
		{"a limit above the machine's", false, nil, "", with(root, func(s *container.Spec) {
			s.Process.Rlimits = []container.Rlimit{{Type: "RLIMIT_NOFILE", Soft: 1, Hard: 1 << 50}}
		}), " prlimit64 RLIMIT_NOFILE (process.rlimits): operation not permitted: RLIMIT_NOFILE 1125899906842624 is above fs.nr_open, which is " + readLines(t, "/proc/sys/fs/nr_open")[0]},
		{"a program in a user namespace", true, nil, "", with(root, plain, func(s *container.Spec) {
			s.Namespaces = clone.Namespaces{{Type: clone.NEWNS}}
			s.Mounts = []mounts.Mount{mountOf("/dev", "/dev", "rbind")}
			s.MaskedPaths, s.ReadonlyPaths, s.Hostname = nil, nil, ""
			s.Process.Args = []string{"/bin/script"}
		}), ` execve "/bin/script" (process.args[0]): no such file or directory: /bin/script is a script, and its interpreter /no/interpreter is not in the root file system`},
		{"an id that the namespace does not have", true, nil, "", with(root, plain, func(s *container.Spec) {
			s.Namespaces = clone.Namespaces{{Type: clone.NEWNS}}
			s.Mounts = []mounts.Mount{mountOf("/dev", "/dev", "rbind")} // nobody makes devices there
			s.MaskedPaths, s.ReadonlyPaths = nil, nil
			s.Process.User = container.User{UID: 1000}
			s.Hostname = ""
		}), "the user namespace has no such id: linux.uidMappings and linux.gidMappings have to hold it"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			name := "run"
			if row.filter != "" {
				name = "filtered"
			}
			cmd := driver(t, name, row.spec, row.prefix...)
			cmd.Env = append(cmd.Env, filterEnv+"="+row.filter)
			if row.user {
				ids := []syscall.SysProcIDMap{{Size: 100}}
				cmd.SysProcAttr = &syscall.SysProcAttr{
					Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
				}
			}
			out, err := cmd.CombinedOutput()
			got := strings.TrimSuffix(string(out), "\n")
			if exitCode(t, err) != 200 || !strings.HasPrefix(got, "start: ") || strings.Contains(got, "\n") || !strings.HasSuffix(got, row.want) {
				t.Errorf("got  %s (%v)\nwant start: …%s", got, err, row.want)
			}
		})
	}
}

// TestWhatIsRefusedBeforehand is what a configuration reads that cannot be done on any
// machine, or not on this one: nothing has been tried then.
func TestWhatIsRefusedBeforehand(t *testing.T) {
	host := hostOf(t, "6.1-root")
	old := host
	old.Kernel, old.Missing = "5.4.0", []string{"mount_setattr (5.12)", "openat2 (5.6)"}
	for _, row := range []struct {
		name   string
		host   container.Host
		change func(*container.Spec)
		want   string
	}{
		{"an old kernel", old, func(*container.Spec) {}, "kernel 5.4.0 is too old for a container: it does not have mount_setattr (5.12), openat2 (5.6)"},
		{"no program", host, func(s *container.Spec) { s.Process.Args = nil }, "process.args: there is no program to run"},
		{"a relative root", host, func(s *container.Spec) { s.Root.Path = "rootfs" }, `root.path: "rootfs": want an absolute path`},
		{"no mount namespace", host, func(s *container.Spec) { s.Namespaces.Remove(clone.NEWNS) }, "linux.namespaces: a new mount namespace is needed, or the container's mounts would be the host's"},
		{"the host's name", host, func(s *container.Spec) { s.Namespaces.Remove(clone.NEWUTS) }, `hostname: "inside": without a uts namespace the container would change the host's`},
		{"an environment without names", host, func(s *container.Spec) { s.Process.Env = []string{"=x"} }, `process.env[0]: "=x": want NAME=VALUE`},
		{"a limit that is none", host, func(s *container.Spec) { s.Process.Rlimits[0].Type = "RLIMIT_NOFILES" }, `process.rlimits[0]: "RLIMIT_NOFILES" is no resource limit`},
		{"a soft limit above the hard one", host, func(s *container.Spec) { s.Process.Rlimits[0].Soft = 2000 }, "process.rlimits[0]: the soft limit 2000 is above the hard limit 1024"},
		{"an id that is no id", host, func(s *container.Spec) { s.Process.User.UID = 1<<32 - 1 }, `process.user: 4294967295 is no id: the kernel takes it for "leave unchanged"`},
		{"a parameter of the host's", host, func(s *container.Spec) { s.Sysctl = map[string]string{"kernel.panic": "1"} }, "linux.sysctl[kernel.panic]: it belongs to no namespace and would change the host"},
	} {
		spec := with("/srv/root", row.change)
		_, err := container.Compile(spec, row.host)
		if err == nil || err.Error() != row.want {
			t.Errorf("%s: got  %v\nwant %s", row.name, err, row.want)
		}
	}
}
