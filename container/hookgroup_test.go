package container_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestHooksInCgroup is where hooks count: those in the container's namespaces in its cgroup, so
// that its limits are theirs, and those on the host where their caller does.
func TestHooksInCgroup(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	dir := t.TempDir()
	own := strings.TrimPrefix(ownGroup(t), "0::")
	spec := with(nstest.RootFS(t), grouped(t), sh(":"), func(s *container.Spec) {
		s.Bundle = "/"
		s.Namespaces.Remove(clone.NEWCGROUP) // paths are the host's then
		s.Mounts = append(s.Mounts, mountOf("/home", dir))
		tell := func(name, dir string) []container.Hook {
			hook := shHook("grep ^0:: /proc/self/cgroup >" + dir + "/" + name)
			if dir == "/home" {
				hook = inHook("grep ^0:: /proc/self/cgroup >" + dir + "/" + name)
			}
			return []container.Hook{hook}
		}
		s.Hooks = container.Hooks{
			Prestart: tell("prestart", dir), CreateRuntime: tell("createRuntime", dir), CreateContainer: tell("createContainer", dir),
			StartContainer: tell("startContainer", "/home"), Poststart: tell("poststart", dir), Poststop: tell("poststop", dir),
		}
	})
	c, err := container.Create(filepath.Join(t.TempDir(), "state"), "c", spec, container.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if status, err := c.Run(); status != 0 || err != nil {
		t.Errorf("%#x, %v", int(status), err)
	}
	if err := c.Destroy(true); err != nil {
		t.Error(err)
	}
	for kind, want := range map[string]string{
		"prestart": own, "createRuntime": own, "createContainer": spec.Cgroup.Path,
		"startContainer": spec.Cgroup.Path, "poststart": own, "poststop": own,
	} {
		text, err := os.ReadFile(filepath.Join(dir, kind))
		if got := strings.TrimSpace(strings.TrimPrefix(string(text), "0::")); err != nil || got != want {
			t.Errorf("a %s hook is in %s (%v), want %s", kind, got, err, want)
		}
	}
}

// ownGroup is the line of version 2 of /proc/self/cgroup.
func ownGroup(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "0::") {
			return strings.TrimSpace(line)
		}
	}
	t.Fatal("there is no cgroup of version 2")
	return ""
}
