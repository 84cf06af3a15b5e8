package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// Which cgroup a container gets, by its configuration and the flags in front.
func TestCgroupOf(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1")
	own := defaultRoot(os.Geteuid(), "/run/user/1")
	asked := func(path string) *container.Cgroup { return &container.Cgroup{Path: path} }
	limits := func(path string) *container.Cgroup {
		n := int64(5)
		return &container.Cgroup{Path: path, Resources: cgroupv2.Resources{Pids: &n}}
	}
	optional := func(c *container.Cgroup) *container.Cgroup { c.Optional = true; return c }
	for _, row := range []struct {
		name, flags string
		config      *container.Cgroup
		want        *container.Cgroup
		wrong       string
	}{
		{"nothing is asked for", "", nil, optional(asked("selfcontain/a")), ""},
		{"in another directory of state", "--root /srv/state", nil, optional(asked("selfcontain/a-41e72d31")), ""},
		{"a path", "--rootless false", asked("/x/y"), asked("/x/y"), ""},
		{"a path, by a user", "--rootless true", asked("/x/y"), optional(asked("/x/y")), ""},
		{"limits, by a user", "--rootless true", limits("/x/y"), limits("/x/y"), ""},
		{"limits without a path", "", limits(""), limits("selfcontain/a"), ""},
		{"a path with systemd", "--systemd-cgroup --rootless=false", asked("/x/y"), nil, `linux.cgroupsPath: "/x/y" is no unit of systemd's (slice:prefix:name), which --systemd-cgroup asks for, and that cannot be had yet: name a path`},
		{"two words with systemd", "--systemd-cgroup", asked("a:b"), nil, `linux.cgroupsPath: "a:b" is no unit of systemd's (slice:prefix:name)`},
		{"nothing with systemd", "--systemd-cgroup", nil, nil, `linux.cgroupsPath: it is empty, which asks for a unit of systemd's (slice:prefix:name)`},
		{"limits alone with systemd", "--cgroup-manager systemd", limits(""), nil, `linux.cgroupsPath: it is empty, which asks for a unit of systemd's (slice:prefix:name)`},
		{"a unit", "--systemd-cgroup", asked("user.slice:libpod:a"), nil, `linux.cgroupsPath: "user.slice:libpod:a" asks for a unit of systemd's`},
		{"the same", "--cgroup-manager=systemd", asked("user.slice:libpod:a"), nil, `linux.cgroupsPath: "user.slice:libpod:a" asks for a unit of systemd's`},
		{"no systemd, but colons", "--rootless=false", asked("a:b:c"), asked("a:b:c"), ""},
		{"nobody makes one", "--cgroup-manager disabled", asked("/x/y"), nil, ""},
		{"limits, and nobody makes one", "--cgroup-manager disabled", limits("/x/y"), nil, "linux.resources: limits take a cgroup"},
	} {
		var g global
		f := g.flags()
		if err := f.Parse(strings.Fields(row.flags)); err != nil {
			t.Fatal(err)
		}
		if err := g.check(given(f, "root")); err != nil {
			t.Fatal(err)
		}
		if g.root != own && g.root != "/srv/state" {
			t.Fatal(g.root)
		}
		s := container.Spec{Cgroup: row.config}
		_, err := g.cgroupOf("a")(&s)
		if row.wrong != "" {
			if err == nil || !strings.HasPrefix(err.Error(), row.wrong) {
				t.Errorf("%s: %v", row.name, err)
			}
			continue
		}
		got, want := s.Cgroup, row.want
		if err != nil || (got == nil) != (want == nil) || got != nil && (got.Path != want.Path || got.Optional != want.Optional || got.Resources.Asks() != want.Resources.Asks()) {
			t.Errorf("%s: %+v, %v, want %+v", row.name, got, err, want)
		}
	}
}

// A container can be frozen, is shown so, and goes on. Its cgroup goes with it.
func TestPauseAndResume(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	if !nstest.Subprocess(t) {
		return
	}
	subreaper(t)
	h, err := cgroupv2.Find()
	if err != nil {
		t.Skipf("skipped: no cgroup v2: %v", err)
	}
	h.Close()
	dir := bundle(t, shell("exec sleep 1000 >/dev/null 2>&1")...)
	g := goRunc{t, filepath.Join(t.TempDir(), "state"), filepath.Join(t.TempDir(), "log")}
	if r := g.do("run", "-d", "-b", dir, "ctr"); r != (result{}) {
		t.Fatalf("%+v", r)
	}
	status := func(want string) {
		t.Helper()
		if r := g.do("state", "ctr"); !strings.Contains(r.stdout, `"status": "`+want+`"`) {
			t.Errorf("%+v: want %s", r, want)
		}
	}
	for _, step := range []struct{ verb, status, wrong string }{
		{"resume", "running", "container not paused"},
		{"pause", "paused", ""},
		{"pause", "paused", "container paused"},
		{"resume", "running", ""},
		{"pause", "paused", ""},
	} {
		if r := g.do(step.verb, "ctr"); (r.status == 0) != (step.wrong == "") || step.wrong != "" && !strings.Contains(g.lastError(), step.wrong) {
			t.Errorf("%s: %+v, %q", step.verb, r, g.lastError())
		}
		status(step.status)
	}
	if r := g.do("delete", "--force", "ctr"); r != (result{}) {
		t.Errorf("%+v", r)
	}
	var end unix.WaitStatus
	if _, err := unix.Wait4(-1, &end, 0, nil); err != nil || end.Signal() != unix.SIGKILL {
		t.Errorf("%v, %v", end, err)
	}
	// nstest looks for cgroups that are left.
}
