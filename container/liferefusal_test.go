package container_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec"
)

// TestCreateRefuses is what create says, and that nothing is left then.
func TestCreateRefuses(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	fs := nstest.RootFS(t)
	if err := os.WriteFile(filepath.Join(fs, "bin/plain"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	args := func(args ...string) func(*container.Spec) {
		return func(s *container.Spec) { s.Process.Args = args }
	}
	console := func(s *container.Spec) { s.Process.Console = func(*os.File) error { return nil } }
	late := errors.New("the pid file cannot be written")
	rows := []struct {
		about   string
		id      string
		root    string
		change  func(*container.Spec)
		options container.CreateOptions
		code    container.Code
		is      error
		says    string
	}{
		{"a program that is not there", "", "", args("/bin/none"), container.CreateOptions{}, container.SystemError, unix.ENOENT, `faccessat2 "/bin/none" (process.args[0]): no such file or directory: there is no such file in the root file system`},
		{"a program that is in no directory of PATH", "", "", args("none"), container.CreateOptions{}, container.SystemError, unix.ENOENT, `"none": executable file not found in $PATH`},
		{"one that is not in the only directory of PATH", "", "", func(s *container.Spec) { s.Process.Args, s.Process.Env = []string{"none"}, []string{"PATH=/bin"} }, container.CreateOptions{}, container.SystemError, unix.ENOENT, `"none": executable file not found in $PATH`},
		{"a directory in the only directory of PATH", "", "", func(s *container.Spec) { s.Process.Args, s.Process.Env = []string{"bin"}, []string{"PATH=/"} }, container.CreateOptions{}, container.SystemError, unix.EISDIR, `openat2 "/bin" (process.args[0]): is a directory: "bin": executable file not found in $PATH`},
		{"a program that nobody may execute", "", "", args("/bin/plain"), container.CreateOptions{}, container.SystemError, unix.EACCES, "permission denied: /bin/plain is not executable"},
		{"a directory", "", "", args("/bin"), container.CreateOptions{}, container.SystemError, unix.EISDIR, `openat2 "/bin" (process.args[0]): is a directory: permission denied: a directory cannot be executed`},
		{"no program", "", "", args(), container.CreateOptions{}, container.ConfigInvalid, nil, "process.args: there is no program to run"},
		{"a console without a terminal", "", "", console, container.CreateOptions{}, container.ConsoleExists, nil, "the process has no terminal"},
		{"a terminal for nobody", "", "", withTerminal, container.CreateOptions{}, container.ConfigInvalid, nil, "nobody takes the other end of the terminal"},
		{"a cgroup of a further process", "", "", func(s *container.Spec) { s.Process.Cgroup = "/sub" }, container.CreateOptions{}, container.ConfigInvalid, nil, "process: Cgroup and IgnorePaused are for further processes"},
		{"no id", "-", "", nil, container.CreateOptions{}, container.InvalidIDFormat, nil, "the id of the container is empty"},
		{"a path as an id", "a/b", "", nil, container.CreateOptions{}, container.InvalidIDFormat, nil, `id "a/b"`},
		{"the directory above as an id", "..", "", nil, container.CreateOptions{}, container.InvalidIDFormat, nil, `id ".." is no name`},
		{"a root of state that is a file", "", file, nil, container.CreateOptions{}, container.SystemError, unix.ENOTDIR, "not a directory"},
		{"a root directory that is not there", "", "", func(s *container.Spec) { s.Root.Path = "/none" }, container.CreateOptions{}, container.SystemError, unix.ENOENT, "root.path: /none: no such file or directory"},
		{"somebody who is told of it and fails", "", "", nil, container.CreateOptions{Created: func(container.State) error { return late }}, container.SystemError, late, "the pid file cannot be written"},
	}
	for _, row := range rows {
		t.Run(row.about, func(t *testing.T) {
			spec := usual(fs)
			if row.change != nil {
				row.change(&spec)
			}
			root := row.root
			if root == "" {
				root = filepath.Join(t.TempDir(), "state")
			}
			id := row.id
			switch id {
			case "":
				id = "c"
			case "-":
				id = ""
			}
			_, err := container.Create(root, id, spec, row.options)
			if !errors.Is(err, row.code) || row.is != nil && !errors.Is(err, row.is) || !strings.Contains(fmt.Sprint(err), row.says) {
				t.Fatalf("it says %v\nwant code %v: %s", err, row.code, row.says)
			}
			var e *container.Error
			var detail bytes.Buffer
			if !errors.As(err, &e) || e.Detail(&detail) != nil || !strings.Contains(detail.String(), "code: "+row.code.Error()+"\n") || strings.Contains(err.Error(), "\n") {
				t.Errorf("detail of %q:\n%s", err, detail.String())
			}
			for name, of := range map[string]any{"system call: ": new(*nsexec.OpError), "step: ": new(*container.StepError)} {
				if errors.As(err, of) != strings.Contains(detail.String(), "\n"+name) {
					t.Errorf("what was done is not in\n%s", detail.String())
				}
			}
			if left, err := os.ReadDir(root); row.root == "" && (err != nil && !errors.Is(err, os.ErrNotExist) || len(left) > 0) {
				t.Errorf("left: %v (%v)", left, err)
			}
			if pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil); !errors.Is(err, unix.ECHILD) {
				t.Errorf("process %d is left (%v)", pid, err)
			}
		})
	}
}

// TestStartRefuses is what start says of a program that is there and cannot be executed.
func TestStartRefuses(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	fs := nstest.RootFS(t)
	for name, text := range map[string]string{"script": "#!/none/perl\n", "text": "hello"} {
		if err := os.WriteFile(filepath.Join(fs, "bin", name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		about, program string
		init           bool
		is             error
		says           string
	}{
		{"a script without its interpreter", "/bin/script", false, unix.ENOENT, `execve "/bin/script" (process.args[0]): no such file or directory: /bin/script is a script, and its interpreter /none/perl is not in the root file system`},
		{"the same, with an init", "/bin/script", true, unix.ENOENT, "its interpreter /none/perl is not in the root file system"},
		{"no program at all", "/bin/text", false, unix.ENOEXEC, "exec format error: /bin/text is text without #!"},
		{"the same, along PATH", "text", false, unix.ENOEXEC, `execve "/bin/text" (process.args[0]): exec format error: /bin/text is text without #!`},
	} {
		t.Run(row.about, func(t *testing.T) {
			c := create(t, with(fs, func(s *container.Spec) { s.Process.Args, s.Init = []string{row.program}, row.init }), container.CreateOptions{})
			statusIs(t, c, container.Created)
			err := c.Exec()
			if !errors.Is(err, row.is) || !strings.Contains(fmt.Sprint(err), row.says) {
				t.Errorf("it says %v\nwant %s", err, row.says)
			}
			statusIs(t, c, container.Stopped)
			if err := c.Destroy(false); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNoSuchContainer is what is said where there is none.
func TestNoSuchContainer(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{root, filepath.Join(root, "none")} {
		_, err := container.Load(dir, "c")
		if !errors.Is(err, container.ContainerNotExists) || err.Error() != "c: container does not exist" {
			t.Errorf("load: %v", err)
		}
		if list, err := container.List(dir); len(list) > 0 || err != nil {
			t.Errorf("list: %v (%v)", list, err)
		}
	}
	// What is no container's directory is none.
	if err := os.WriteFile(filepath.Join(root, "c"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc", filepath.Join(root, "d")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "a b"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"c", "d"} {
		if _, err := container.Load(root, id); !errors.Is(err, container.ContainerNotExists) {
			t.Errorf("load %s: %v", id, err)
		}
	}
	if list, err := container.List(root); len(list) > 0 || err != nil {
		t.Errorf("list: %v (%v)", list, err)
	}
}
