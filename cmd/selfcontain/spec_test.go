package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

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
