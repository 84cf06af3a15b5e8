package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// diskBox makes the command be a box whose changes go to a directory, as on a kernel
// whose memory cannot hold them. The directory is the first argument.
const diskBox = "SELFCONTAIN_TEST_DISK_BOX"

func runDiskBox(args []string) int {
	b := boxFlags{}
	b.declare(flagSet("box"))
	host, err := container.Probe()
	if err != nil {
		complain(err)
		return boxFailed
	}
	m, err := look(&b, "/none", true)
	if err != nil {
		complain(err)
		return boxFailed
	}
	m.Scratch = args[0]
	signals := catchSignals()
	j, err := b.jobOn(host, m, args[1:])
	if err != nil {
		complain(err)
		return boxFailed
	}
	status, err := j.run(&log{}, "", signals)
	if err != nil {
		complain(err)
		return boxFailed
	}
	return status
}

// A box on a disk leaves nothing; one that was killed leaves its directory, which the
// next one removes, but not that of one that lives.
func TestScratch(t *testing.T) {
	if !asBoxer(t, boxer) {
		return
	}
	nstest.UserNS(t)
	parent := filepath.Join(onDisk(t), "state", "box")
	if err := suitable(parent); err != nil {
		t.Skipf("skipped: %v", err)
	}
	on := func(name string, script string) (c commandLine) {
		cmd := command(t, filepath.Join(parent, name), "sh", "-c", script)
		cmd.Env = []string{diskBox + "=1"}
		cmd.Dir = "/"
		return commandLine{cmd}
	}
	left := func() string {
		t.Helper()
		list, err := os.ReadDir(parent)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, d := range list {
			names = append(names, d.Name())
		}
		return strings.Join(names, " ")
	}
	messy := "mkdir -m 0 /usr/closed; mkdir /usr/a; touch /usr/a/b; rm -rf /var/tmp/*; chown 7:8 /usr/a 2>/dev/null; chmod 500 /usr/a; echo ready; "
	r := do(t, on("a", messy+"exit 3").Cmd)
	if r.status != 3 || r.stdout != "ready\n" || left() != "" {
		t.Fatalf("got %+v, left %q", r, left())
	}
	living, killed := on("living", messy+"read x"), on("killed", messy+"sleep 1000")
	in, err := living.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	living.ready(t)
	killed.ready(t)
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if status := statusOf(t, killed.Wait()); status != -int(syscall.SIGKILL) {
		t.Fatalf("status %d", status)
	}
	if left() != "killed living" {
		t.Fatalf("two boxes: %q", left())
	}
	if r := do(t, on("next", messy).Cmd); r.status != 0 || left() != "living" {
		t.Errorf("after the next one: %+v, left %q", r, left())
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if status := statusOf(t, living.Wait()); status != 1 || left() != "" { // read(1) at the end of its input
		t.Errorf("status %d, left %q", status, left())
	}
}

// commandLine is a command that says when it is ready.
type commandLine struct{ *exec.Cmd }

// ready starts it and waits for the word.
func (c commandLine) ready(t *testing.T) {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if s := bufio.NewScanner(out); !s.Scan() || s.Text() != "ready" {
		t.Fatalf("got %q", s.Text())
	}
}

// What boxes keep beside containers is none.
func TestScratchIsNoContainer(t *testing.T) {
	if err := container.CheckID(scratchName); err == nil {
		t.Errorf("a container may be called %s", scratchName)
	}
}

func TestOwnDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := ownDirectory(filepath.Join(dir, "a", "b")); err != nil {
		t.Error(err)
	}
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := ownDirectory(filepath.Join(dir, "link", "b")); err == nil {
		t.Error("a link is taken for a directory of ours")
	}
	if err := os.Chmod(filepath.Join(dir, "a"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := ownDirectory(filepath.Join(dir, "a", "b")); err == nil {
		t.Error("a directory that anybody can write to is taken for ours")
	}
}

// The place is one that can hold what it is for.
func TestSuitable(t *testing.T) {
	if err := suitable("/dev/shm/there/is/none"); err == nil || !strings.Contains(err.Error(), "in memory") {
		t.Errorf("memory: %v", err)
	}
	if os.Geteuid() != 0 {
		if err := suitable("/usr/there/is/none"); err == nil {
			t.Error("a directory of somebody else's is suitable")
		}
	}
}

// A user's directories may be closed to himself: the one that an overlay works in is.
func TestRemoveOwn(t *testing.T) {
	if !nstest.Subprocess(t, nstest.As(nobody)) {
		return
	}
	dir := filepath.Join(t.TempDir(), "tree")
	for _, d := range []string{"closed/below", "read-only/below"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for d, mode := range map[string]os.FileMode{"closed": 0, "read-only": 0o500} {
		if err := os.Chmod(filepath.Join(dir, d), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := container.RemoveTree(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(dir); err == nil {
		t.Error("it is there")
	}
}
