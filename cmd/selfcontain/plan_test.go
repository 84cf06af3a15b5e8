package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

// asNobody makes a command run without any privilege.
func asNobody(t *testing.T, args ...string) result {
	t.Helper()
	c := command(t, args...)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return do(t, c)
}

func TestPlanNeedsNoPrivilege(t *testing.T) {
	nstest.Root(t)
	dir := bundle(t)
	for _, args := range [][]string{nil, {"--brief"}, {"--digest"}, {"--format", "json"}, {"--format=text"}} {
		r := asNobody(t, append(append([]string{"plan", "-b", dir}, args...), "box")...)
		if r.status != 0 || r.stdout == "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

func TestPlanDoesNothing(t *testing.T) {
	dir := bundle(t)
	if err := os.RemoveAll(filepath.Join(dir, "rootfs")); err != nil {
		t.Fatal(err)
	}
	// There is no root file system: whoever did anything would notice.
	r := do(t, command(t, "plan", "-b", dir, "box"))
	if r.status != 0 || !strings.Contains(r.stdout, filepath.Join(dir, "rootfs")) {
		t.Errorf("%+v", r)
	}
}

func TestPlanFormats(t *testing.T) {
	dir := bundle(t)
	plan := func(args ...string) string {
		t.Helper()
		r := do(t, command(t, append(append([]string{"plan", "-b", dir}, args...), "box")...))
		if r.status != 0 {
			t.Fatalf("%q: %+v", args, r)
		}
		return r.stdout
	}
	text := plan()
	for _, call := range []string{"clone3({flags=", "pivot_root(", `sethostname("selfcontain", 11)`, `execve("/bin/sh", `} {
		if !strings.Contains(text, call) {
			t.Errorf("no %s in\n%s", call, text)
		}
	}
	brief := plan("--brief")
	if n := strings.Count(brief, "\n"); n < 8 || n > 16 {
		t.Errorf("%d lines in brief:\n%s", n, brief)
	}
	var document struct {
		Child []any `json:"child"`
	}
	if err := json.Unmarshal([]byte(plan("--format", "json")), &document); err != nil || len(document.Child) == 0 {
		t.Errorf("json: %v, %v", err, document)
	}
	digest := plan("--digest")
	if !regexp.MustCompile(`\A[0-9a-f]{64}\n\z`).MatchString(digest) {
		t.Errorf("digest %q", digest)
	}
	if again := plan("--digest"); again != digest {
		t.Errorf("digest %q, and then %q", digest, again)
	}
	writeConfig(t, dir, `"hostname": "selfcontain"`, `"hostname": "selfcontaim"`)
	if other := plan("--digest"); other == digest {
		t.Errorf("another host name has the same digest %q", digest)
	}
}

func TestPlanWarns(t *testing.T) {
	dir := bundle(t, `"linux": {`, `"linux": { "resources": { "devices": [{ "allow": false, "access": "rwm" }] },`)
	const warning = "warning: linux.resources.devices: not enforced: without a cgroup, and with CAP_MKNOD, the container can use any device of the host\n"
	r := do(t, command(t, "--cgroup-manager", "disabled", "plan", "-b", dir, "box"))
	if r.status != 0 || !strings.HasSuffix(r.stdout, "\n"+warning) || r.stderr != "" {
		t.Errorf("text: %+v", r)
	}
	r = do(t, command(t, "--cgroup-manager=disabled", "plan", "-b", dir, "--digest", "box"))
	if r.status != 0 || len(r.stdout) != 65 || r.stderr != "selfcontain: "+warning {
		t.Errorf("digest: %+v", r)
	}
}

func TestPlanNamesEveryMistake(t *testing.T) {
	dir := bundle(t, `{ "type": "uts" },`, "", `"cwd": "/"`, `"cwd": "/", "oomScoreAdj": 5`)
	r := do(t, command(t, "plan", "-b", dir, "box"))
	want := "selfcontain: hostname: \"selfcontain\": without a uts namespace the container would change the host's\n"
	if (r != result{stderr: want, status: 1}) {
		t.Errorf("got %+v, want %s", r, want)
	}
}
