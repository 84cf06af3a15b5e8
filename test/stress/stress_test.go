//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

var needs = nstest.Needs{Tools: map[string]string{"busybox": "busybox-static"}}

func TestMain(m *testing.M) { nstest.Main(m, needs) }

// soak is set for the long run.
const soak = "NSTEST_SOAK"

func starts(short int) int {
	switch {
	case os.Getenv(soak) != "":
		return 20_000
	case testing.Short():
		return short / 10
	}
	return short
}

func busybox(t *testing.T) string {
	t.Helper()
	bin, err := nstest.Tool("busybox")
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// TestInThisProcess needs no compiler, and so runs wherever the test does.
func TestInThisProcess(t *testing.T) {
	s := stress{starts: starts(1000), workers: 16, heap: 64, bin: busybox(t)}
	if err := s.run(t.Output()); err != nil {
		t.Fatal(err)
	}
}

// TestBuilds runs the program as others may build it and run it.
func TestBuilds(t *testing.T) {
	rows := []struct {
		name       string
		args, env  []string
		starts     int
		c, withCgo bool // needs a C compiler; has C in it
	}{
		{name: "plain", env: []string{"CGO_ENABLED=0"}, starts: 2000},
		{name: "GOGC=1", env: []string{"CGO_ENABLED=0", "GOGC=1"}, starts: 1200},
		{name: "race detector", args: []string{"-race"}, env: []string{"CGO_ENABLED=1"}, starts: 300, c: true},
		{name: "cgo", env: []string{"CGO_ENABLED=1"}, starts: 1000, c: true, withCgo: true},
		{name: "cgo, race detector, GOGC=1", args: []string{"-race"}, env: []string{"CGO_ENABLED=1", "GOGC=1"}, starts: 150, c: true, withCgo: true},
	}
	compiler, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("skipped: builds programs: %v", err)
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if _, err := exec.LookPath("gcc"); err != nil && row.c {
				t.Skipf("skipped: builds a program with C: %v", err)
			}
			bin := filepath.Join(t.TempDir(), "stress")
			args := append([]string{"build", "-buildvcs=false", "-o", bin}, row.args...)
			if row.withCgo {
				args = append(args, "-overlay="+overlay(t))
			}
			build := exec.CommandContext(t.Context(), compiler, append(args, ".")...)
			build.Env = append(os.Environ(), row.env...)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", build, err, out)
			}
			run := exec.CommandContext(t.Context(), bin, fmt.Sprint("-starts=", starts(row.starts)), "-exec="+busybox(t))
			run.Env = append(os.Environ(), row.env...)
			out, err := run.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// overlay lets the go command see one more file in this directory, which has C in it.
func overlay(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]map[string]string{
		"Replace": {filepath.Join(dir, "cgo.go"): filepath.Join(dir, "testdata", "cgo.go")},
	})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}
