package container_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestSearchAlongPath looks for programs that are in more than one directory of PATH: the
// first one that may be executed is the one, also where it turns out that it cannot be.
func TestSearchAlongPath(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root := nstest.RootFS(t)
	early, late := makeDir(t, root, "early"), makeDir(t, root, "late")
	foreign, other := uint16(183), "arm64" // EM_AARCH64
	if runtime.GOARCH == other {
		foreign, other = 62, "amd64" // EM_X86_64
	}
	const echo = "#!/bin/sh\nread name </proc/self/comm; echo $0 $name\n"
	for name, content := range map[string]string{
		"text": "echo hello\n", "empty": "", "foreign": elfFile(foreign, 2, ""), "damaged": "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 100),
		"script": "#!/none/perl\n", "busy": echo, "plain": echo, "good": echo,
	} {
		program(t, filepath.Join(early, name), content, 0o755)
	}
	makeDir(t, early, "directory")
	symlink(t, "/none", filepath.Join(early, "dangling"))
	for _, name := range []string{"text", "empty", "foreign", "damaged", "script", "busy", "plain", "good", "directory", "dangling", "late"} {
		program(t, filepath.Join(late, name), echo, 0o755)
	}
	if err := os.Chmod(filepath.Join(early, "plain"), 0o644); err != nil {
		t.Fatal(err)
	}
	busy, err := os.OpenFile(filepath.Join(early, "busy"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()

	const both, notFound = "/early:/late", `"none": executable file not found in $PATH`
	rows := []struct {
		about, name, path string
		is                error  // of the execve
		create            error  // in the place of that, where create says it already
		want              string // the output, or a part of the error
	}{
		{"a program in the first directory", "good", both, nil, nil, "/early/good good"},
		{"one in the second", "late", both, nil, nil, "/late/late late"},
		{"one in the only directory", "late", "/late", nil, nil, "/late/late late"},
		{"behind a file that may not be executed", "plain", both, nil, nil, "/late/plain plain"},
		{"behind a directory", "directory", both, nil, nil, "/late/directory directory"},
		{"behind a link to nowhere", "dangling", both, nil, nil, "/late/dangling dangling"},
		{"behind a directory that is none", "late", "/etc/passwd:/none:/late", nil, nil, "/late/late late"},
		{"text in front of it", "text", both, unix.ENOEXEC, nil, `execve "/early/text" (process.args[0]): exec format error: /early/text is text without #! and the path of an interpreter in its first line`},
		{"the same, behind what is passed over", "text", "/none:/late/directory:/early:/late", unix.ENOEXEC, nil, `execve "/early/text" (process.args[0]): exec format error: /early/text is text without #! and the path of an interpreter in its first line`},
		{"an empty file", "empty", both, unix.ENOEXEC, nil, `execve "/early/empty" (process.args[0]): exec format error: /early/empty is empty`},
		{"a program for another machine", "foreign", both, unix.ENOEXEC, nil, `execve "/early/foreign" (process.args[0]): exec format error: /early/foreign is a program for ` + other + ", and this machine is " + runtime.GOARCH},
		{"a damaged program", "damaged", both, unix.ENOEXEC, nil, `execve "/early/damaged" (process.args[0]): exec format error: /early/damaged is a program for machine 0, and this machine is ` + runtime.GOARCH},
		{"a script without its interpreter", "script", both, unix.ENOENT, nil, "/early/script is a script, and its interpreter /none/perl is not in the root file system"},
		{"a file that is being written", "busy", both, unix.ETXTBSY, nil, `execve "/early/busy" (process.args[0]): text file busy: somebody has the file open for writing`},
		{"nothing", "none", both, unix.ENOENT, unix.ENOENT, `faccessat2 "/late/none" (process.args[0]): no such file or directory: ` + notFound},
		{"nothing in the only directory", "none", "/late", unix.ENOENT, unix.ENOENT, `faccessat2 "/late/none" (process.args[0]): no such file or directory: ` + notFound},
		{"a file that may not be executed, and nothing behind it", "plain", "/early:/bin", unix.ENOENT, unix.ENOENT, `no such file or directory: "plain": executable file not found in $PATH: /early/plain is not executable (mode 0644): chmod +x`},
		{"a directory, and nothing behind it", "directory", "/early:/bin", unix.ENOENT, unix.ENOENT, `no such file or directory: "directory": executable file not found in $PATH: /early/directory is a directory`},
		{"a directory in the only directory", "directory", "/early", unix.EACCES, unix.EISDIR, "is a directory"},
	}
	c := running(t, with(root))
	for _, row := range rows {
		change := func(s *container.Spec) {
			s.Process.Args, s.Process.Env = []string{row.name}, []string{"PATH=" + row.path}
		}
		check := func(t *testing.T, is error, out string, err error) {
			t.Helper()
			if !errors.Is(err, is) || err == nil && out != row.want+"\n" || err != nil && !strings.Contains(err.Error(), row.want) {
				t.Errorf("got  %q, %v\nwant %v: %s", out, err, is, row.want)
			}
		}
		t.Run(row.about, func(t *testing.T) {
			out, _, err := runPlan(t, compile(t, with(root, change)))
			check(t, row.is, out, err)

			for _, init := range []bool{false, true} {
				var out bytes.Buffer
				spec := with(root, change, func(s *container.Spec) { s.Init, s.Process.Stdout = init, &out })
				state := filepath.Join(t.TempDir(), "state")
				c, err := container.Create(state, "c", spec, container.CreateOptions{})
				if row.create != nil || err != nil {
					if check(t, row.create, "", err); err != nil {
						continue
					}
				}
				said := ""
				if _, err = c.Run(); err == nil { // or what it writes is not copied yet
					said = out.String()
				}
				if row.create == nil {
					check(t, row.is, said, err)
				}
				if err := c.Destroy(true); err != nil {
					t.Error(err)
				}
			}

			var inside bytes.Buffer
			cmd := container.Process{Args: []string{row.name}, Env: []string{"PATH=" + row.path}, Stdout: &inside}
			further, err := started(c, cmd)
			if err == nil {
				_, err = further.Wait()
				further.Close()
			}
			check(t, row.is, inside.String(), err)
		})
	}
}

// TestSearchWithoutDescriptors: a container that may not open anything looks for its
// program all the same.
func TestSearchWithoutDescriptors(t *testing.T) {
	nstest.Root(t)
	plan := compile(t, with(nstest.RootFS(t), func(s *container.Spec) {
		s.Process.Args, s.Process.Env = []string{"echo", "found"}, []string{"PATH=/none:/bin:/usr/bin"}
		s.Process.Rlimits = []container.Rlimit{{Type: "RLIMIT_NOFILE", Soft: 3, Hard: 3}}
	}))
	if out, _, err := runPlan(t, plan); out != "found\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}
