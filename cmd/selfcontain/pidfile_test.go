package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
)

func TestPidFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "pid")
	for _, before := range []string{"", "123456789"} { // none, or a longer one
		if before != "" {
			if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := writePidFile(file, 4711); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil || string(text) != "4711" {
			t.Errorf("%q, %v", text, err)
		}
	}
	// The old file was not written to: whoever has it open still reads all of it.
	old, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := writePidFile(file, 1); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 9)
	if n, err := old.Read(text); string(text[:n]) != "4711" {
		t.Errorf("%q, %v", text[:n], err)
	}
	t.Chdir(dir)
	if err := writePidFile("here", 5); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%v, %v", left, err)
	}
}

// What is no regular file stays what it is: a device of the machine, above all.
func TestPidFileIsWrittenTo(t *testing.T) {
	dir := t.TempDir()
	fifo, link := filepath.Join(dir, "fifo"), filepath.Join(dir, "link")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := os.Symlink(fifo, link); err != nil {
		t.Fatal(err)
	}
	if err := writePidFile(link, 4711); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 9)
	if n, err := reader.Read(text); string(text[:n]) != "4711" {
		t.Errorf("%q, %v", text[:n], err)
	}
	for path, want := range map[string]os.FileMode{fifo: os.ModeNamedPipe, link: os.ModeSymlink} {
		if st, err := os.Lstat(path); err != nil || st.Mode().Type() != want {
			t.Errorf("%s: %v, %v", path, st, err)
		}
	}
}

// Which command it was for is said, and not at which step of it.
func TestPidFileOfACommandFails(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	if !nstest.Subprocess(t) {
		return
	}
	dir := bundle(t, shell("exec sleep 1000 </dev/null >/dev/null 2>&1")...)
	global, end := alive(t, dir)
	defer end()
	file := filepath.Join(dir, "none", "pid")
	for _, row := range []struct {
		verb   string
		flags  []string
		args   []string
		status int
	}{
		{"create", nil, []string{"-b", dir, "other"}, 1},
		{"run", nil, []string{"-b", dir, "other"}, 1},
		{"run", nil, []string{"-b", dir, "-d", "other"}, 1},
		{"run", []string{"--cgroup-manager", "disabled"}, []string{"-b", dir, "other"}, 1},
		{"exec", nil, []string{"ctr", "sleep", "1000"}, 255},
	} {
		args := append(append(append(append([]string{}, global...), row.flags...), row.verb, "--pid-file", file), row.args...)
		want := result{status: row.status, stderr: "selfcontain: " + row.verb + ": --pid-file " + file + ": no such file or directory\n"}
		if r := do(t, command(t, args...)); r != want {
			t.Errorf("%q: %+v, want %+v", args, r, want)
		}
	}
}

// What cannot be written leaves nothing, and the error says which flag asked for it.
func TestPidFileFails(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir + "/none/pid": "--pid-file " + dir + "/none/pid: no such file or directory",
		dir:               "--pid-file " + dir + ": is a directory",
	} {
		if err := writePidFile(path, 1); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		left, err := filepath.Glob(d + "/.*")
		if err != nil || len(left) > 0 {
			t.Errorf("%v, %v", left, err)
		}
	}
}
