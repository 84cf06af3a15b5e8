package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/selfcontain/runtime/internal/nstest"
)

var needs = nstest.Needs{
	Tools: map[string]string{
		"busybox": "busybox-static", "newuidmap": "uidmap",
		"apt-get": "apt", "dpkg-deb": "dpkg", "ldconfig": "libc-bin", "tar": "tar",
	},
	Modules: []string{"overlay", "null_blk"},
	Files:   []string{"../../container/testdata/hosts"},
}

// asCommand makes the test binary be the command: the machines of the test bed have
// no compiler, and what they run is the same code.
const asCommand = "SELFCONTAIN_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	if path := os.Getenv(connectTo); path != "" {
		os.Exit(runConnect(path))
	}
	if os.Getenv(diskBox) != "" {
		os.Exit(runDiskBox(os.Args[1:]))
	}
	// A signal that nohup(1) ignores would be ignored by every command that is tested; one that
	// is caught is not: execve(2) gives it its default again.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	nstest.Main(m, needs)
}

// command is selfcontain with arguments. It has no environment: engines give theirs
// hardly any. A container that it runs is kept where no other test finds it.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if len(args) > 0 && args[0] == "run" {
		root := t.TempDir()
		if err := os.Chmod(root, 0o777); err != nil { // some run it as another user
			t.Fatal(err)
		}
		args = append([]string{"--root", root}, args...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // many times what any of them takes
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, "/proc/self/exe", args...)
	c.Args[0] = "selfcontain"
	c.Env = []string{asCommand + "=1"}
	return c
}

// destroy removes, in the end, what a command is going to leave of its container: one that
// is killed removes nothing.
func destroy(t *testing.T, c *exec.Cmd) {
	t.Helper()
	t.Cleanup(func() {
		again := exec.Command("/proc/self/exe", c.Args[1], c.Args[2], "delete", "--force", c.Args[len(c.Args)-1]) // --root DIR
		again.Args[0], again.Env = c.Args[0], c.Env
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// result is what became of a command.
type result struct {
	stdout, stderr string
	status         int // -n: signal n ended it
}

func do(t *testing.T, c *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	return result{status: statusOf(t, c.Run()), stdout: stdout.String(), stderr: stderr.String()}
}

func statusOf(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit):
		t.Fatal(err)
	}
	if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return -int(w.Signal())
	}
	return exit.ExitCode()
}

// bundle makes a bundle of a busybox root and our own config.json with changes, pairs
// of old and new text.
func bundle(t *testing.T, changes ...string) string {
	t.Helper()
	dir := filepath.Dir(nstest.RootFS(t))
	writeConfig(t, dir, changes...)
	return dir
}

// sibling makes a bundle that has its root file system from another one.
func sibling(t *testing.T, dir string, changes ...string) string {
	t.Helper()
	other, err := os.MkdirTemp(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	writeConfig(t, other, append([]string{`"rootfs"`, `"../rootfs"`}, changes...)...)
	return other
}

func writeConfig(t *testing.T, dir string, changes ...string) {
	t.Helper()
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(defaultConfig, changes[i]) {
			t.Fatalf("config.json has no %s", changes[i])
		}
	}
	text := strings.NewReplacer(changes...).Replace(defaultConfig)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// shell is the change that makes the container run a script.
func shell(script string) []string {
	return []string{`"args": ["sh"]`, `"args": ["sh", "-c", "` + script + `"]`}
}
