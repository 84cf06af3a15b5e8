package container_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestExecInCgroup is where the program counts.
func TestExecInCgroup(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	host := probe(t)
	if host.Cgroup2 == "" {
		t.Skip("skipped: cgroup v2 is not mounted")
	}
	group := fmt.Sprintf("/exec-%d", os.Getpid())
	dir := host.Cgroup2 + group
	c := running(t, with(rootFSFor(t), func(s *container.Spec) { s.Cgroup = &container.Cgroup{Path: group} }))
	own := func(change func(*container.Process)) string {
		t.Helper()
		cmd := shell("read x; exit 0")
		change(&cmd)
		in, out := pipes(t)
		cmd.Stdin = in
		e, err := started(c, cmd)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", e.Pid()))
		if err != nil {
			t.Error(err)
		}
		out.Close()
		in.Close()
		if _, err := e.Wait(); err != nil {
			t.Error(err)
		}
		_, at, _ := strings.Cut(string(text), "0::")
		at, _, _ = strings.Cut(at, "\n")
		return at
	}
	if got := own(func(*container.Process) {}); got != group {
		t.Errorf("it is born in %s", got)
	}
	if got := own(func(cmd *container.Process) { cmd.CPUAffinity.Initial = "0" }); got != group {
		t.Errorf("it is moved into %s", got)
	}
	if err := os.Mkdir(dir+"/sub", 0o755); err != nil {
		t.Fatal(err)
	}
	if got := own(func(cmd *container.Process) { cmd.Cgroup = "/sub" }); got != group+"/sub" {
		t.Errorf("it is born in %s", got)
	}
	cmd := shell("true")
	cmd.Cgroup = "none"
	if _, err := started(c, cmd); !errors.Is(err, unix.ENOENT) || !strings.HasSuffix(err.Error(), "there is no such cgroup below the container's") {
		t.Errorf("in a group that is not there: %v", err)
	}
	// As an init system does.
	if err := os.WriteFile(dir+"/sub/cgroup.procs", []byte(fmt.Sprint(pidOf(t, c))), 0); err != nil {
		t.Fatal(err)
	}
	if got := own(func(*container.Process) {}); got != group+"/sub" {
		t.Errorf("where the first process is in a group below, it is born in %s", got)
	}
}

// TestExecInOneThatIsPaused waits only where that is asked for.
func TestExecInOneThatIsPaused(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	if probe(t).Cgroup2 == "" {
		t.Skip("skipped: cgroup v2 is not mounted")
	}
	group := fmt.Sprintf("/exec-paused-%d", os.Getpid())
	c := running(t, with(rootFSFor(t), func(s *container.Spec) { s.Cgroup = &container.Cgroup{Path: group} }))
	if err := c.Pause(); err != nil {
		t.Fatal(err)
	}
	if _, err := started(c, shell("true")); !errors.Is(err, container.ContainerPaused) {
		t.Errorf("executed in one that is paused: %v", err)
	}
	patient := shell("echo goes on")
	patient.IgnorePaused = true
	plan := planExec(t, c, patient)
	waits, moved := plan.During[0][0].Path, make(chan struct{})
	if !strings.HasSuffix(waits, group+"/cgroup.procs") {
		t.Errorf("it is moved by %s", waits)
	}
	r, w := pipes(t)
	patient.Stdout = w
	done := make(chan error, 1)
	go func() {
		e, err := started(c, patient)
		close(moved)
		if err == nil {
			_, err = e.Wait()
			err = errors.Join(err, e.Close())
		}
		w.Close()
		done <- err
	}()
	for { // until it is in there
		pids, err := c.Processes()
		if err != nil {
			t.Fatal(err)
		}
		if len(pids) == 2 {
			break
		}
		select {
		case err := <-done:
			t.Fatalf("it has ended before it was in there: %v", err)
		default:
		}
	}
	select {
	case <-moved:
		t.Error("Exec has returned before the container goes on")
	default:
	}
	if err := c.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if text, err := io.ReadAll(r); string(text) != "goes on\n" || err != nil {
		t.Errorf("it says %q (%v)", text, err)
	}
}
