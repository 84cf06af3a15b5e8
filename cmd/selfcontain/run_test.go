package main

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/selfcontain/runtime/internal/nstest"
)

const noPidNamespace = `{ "type": "pid" },`

func TestExitStatus(t *testing.T) {
	nstest.Root(t)
	base := bundle(t)
	for _, row := range []struct {
		name, script string
		without      string // a namespace
		want         int
	}{
		{"success", "true", "", 0},
		{"a failure", "exit 7", "", 7},
		{"the highest number", "exit 255", "", 255},
		{"a signal", "kill -TERM $$", noPidNamespace, 128 + 15},
		{"a signal that nobody can catch", "kill -KILL $$", noPidNamespace, 128 + 9},
		// The first process of a pid namespace gets no signal from inside that it
		// does not want.
		{"a signal that the first process sends itself", "kill -KILL $$; exit 3", "", 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			changes := shell(row.script)
			if row.without != "" {
				changes = append(changes, row.without, "")
			}
			r := do(t, command(t, "run", "--bundle", sibling(t, base, changes...), "box"))
			if (r != result{status: row.want}) {
				t.Errorf("got %+v, want status %d", r, row.want)
			}
		})
	}
}

func TestContainerIsWhatWasAskedFor(t *testing.T) {
	nstest.Root(t)
	dir := bundle(t, shell("hostname; echo $$; pwd; touch /x; grep NoNewPrivs /proc/self/status; ls /proc/self/fd")...)
	r := do(t, command(t, "run", "-b", dir, "box"))
	if r.stdout != "selfcontain\n1\n/\nNoNewPrivs:\t1\n0\n1\n2\n3\n" { // 3: ls itself reads the directory
		t.Errorf("%+v", r)
	}
	if r.stderr != "touch: /x: Read-only file system\n" {
		t.Errorf("%+v", r)
	}
}

// Whatever goes in comes out, and nothing else.
func TestStandardStreams(t *testing.T) {
	nstest.Root(t)
	dir := bundle(t, shell("cat; echo end >&2")...)
	data := make([]byte, 1<<20+7)
	source := rand.NewChaCha8([32]byte{1})
	if _, err := source.Read(data); err != nil {
		t.Fatal(err)
	}
	c := command(t, "run", "-b", dir, "box")
	c.Stdin = bytes.NewReader(data)
	r := do(t, c)
	if r.status != 0 || r.stdout != string(data) || r.stderr != "end\n" {
		t.Errorf("status %d, %d bytes of %d, %q", r.status, len(r.stdout), len(data), r.stderr)
	}
}

// A signal that can be caught reaches the program, and nothing else happens.
func TestSignalsAreForwarded(t *testing.T) {
	nstest.Root(t)
	base := bundle(t)
	numbers := []syscall.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2,
		syscall.SIGALRM, syscall.SIGCONT, syscall.SIGWINCH, syscall.SIGIO, syscall.SIGABRT, syscall.SIGTSTP,
		syscall.SIGSEGV, syscall.SIGILL, // which the processor raises as well
		34, 37, 64, // real-time signals
	}
	for _, n := range numbers {
		t.Run(fmt.Sprint(int(n)), func(t *testing.T) {
			t.Parallel()
			c, lines := waiting(t, base, n)
			if line := <-lines; line != "ready" { // the handler is there
				t.Fatalf("got %q", line)
			}
			if err := c.Process.Signal(n); err != nil {
				t.Fatal(err)
			}
			if line := <-lines; line != "caught" {
				t.Errorf("got %q", line)
			}
			if status := statusOf(t, c.Wait()); status != 5 {
				t.Errorf("status %d, want 5", status)
			}
		})
	}
}

// waiting starts a container that says "ready" when it can catch signal n, "caught"
// when it has, and exits with 5 then.
func waiting(t *testing.T, base string, n syscall.Signal) (*exec.Cmd, <-chan string) {
	t.Helper()
	script := fmt.Sprintf("trap 'echo caught; exit 5' %d; echo ready; while :; do sleep 100 & wait; done", int(n))
	c := command(t, "run", "-b", sibling(t, base, shell(script)...), "box")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return c, lines
}

// Whenever the signal comes, it either ends the command before there is a container or
// reaches the container. That none is left behind is what the end of the tests checks.
func TestSignalAtAnyMoment(t *testing.T) {
	nstest.Root(t)
	dir := bundle(t, shell("trap 'exit 5' TERM; while :; do sleep 100 & wait; done")...)
	killed, forwarded, enough := 0, 0, 15
	if testing.Short() {
		enough = 3
	}
	// Later and later, until it has come too late to end the command often enough.
	for delay := 50 * time.Microsecond; forwarded < enough; delay = delay * 9 / 8 {
		c := command(t, "run", "-b", dir, "box")
		var stderr bytes.Buffer
		c.Stderr = &stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		// The kernel may drop an early one, before the shell has its handler: so
		// another follows until one has done it.
		var err error
		over := false
		for wait := delay; !over; wait = 10 * time.Millisecond {
			select {
			case err = <-ended:
				over = true
			case <-time.After(wait):
				_ = c.Process.Signal(syscall.SIGTERM)
			}
		}
		switch status := statusOf(t, err); status {
		case -int(syscall.SIGTERM):
			killed++
		case 5:
			forwarded++
		default:
			t.Fatalf("signal after %v: status %d, %s", delay, status, &stderr)
		}
	}
	t.Logf("%d ended before the container began, %d in it", killed, forwarded)
}

