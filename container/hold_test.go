package container_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// hold makes a container without a program, and destroys it after the test.
func hold(t *testing.T, spec container.Spec) *container.Held {
	t.Helper()
	h, err := container.Hold(filepath.Join(t.TempDir(), "state"), "c", spec, container.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(h.Release(), h.Destroy(true)); err != nil {
			t.Error(err)
		}
	})
	return h
}

// TestHold goes through the life of a container without a program.
func TestHold(t *testing.T) {
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		h := hold(t, with(rootFSFor(t), inUser(t), func(s *container.Spec) { s.Process.Args = nil }))
		statusIs(t, h.Container, container.Running)
		if err := h.Exec(); !errors.Is(err, container.ContainerNotStopped) {
			t.Errorf("started: %v", err)
		}
		said, say := pipes(t)
		cmd := shell("cat /proc/1/comm; hostname; exit 3")
		cmd.Stdout = say
		e, err := started(h.Container, cmd)
		say.Close()
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(said)
		if status, err := e.Wait(); status != exited(3) || err != nil || string(text) != "init\ninside\n" {
			t.Errorf("status %#x, %q (%v)", int(status), text, err)
		}
		e.Close()
		testReaps(t, h.Container)
		if err := h.Signal(unix.SIGTERM, false); err != nil { // an init that has no handler does not get it
			t.Error(err)
		}
		statusIs(t, h.Container, container.Running)
		if err := h.Release(); err != nil {
			t.Error(err)
		}
		if status, err := h.Wait(); status != exited(0) || err != nil {
			t.Errorf("it ended with %#x (%v)", int(status), err)
		}
		statusIs(t, h.Container, container.Stopped)
	})
}

// testReaps leaves a child to the init.
func testReaps(t *testing.T, c *container.Container) {
	t.Helper()
	in, out := pipes(t)
	cmd := shell("exec 3<&0; sh -c 'read line <&3' & exit 0")
	cmd.Stdin = in
	e, err := started(c, cmd)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Wait(); err != nil {
		t.Error(err)
	}
	e.Close()
	state, err := c.State()
	if err != nil {
		t.Fatal(err)
	}
	pids, err := c.Processes()
	if err != nil || len(pids) != 2 {
		t.Fatalf("processes %v (%v), want the init and an orphan", pids, err)
	}
	for _, pid := range pids {
		if pid == state.Pid {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		out.Close()
		for deadline := time.Now().Add(nstest.Slower(5 * time.Second)); !errors.Is(unix.PidfdSendSignal(fd, 0, nil, 0), unix.ESRCH); {
			if time.Now().After(deadline) {
				t.Fatalf("the orphan %d has ended, and nobody has reaped it", pid)
			}
			if _, err := unix.Poll(nil, 1); err != nil && !errors.Is(err, unix.EINTR) {
				t.Fatal(err)
			}
		}
	}
}

// TestHoldCallerKilled kills who holds a container in which a program runs: both are gone,
// within a second.
func TestHoldCallerKilled(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	callerKilled(t)
}

// TestHoldNobodyReaps does so where whom the program falls to does not reap it. The init waits
// for that in the kernel, but the container is gone.
func TestHoldNobodyReaps(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	subreaper := func(on uintptr) {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, on, 0, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	subreaper(1)
	callerKilled(t)
	subreaper(0)
	for reaped := 0; ; reaped++ {
		if _, err := unix.Wait4(-1, nil, unix.WALL, nil); errors.Is(err, unix.ECHILD) {
			if reaped != 2 {
				t.Errorf("%d processes were left to be reaped, want the init and the program", reaped)
			}
			return
		} else if err != nil && !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
	}
}

func callerKilled(t *testing.T) {
	t.Helper()
	spec := with(rootFSFor(t), func(s *container.Spec) { s.Process.Args = nil })
	root := filepath.Join(t.TempDir(), "state")
	cmd := driver(t, "hold", spec)
	cmd.Env = append(cmd.Env, "LIFE="+root)
	held, program := pipes(t)
	cmd.Stdin = program // the program in the container has it, and nobody but the driver besides
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	program.Close()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" || err != nil {
		t.Fatalf("%q (%v)", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	_ = cmd.Wait()
	if err := held.SetReadDeadline(time.Now().Add(nstest.Slower(10 * time.Second))); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, held); err != nil || time.Since(killed) > nstest.Slower(time.Second) {
		t.Errorf("the program was there for %v (%v)", time.Since(killed), err)
	}
	c, err := container.Load(root, "c")
	if err != nil {
		t.Fatal(err)
	}
	for {
		status, err := c.Status()
		if err != nil {
			t.Fatal(err)
		}
		if status == container.Stopped {
			break
		}
		if time.Since(killed) > nstest.Slower(time.Second) {
			t.Fatalf("it is %s a second later", status)
		}
	}
	if _, err := c.Wait(); !errors.Is(err, container.NoProcessOps) && !errors.Is(err, container.ContainerNotRunning) {
		t.Errorf("Wait: %v", err)
	}
	if err := c.Destroy(false); err != nil {
		t.Error(err)
	}
}

// holdDriver holds a container, and executes a program in it.
func holdDriver([]string) int {
	var d driven
	if err := d.load(); err != nil && !strings.Contains(err.Error(), "process.args") {
		fmt.Fprintln(os.Stderr, err)
		return 200
	}
	h, err := container.Hold(os.Getenv("LIFE"), "c", d.spec, container.CreateOptions{})
	if err == nil {
		cmd := shell(aliveFor)
		cmd.Stdin = os.Stdin
		err = h.Start(&cmd)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 200
	}
	fmt.Println("held")
	select {}
}

// TestHoldKilledAtEveryStep kills who holds a container at every step of its life: nothing is left.
func TestHoldKilledAtEveryStep(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	t.Setenv("LIFE_HOLDS", "1")
	root := filepath.Join(t.TempDir(), "state")
	spec := with(rootFSFor(t), grouped(t), func(s *container.Spec) { s.Process.Args = nil })
	all := lifeAndDeath(t, spec, root, -1, nil)
	for _, step := range []string{"directory", "before make-cgroup", "clone", "during keep-state", "process", "gate", "remove"} {
		if !slices.Contains(all, step) {
			t.Errorf("there is no step %q in %q", step, all)
		}
	}
	every := 1
	if testing.Short() {
		every = 4
	}
	for last := 0; last < len(all); last += every {
		if got := lifeAndDeath(t, spec, root, last, nil); len(got) != last+1 {
			t.Errorf("killed at step %d, it was at %d: %q", last, len(got), got)
		}
	}
}
