package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/oci"
)

func TestSpec(t *testing.T) {
	dir := t.TempDir()
	c := command(t, "spec")
	c.Dir = dir
	if r := do(t, c); r != (result{}) {
		t.Fatalf("%+v", r)
	}
	// What it wrote is a configuration for the specification's own types: nothing in
	// it is misspelled, and nothing in it is refused or without effect here.
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var spec specs.Spec
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(&spec); err != nil {
		t.Error(err)
	}
	if spec.Version != specs.Version || oci.Version != specs.Version {
		t.Errorf("version %s here and %s there, want %s", spec.Version, oci.Version, specs.Version)
	}
	if _, warnings, err := oci.Load(dir); err != nil || len(warnings) > 0 {
		t.Errorf("%v, %v", warnings, err)
	}
}

func TestRootlessSpecAsRoot(t *testing.T) {
	nstest.Root(t)
	testRootlessSpec(t)
}

func TestRootlessSpecAsUser(t *testing.T) {
	if nstest.Subprocess(t, nstest.As(nobody)) {
		testRootlessSpec(t)
	}
}

func TestRootlessSpecAsUserWithSubIDs(t *testing.T) {
	if nstest.Subprocess(t, nstest.As(boxer)) {
		testRootlessSpec(t)
	}
}

// testRootlessSpec writes a configuration for the user who runs it, and runs it: without
// an option, a warning, or anything else to do.
func testRootlessSpec(t *testing.T) {
	nstest.UserNS(t)
	dir := filepath.Dir(nstest.RootFS(t))
	if r := do(t, command(t, "spec", "--rootless", "-b", dir)); r != (result{}) {
		t.Fatalf("%+v", r)
	}
	file := filepath.Join(dir, "config.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var spec specs.Spec
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(&spec); err != nil {
		t.Error(err)
	}
	if ids := spec.Linux.UIDMappings; len(ids) != 1 || ids[0] != (specs.LinuxIDMapping{HostID: uint32(os.Geteuid()), Size: 1}) {
		t.Errorf("the map is %v", ids)
	}
	text := strings.Replace(string(data), `["sh"]`, `["sh", "-c", "id -u; touch /x; ls /sys/kernel >/dev/null; test -d /sys/fs/cgroup; tr -s ' ' </proc/self/uid_map"]`, 1)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	want := result{stdout: fmt.Sprintf("0\n 0 %d 1\n", os.Geteuid()), stderr: "touch: /x: Read-only file system\n"}
	if r := do(t, command(t, "run", "-b", dir, "box")); r != want {
		t.Errorf("got %+v, want %+v", r, want)
	}
}

func TestSpecOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.json")
	for _, row := range []struct {
		name string
		make func() error
	}{
		{"a file", func() error { return os.WriteFile(file, []byte("mine"), 0o644) }},
		{"a link to nothing", func() error { return os.Symlink("elsewhere", file) }},
		{"a directory", func() error { return os.Mkdir(file, 0o755) }},
	} {
		if err := row.make(); err != nil {
			t.Fatal(err)
		}
		before, err := os.Lstat(file)
		if err != nil {
			t.Fatal(err)
		}
		r := do(t, command(t, "spec", "--bundle", dir))
		if want := (result{stderr: "selfcontain: " + file + " is there already\n", status: 1}); r != want {
			t.Errorf("%s: got %+v, want %+v", row.name, r, want)
		}
		after, err := os.Lstat(file)
		if err != nil || !os.SameFile(before, after) || before.Size() != after.Size() {
			t.Errorf("%s is another one now: %v", row.name, err)
		}
		if _, err := os.Lstat(filepath.Join(dir, "elsewhere")); err == nil {
			t.Errorf("%s: the link was followed", row.name)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}
