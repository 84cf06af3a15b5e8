package container_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
)

// TestLabels: a label is written where the host enforces it, before the process stops being
// dumpable, since its own file is closed to it then; elsewhere it is refused.
func TestLabels(t *testing.T) {
	host, err := container.Probe()
	if err != nil {
		t.Fatal(err)
	}
	p := container.Process{Args: []string{"/bin/true"}, AppArmorProfile: "a-profile", SELinuxLabel: "a:b:c"}
	target := container.Target{Pid: 1, Namespaces: []clone.NamespaceType{clone.NEWNS}}
	host.Modules = nil
	if _, err := container.CompileExec(p, target, host); err == nil || strings.Count(err.Error(), "nothing would enforce it") != 2 {
		t.Errorf("without a security module: %v", err)
	}
	host.Modules = []string{"apparmor", "selinux"}
	plan, err := container.CompileExec(p, target, host)
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	for i := range plan.Child.Len() {
		calls = append(calls, plan.Child.Op(i).String())
	}
	dumpable := slices.IndexFunc(calls, func(s string) bool { return strings.Contains(s, "PR_SET_DUMPABLE") })
	for _, want := range []string{`"exec a-profile"`, `"self/attr/apparmor/exec"`, `"self/attr/exec"`, `"self/attr/keycreate"`, `"a:b:c"`} {
		at := slices.IndexFunc(calls, func(s string) bool { return strings.Contains(s, want) })
		if at < 0 || at > dumpable {
			t.Errorf("%s is operation %d, and the process is not dumpable from %d on", want, at, dumpable)
		}
	}
}
