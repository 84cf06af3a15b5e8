package container_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
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
	spec := usual("/srv/root")
	spec.Process.AppArmorProfile, spec.Process.SELinuxLabel, spec.MountLabel = p.AppArmorProfile, p.SELinuxLabel, "m:n:o:s0:c1,c2"
	spec.Mounts = append(spec.Mounts,
		mounts.Mount{Destination: "/a", Type: "tmpfs", Options: []string{"size=4k"}},
		mounts.Mount{Destination: "/b", Type: "tmpfs", Options: []string{"rootcontext=its:own"}},
		mounts.Mount{Destination: "/c", Source: "/srv", Options: []string{"bind"}})
	compilers := map[string]func() (*container.Plan, error){
		"a further process": func() (*container.Plan, error) { return container.CompileExec(p, target, host) },
		"a container":       func() (*container.Plan, error) { return container.CompileGated(spec, host) },
		"one in a user namespace": func() (*container.Plan, error) {
			s := spec
			s.Namespaces = append(slices.Clone(s.Namespaces), clone.Namespace{Type: clone.NEWUSER})
			s.UIDMappings = clone.IDMaps{{HostID: 100000, Size: 65536}}
			s.GIDMappings = s.UIDMappings
			return container.Compile(s, host)
		},
	}
	for name, compile := range compilers {
		t.Run(name, func(t *testing.T) {
			refused := 3
			if name == "a further process" {
				refused = 2
			}
			host.Modules = nil
			if _, err := compile(); err == nil || strings.Count(err.Error(), "nothing would enforce it") != refused {
				t.Errorf("without a security module: %v", err)
			}
			host.Modules = []string{"apparmor", "selinux"}
			plan, err := compile()
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
			if refused == 2 {
				return
			}
			labelled := 0
			for _, call := range calls {
				if strings.Contains(call, `"context", "m:n:o:s0:c1,c2"`) {
					labelled++
				}
			}
			if want := labelledMounts(spec.Mounts) + 1; labelled != want { // and the one that masks are copies of
				t.Errorf("%d file systems are labelled, want %d", labelled, want)
			}
		})
	}
}

// labelledMounts counts what can be given a label, and has none of its own.
func labelledMounts(list []mounts.Mount) (n int) {
	for _, m := range list {
		if (m.Type == "tmpfs" || m.Type == "devpts") && m.Destination != "/b" {
			n++
		}
	}
	return n
}
