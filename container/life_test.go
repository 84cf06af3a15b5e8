package container_test

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// create makes a container in a root of state of its own, and destroys it after the test.
func create(t testing.TB, spec container.Spec, o container.CreateOptions) *container.Container {
	t.Helper()
	c, err := container.Create(filepath.Join(t.TempDir(), "state"), "c", spec, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Destroy(true); err != nil {
			t.Error(err)
		}
	})
	return c
}

func statusIs(t testing.TB, c *container.Container, want container.Status) {
	t.Helper()
	if got, err := c.Status(); got != want || err != nil {
		t.Errorf("status %q (%v), want %q", got, err, want)
	}
}

// TestLifeCycle goes through a whole life, and looks at every turn.
func TestLifeCycle(t *testing.T) {
	nstest.Root(t)
	for _, row := range []struct {
		about string
		spec  func(*container.Spec)
	}{
		{"as engines ask for it", func(*container.Spec) {}},
		{"with an init", func(s *container.Spec) { s.Init = true }},
		{"in a user namespace", inUser(t)},
		{"in a user namespace, with an init", func(s *container.Spec) { inUser(t)(s); s.Init = true }},
		{"without a pid namespace", func(s *container.Spec) {
			s.Namespaces = s.Namespaces[1:]
			s.MaskedPaths, s.ReadonlyPaths, s.Mounts = nil, nil, nil
		}},
	} {
		t.Run(row.about, func(t *testing.T) {
			spec := with(rootFSFor(t), row.spec, sh("echo started; read line; echo $line; exit 7"))
			spec.Annotations = map[string]string{"a": "b"}
			in, out := pipes(t)
			said, say := pipes(t)
			spec.Bundle, spec.Process.Stdin, spec.Process.Stdout = "/bundle", in, say
			c := create(t, spec, container.CreateOptions{})
			in.Close()
			say.Close()
			statusIs(t, c, container.Created)
			s, err := c.State()
			if err != nil || s.ID != "c" || s.Pid <= 0 || s.Bundle != "/bundle" || s.Annotations["a"] != "b" || s.Rootfs != spec.Root.Path {
				t.Errorf("state %+v (%v)", s, err)
			}
			if err := c.Destroy(false); !errors.Is(err, container.ContainerNotStopped) {
				t.Errorf("destroyed before its start: %v", err)
			}
			if err := c.Exec(); err != nil {
				t.Fatal(err)
			}
			statusIs(t, c, container.Running)
			if err := c.Exec(); !errors.Is(err, container.ContainerNotStopped) {
				t.Errorf("started again: %v", err)
			}
			if _, err := io.WriteString(out, "over\n"); err != nil {
				t.Fatal(err)
			}
			out.Close()
			if text, err := io.ReadAll(said); string(text) != "started\nover\n" || err != nil {
				t.Errorf("it said %q (%v)", text, err)
			}
			if status, err := c.Wait(); status != exited(7) || err != nil {
				t.Errorf("status %#x (%v)", int(status), err)
			}
			statusIs(t, c, container.Stopped)
			if err := c.Exec(); !errors.Is(err, container.ContainerNotRunning) {
				t.Errorf("started after its end: %v", err)
			}
			if err := c.Signal(unix.SIGTERM, false); !errors.Is(err, container.ContainerNotRunning) || !strings.Contains(err.Error(), "container not running") {
				t.Errorf("signalled after its end: %v", err)
			}
			for range 2 {
				if err := c.Destroy(false); err != nil {
					t.Errorf("destroy: %v", err)
				}
			}
			if _, err := c.Status(); !errors.Is(err, container.ContainerNotExists) || !strings.Contains(err.Error(), "container does not exist") {
				t.Errorf("status after its destruction: %v", err)
			}
		})
	}
}
