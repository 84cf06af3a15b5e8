package container_test

import (
	"os"
	"reflect"
	"testing"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestSpecIsKept creates a container with a terminal and much else, and asks what it was
// created with: what the caller changes afterwards means nothing.
func TestSpecIsKept(t *testing.T) {
	nstest.Root(t)
	spec := with(rootFSFor(t), inUser(t), withTerminal, grouped(t), sh("exit 3"))
	score := 500
	spec.Process.OOMScoreAdj = &score
	spec.Annotations, spec.Labels = map[string]string{"a": "1", "": "2"}, []string{"x=y"}
	spec.Cgroup.Resources = cgroupv2.Resources{Unified: map[string]string{"cgroup.max.depth": "3"}}
	var master *os.File
	spec.Process.Console = func(f *os.File) error { master = f; return nil }
	c := create(t, spec, container.CreateOptions{})
	spec.Process.Console = nil
	if master == nil {
		t.Fatal("nobody got the terminal")
	}
	defer master.Close()
	got, err := c.Spec()
	if err != nil || !reflect.DeepEqual(got, spec) {
		t.Errorf("the spec is\n%+v (%v), it was\n%+v", got, err, spec)
	}
	if text, err := os.ReadFile(hierarchy(t) + spec.Cgroup.Path + "/cgroup.max.depth"); string(text) != "3\n" {
		t.Errorf("cgroup.max.depth is %q (%v)", text, err)
	}
	depth := cgroupv2.Resources{Unified: map[string]string{"cgroup.max.depth": "5"}}
	if err := c.Set(depth); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(hierarchy(t) + spec.Cgroup.Path + "/cgroup.max.depth"); string(text) != "5\n" {
		t.Errorf("set to 5, cgroup.max.depth is %q (%v)", text, err)
	}
	if status, err := c.Run(); status != exited(3) || err != nil {
		t.Errorf("status %#x (%v)", int(status), err)
	}
}
