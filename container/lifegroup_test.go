package container_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// grouped gives a container a cgroup of this test's.
func grouped(t testing.TB) func(*container.Spec) {
	return func(s *container.Spec) {
		s.Cgroup = &container.Cgroup{Path: fmt.Sprintf("/selfcontain-test-%d/deep/c", os.Getpid())}
	}
}

// hierarchy is where cgroup v2 is mounted.
func hierarchy(t testing.TB) string {
	t.Helper()
	h, err := cgroupv2.Find()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	return h.Mountpoint()
}

// TestLifeInCgroup is what a cgroup changes: everything in the container can be counted,
// frozen and ended, and the group goes with it.
func TestLifeInCgroup(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	for _, row := range []struct {
		about  string
		change func(*container.Spec)
	}{
		{"with a pid namespace", func(*container.Spec) {}},
		{"without one", func(s *container.Spec) {
			s.Namespaces.Remove(clone.NEWPID)
			s.Mounts, s.MaskedPaths, s.ReadonlyPaths = nil, nil, nil
		}},
		{"in a user namespace", inUser(t)},
	} {
		t.Run(row.about, func(t *testing.T) {
			r, w := pipes(t)
			spec := with(rootFSFor(t), row.change, grouped(t), sh("sleep 1000 & sleep 1000 & echo started; wait"))
			spec.Process.Stdout = w
			c := create(t, spec, container.CreateOptions{})
			w.Close()
			path := filepath.Join(hierarchy(t), spec.Cgroup.Path)
			if pids, err := c.Processes(); len(pids) != 1 || err != nil {
				t.Errorf("created: processes %v (%v)", pids, err)
			}
			if err := c.Pause(); err != nil {
				t.Error(err)
			}
			statusIs(t, c, container.Paused)
			if err := c.Exec(); !errors.Is(err, container.ContainerPaused) {
				t.Errorf("started while paused: %v", err)
			}
			if err := c.Pause(); !errors.Is(err, container.ContainerPaused) {
				t.Errorf("paused again: %v", err)
			}
			if err := c.Resume(); err != nil {
				t.Error(err)
			}
			if err := c.Resume(); !errors.Is(err, container.ContainerNotPaused) {
				t.Errorf("resumed again: %v", err)
			}
			statusIs(t, c, container.Created)
			if err := c.Exec(); err != nil {
				t.Fatal(err)
			}
			if text := make([]byte, 8); true {
				if n, err := r.Read(text); string(text[:n]) != "started\n" {
					t.Fatalf("it said %q (%v)", text[:n], err)
				}
			}
			pids, err := c.Processes()
			if len(pids) != 3 || err != nil {
				t.Errorf("running: processes %v (%v)", pids, err)
			}
			if err := c.Pause(); err != nil {
				t.Error(err)
			}
			statusIs(t, c, container.Paused)
			// SIGKILL ends also what is frozen.
			if err := c.Signal(unix.SIGKILL, true); err != nil {
				t.Error(err)
			}
			if _, err := c.Wait(); err != nil {
				t.Error(err)
			}
			statusIs(t, c, container.Stopped)
			if err := c.Destroy(false); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Dir(filepath.Dir(path))); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the groups above are left (%v)", err)
			}
		})
	}
}

// TestSignalAll sends a signal to everything in the container. No process is the first of a
// pid namespace, so whoever gets it dies of it.
func TestSignalAll(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	r, w := pipes(t)
	withoutPids := func(s *container.Spec) {
		s.Namespaces.Remove(clone.NEWPID)
		s.Mounts, s.MaskedPaths, s.ReadonlyPaths = nil, nil, nil
	}
	c := create(t, with(rootFSFor(t), withoutPids, grouped(t), sh("sleep 1000 & sleep 1000 & echo ready; exec sleep 1000"), func(s *container.Spec) { s.Process.Stdout = w }),
		container.CreateOptions{})
	w.Close()
	if err := c.Exec(); err != nil {
		t.Fatal(err)
	}
	if err := r.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 8)
	if n, err := r.Read(text); string(text[:n]) != "ready\n" {
		t.Fatalf("it said %q (%v)", text[:n], err)
	}
	if err := c.Signal(unix.SIGUSR1, true); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 { // its end is that of all three
		t.Fatalf("it said %q (%v)", rest, err)
	}
	if status, err := c.Wait(); err != nil || !status.Signaled() || status.Signal() != unix.SIGUSR1 {
		t.Errorf("status %#x (%v)", int(status), err)
	}
}

// TestCgroupThatIsTaken is refused, and whoever is in it is unharmed.
func TestCgroupThatIsTaken(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	first := create(t, with(rootFSFor(t), grouped(t), sh(aliveFor)), container.CreateOptions{})
	spec := with(rootFSFor(t), grouped(t), sh(aliveFor))
	root := filepath.Join(t.TempDir(), "state")
	_, err := container.Create(root, "second", spec, container.CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), "linux.cgroupsPath") || !strings.Contains(err.Error(), "there are processes in it") {
		t.Errorf("it says %v", err)
	}
	statusIs(t, first, container.Created)
	// Nor is it harmed by who removes what a killed creation of the second has left: the
	// link with the path, and nothing else.
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "second")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(strings.TrimSpace(string(boot))+" "+spec.Cgroup.Path, filepath.Join(dir, "cgroup")); err != nil {
		t.Fatal(err)
	}
	second, err := container.Load(root, "second")
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Destroy(true); err != nil {
		t.Error(err)
	}
	statusIs(t, first, container.Created)
}
