//go:build linux

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestCommandsOfALife(t *testing.T) {
	l := &life{at: place{exe: "/x/crun", state: "/s"}, manager: []string{"--cgroup-manager=cgroupfs"}}
	if got := strings.Join(l.argv("exec", "id", "/bin/true"), " "); got != "/x/crun --root /s --cgroup-manager=cgroupfs exec id /bin/true" {
		t.Errorf("with a manager: %s", got)
	}
	l.manager = nil
	if got := strings.Join(l.argv("state", "id"), " "); got != "/x/crun --root /s state id" {
		t.Errorf("without: %s", got)
	}
	jobs := l.jobs()
	for _, row := range lifeRows {
		if jobs[row.job] == nil {
			t.Errorf("%s: nobody does it", row.job)
		}
	}
}

func TestResidentOfThisProcess(t *testing.T) {
	kib, note, err := residentNow(os.Getpid())
	if err != nil || kib < 100 || !strings.HasSuffix(note, " KiB of it anonymous") {
		t.Errorf("%v, %q, %v", kib, note, err)
	}
	if _, _, err := residentNow(1 << 22); err == nil {
		t.Error("a process that there is not has a size")
	}
}

func TestLimitedBundleIsTheOtherWithALimit(t *testing.T) {
	dir := t.TempDir()
	b := bundle{dir: filepath.Join(dir, "of"), spec: specs.Spec{Hostname: "h", Linux: &specs.Linux{MaskedPaths: []string{"/proc/keys"}}}}
	limited, err := b.limited(filepath.Join(dir, "limited"), 12345)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(limited.dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got specs.Spec
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Hostname != "h" || got.Root.Path != b.rootfs() || *got.Linux.Resources.Memory.Limit != 12345 || len(got.Linux.MaskedPaths) != 1 {
		t.Errorf("the bundle is %s", text)
	}
	if b.spec.Linux.Resources != nil || b.spec.Root != nil {
		t.Error("the other one has changed")
	}
}
