package container_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// cgroupSteps are those of which a step is several calls: witness.compareHost leaves them to
// TestCgroupPlanIsTheTruth.
var cgroupSteps = []container.Action{container.MakeCgroup, container.LimitCgroup, container.FilterDevices, container.DelegateCgroup}

// TestCgroupPlanIsTheTruth holds what strace saw of both sides against the plan of a container
// with limits, rules for devices and a cgroup that its root gets.
func TestCgroupPlanIsTheTruth(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	if testing.Short() {
		t.Skip("skipped: strace takes seconds in a guest, and this is not about the kernel; not with -short")
	}
	spec := with(rootFSFor(t), grouped(t), inUser(t), func(s *container.Spec) {
		s.Cgroup.Resources = cgroupv2.Resources{
			Unified: map[string]string{"cgroup.max.depth": "3", "cgroup.max.descendants": "4"},
			Devices: []cgroupv2.DeviceRule{{Allow: true, Type: "c", Major: 10, Minor: 229}},
		}
		for i := range s.Mounts {
			if s.Mounts[i].Type == "cgroup" {
				s.Mounts[i].Options = nil
			}
		}
	})
	w := observeAs(t, spec, "life", container.CompileGated, "LIFE="+filepath.Join(t.TempDir(), "state")+" -1", "LIFE_WAITS=1")
	if w.status != 0 {
		t.Fatalf("it ended with %d\n%s", w.status, w.stderr)
	}
	if _, err := w.compare(write(t, w.plan.Child)); err != nil {
		t.Error(err)
	}
	var actions []container.Action
	var texts []string
	for _, s := range w.plan.Before {
		if slices.Contains(cgroupSteps, s.Action) {
			actions, texts = append(actions, s.Action), append(texts, s.String())
		}
	}
	if !slices.Equal(actions, cgroupSteps) {
		t.Fatalf("the plan has %q", texts)
	}
	instructions := regexp.MustCompile(`\d+ instructions`).FindString(texts[2])
	count, _, _ := strings.Cut(instructions, " ")
	// What the texts say, as strace writes it, in this order; others may be between.
	want := []string{
		`^mkdirat\(\d+, "c", 0755\) += 0`,
		`^openat2\(\d+, "cgroup.max.depth", \{flags=O_WRONLY`, `^write\(\d+, "3\\n", 2\) += 2`,
		`^openat2\(\d+, "cgroup.max.descendants", \{flags=O_WRONLY`, `^write\(\d+, "4\\n", 2\) += 2`,
		`^bpf\(BPF_PROG_LOAD, \{prog_type=BPF_PROG_TYPE_CGROUP_DEVICE, insn_cnt=` + count + `,.* = \d+$`,
		`^bpf\(BPF_PROG_ATTACH, \{target_fd=\d+, .*attach_type=BPF_CGROUP_DEVICE.* = 0$`,
		`^openat2\(\d+, "cgroup.procs", `, `^fchownat\(\d+, "", 100000, 100000, AT_EMPTY_PATH\) += 0`,
		`^openat2\(\d+, ".", `, `^fchownat\(\d+, "", 100000, 100000, AT_EMPTY_PATH\) += 0`,
	}
	at := 0
	for _, pattern := range want {
		found := slices.IndexFunc(w.host[at:], regexp.MustCompile(pattern).MatchString)
		if found < 0 {
			t.Fatalf("strace did not see %s, or not in this place:\n%s", pattern, strings.Join(w.host[at:], "\n"))
		}
		at += found + 1
	}
	for _, text := range []string{
		fmt.Sprintf("mkdirat(cgroup2, %q, 0755)", spec.Cgroup.Path),
		fmt.Sprintf("write(cgroup2, %q, cgroup.max.depth = 3, cgroup.max.descendants = 4)", spec.Cgroup.Path),
		fmt.Sprintf("fchownat(cgroup2, %q, 100000, 100000); so the files of /sys/kernel/cgroup/delegate in it", spec.Cgroup.Path),
	} {
		if !slices.Contains(texts, text) {
			t.Errorf("%s is not in %q", text, texts)
		}
	}
	if !strings.Contains(w.birth.line, "CLONE_INTO_CGROUP") {
		t.Errorf("born elsewhere: %s", w.birth.line)
	}
}
