package container_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestAttached finds a container that runs with its caller by its id, looks at it, ends it
// through what was found, and finds nothing of it afterwards.
func TestAttached(t *testing.T) {
	nstest.Root(t)
	root := filepath.Join(t.TempDir(), "state")
	spec := with(rootFSFor(t), sh("exec sleep 1000"), func(s *container.Spec) {
		s.Annotations = map[string]string{`a "quoted" name`: "x"}
	})
	spec.Bundle, spec.Hostname = "/a\tbundle", "attached"
	told := 0
	o := container.CreateOptions{Created: func(s container.State) error { told = s.Pid; return nil }}
	a, err := container.Attach(root, "one", spec, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := container.Attach(root, "one", spec, o); !errors.Is(err, container.IDInUse) {
		t.Errorf("a second one of the same id: %v", err)
	}
	c, err := container.Load(root, "one")
	if err != nil {
		t.Fatal(err)
	}
	state, err := c.State()
	if err != nil {
		t.Fatal(err)
	}
	if state.Status != container.Running || state.Pid != a.Pid() || told != a.Pid() || state.Bundle != "/a\tbundle" ||
		state.Annotations[`a "quoted" name`] != "x" || state.Created.IsZero() {
		t.Errorf("%+v, and the caller was told of %d", state, told)
	}
	if found, err := c.Spec(); err != nil || !slices.Equal(found.Process.Env, spec.Process.Env) || found.Hostname != spec.Hostname {
		t.Errorf("it was made of %+v, %v; want %+v", found, err, spec)
	}
	var out strings.Builder
	further := container.Process{Args: []string{"/bin/sh", "-c", "hostname"}, Stdout: &out}
	if err := c.Start(&further); err != nil {
		t.Fatal(err)
	}
	if status, err := further.Wait(); err != nil || status != 0 || out.String() != spec.Hostname+"\n" {
		t.Errorf("a further process: %q, %#x, %v", out.String(), status, err)
	}
	if err := further.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Signal(unix.SIGKILL, false); err != nil {
		t.Error(err)
	}
	if status, err := a.Wait(); err != nil || status.Signal() != unix.SIGKILL {
		t.Errorf("status %#x, %v", status, err)
	}
	if err := a.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := container.Load(root, "one"); !errors.Is(err, container.ContainerNotExists) {
		t.Errorf("it is still there: %v", err)
	}
}

// TestAttachedFails leaves nothing of a container that cannot be started, nor of one whose
// caller does not want it any more.
func TestAttachedFails(t *testing.T) {
	nstest.Root(t)
	root := filepath.Join(t.TempDir(), "state")
	unwanted := errors.New("not wanted")
	for _, row := range []struct {
		name    string
		program string
		created func(container.State) error
	}{
		{"no such program", "/none", nil},
		{"the caller changes its mind", "/bin/sh", func(container.State) error { return unwanted }},
	} {
		spec := with(rootFSFor(t), func(s *container.Spec) { s.Process.Args = []string{row.program} })
		if a, err := container.Attach(root, "one", spec, container.CreateOptions{Created: row.created}); err == nil {
			t.Errorf("%s: it runs", row.name)
			_ = a.Signal(unix.SIGKILL)
		}
		if list, err := container.List(root); err != nil || len(list) != 0 {
			t.Errorf("%s: %d containers are left, %v", row.name, len(list), err)
		}
	}
}