// The container goes with the command, even where the command cannot do anything
// about it any more.
func TestContainerGoesWithTheCommand(t *testing.T) {
	nstest.Root(t)
	c, lines := waiting(t, bundle(t), syscall.SIGTERM)
	if line := <-lines; line != "ready" {
		t.Fatalf("got %q", line)
	}
	destroy(t, c)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if line, open := <-lines; open { // the end of its output: nobody holds it any more
		t.Errorf("got %q", line)
	}
	if status := statusOf(t, c.Wait()); status != -int(syscall.SIGKILL) {
		t.Errorf("status %d", status)
	}
}

// nohup(1) ignores SIGHUP for what it starts.
func TestIgnoredSignalStaysIgnored(t *testing.T) {
	nstest.Root(t)
	script := "trap 'echo hangup' HUP; trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 100 & wait; done"
	c := command(t, "run", "-b", bundle(t, shell(script)...), "box")
	inner := strings.Join(c.Args[1:], "' '")
	wrapped := exec.CommandContext(t.Context(), "/bin/sh", "-c", "trap '' HUP; exec /proc/"+fmt.Sprint(os.Getpid())+"/exe '"+inner+"'")
	wrapped.Env = c.Env
	out, err := wrapped.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := wrapped.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("got %q", lines.Text())
	}
	for _, n := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM} {
		if err := wrapped.Process.Signal(n); err != nil {
			t.Fatal(err)
		}
	}
	if !lines.Scan() || lines.Text() != "caught" {
		t.Errorf("got %q", lines.Text())
	}
	if status := statusOf(t, wrapped.Wait()); status != 5 {
		t.Errorf("status %d, want 5", status)
	}
}

func TestRunFails(t *testing.T) {
	nstest.Root(t)
	base := bundle(t)
	for _, row := range []struct {
		name    string
		changes []string
		want    string // in the one line
	}{
		{"a program that is not there", []string{`["sh"]`, `["none"]`}, "no such file or directory"},
		{"a program that is a directory", []string{`["sh"]`, `["/etc"]`}, "permission denied"},
		{"no process", []string{`"process": {`, `"x": {`}, "process.args: there is no program to run"},
		{"a policy of the scheduler that is none", []string{`"noNewPrivileges": true,`, `"noNewPrivileges": true, "scheduler": { "policy": "SCHED_FAIR" },`}, `process.scheduler.policy: "SCHED_FAIR" is no policy of the scheduler`},
		{"processors that are none", []string{`"noNewPrivileges": true,`, `"noNewPrivileges": true, "execCPUAffinity": { "final": "all" },`}, `process.execCPUAffinity.final: "all": want numbers and ranges, such as 0-3,7`},
		{"a root that is not there", []string{`"path": "rootfs"`, `"path": "none"`}, "/none: no such file or directory"},
		{"a namespace to join that is not there", []string{`{ "type": "network" }`, `{ "type": "network", "path": "/none" }`}, "/none: no such file or directory"},
		{"something that is not supported", []string{`"linux": {`, `"linux": { "seccomp": { "defaultAction": "SCMP_ACT_ALLOW" },`}, "config.json: linux.seccomp.defaultAction: seccomp is not supported"},
	} {
		r := do(t, command(t, "run", "-b", sibling(t, base, row.changes...), "box"))
		if r.status != 1 || r.stdout != "" || !strings.HasPrefix(r.stderr, "selfcontain: ") ||
			strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, row.want) {
			t.Errorf("%s: got %+v\nwant %s", row.name, r, row.want)
		}
	}
}

func TestRunWithoutPrivilege(t *testing.T) {
	nstest.Root(t)
	r := asNobody(t, "run", "-b", bundle(t), "box")
	lines := strings.Split(strings.TrimSuffix(r.stderr, "\n"), "\n")
	if last := lines[len(lines)-1]; r.status != 1 || !strings.Contains(last, "CAP_SYS_ADMIN") {
		t.Errorf("%+v: want a last line that says what is missing", r)
	}
	for _, line := range lines[:len(lines)-1] {
		if !strings.HasPrefix(line, "selfcontain: warning: process.capabilities: ") {
			t.Errorf("got %q, want nothing but warnings in front", line)
		}
	}
}

func TestRunWarns(t *testing.T) {
	nstest.Root(t)
	changes := append(shell("echo works"), `"linux": {`, `"linux": { "resources": { "devices": [{ "allow": false, "access": "rwm" }] },`)
	r := do(t, command(t, "--root", t.TempDir(), "--cgroup-manager=disabled", "run", "-b", bundle(t, changes...), "box"))
	want := result{stdout: "works\n", stderr: "selfcontain: warning: linux.resources.devices: not enforced: without a cgroup, and with CAP_MKNOD, the container can use any device of the host\n"}
	if r != want {
		t.Errorf("got %+v\nwant %+v", r, want)
	}
}

func TestDebugSaysMore(t *testing.T) {
	nstest.Root(t)
	dir := bundle(t, `["sh"]`, `["/none"]`)
	short, long := do(t, command(t, "run", "-b", dir, "box")), do(t, command(t, "--debug", "run", "-b", dir, "box"))
	if long.status != 1 || !strings.HasPrefix(long.stderr, short.stderr) || strings.Count(long.stderr, "\n") < 2 {
		t.Errorf("got %s\nand with --debug %s", short.stderr, long.stderr)
	}
}
