package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

// A trace is what run does, and says what it did: standard output and the exit status
// belong to the program.
func TestTrace(t *testing.T) {
	nstest.Root(t)
	dir := bundle(t, shell("echo works; exit 7")...)
	file := filepath.Join(t.TempDir(), "trace")
	line := regexp.MustCompile(`(?m)^[* ] +\d+\.\d{3} +\d+\.\d +\d+ pivot_root\("\.", "\."\)  # `)
	for _, row := range []struct {
		args []string
		file bool
	}{
		{args: []string{"trace", "-b", dir, "box"}},
		{args: []string{"trace", "run", "--bundle", dir, "box"}},
		{args: []string{"trace", "-o", file, "run", "-b", dir, "box"}, file: true},
		{args: []string{"trace", "--json", "-b", dir, "box"}},
		{args: []string{"trace", "--output", file, "--json", "run", "-b", dir, "box"}, file: true},
	} {
		r := do(t, command(t, row.args...))
		text := r.stderr
		if row.file {
			if text != "" {
				t.Errorf("%q: %q on standard error", row.args, text)
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		if r.stdout != "works\n" || r.status != 7 {
			t.Errorf("%q: %q, status %d", row.args, r.stdout, r.status)
		}
		if !strings.Contains(strings.Join(row.args, " "), "--json") {
			if !line.MatchString(text) || strings.Count(text, "\n*") != 5 {
				t.Errorf("%q wrote\n%s", row.args, text)
			}
			continue
		}
		var events struct{ Events []struct{ Side, Call string } }
		if err := json.Unmarshal([]byte(text), &events); err != nil {
			t.Errorf("%q: %v:\n%s", row.args, err, text)
		}
		sides := map[string]int{}
		for _, e := range events.Events {
			sides[e.Side]++
		}
		if sides["host"] < 5 || sides["container"] < 100 {
			t.Errorf("%q: %v", row.args, sides)
		}
	}
}

// Where the start fails there is a trace as well, and behind it one line, which names the
// call that failed.
func TestTraceOfAFailure(t *testing.T) {
	nstest.Root(t)
	dir := bundle(t, `["sh"]`, `["/none"]`)
	r := do(t, command(t, "trace", "run", "-b", dir, "box"))
	if r.status != 1 || r.stdout != "" || !regexp.MustCompile(`\nselfcontain: op \d+ execve "/none" \(process.args\[0\]\): no such file or directory.*\n\z`).MatchString(r.stderr) {
		t.Errorf("got %+v", r)
	}
	if strings.Count(r.stderr, "\n!") != 1 || !regexp.MustCompile(`(?m)^! .* execve\("/none", .* = ENOENT`).MatchString(r.stderr) {
		t.Errorf("what has failed is not marked:\n%s", r.stderr)
	}
}

// The details are one fact a line.
func TestDebugSaysWhichFacts(t *testing.T) {
	nstest.Root(t)
	dir := bundle(t, `"source": "proc"`, `"source": "proc", "options": ["colour=red"]`)
	short, long := do(t, command(t, "run", "-b", dir, "box")), do(t, command(t, "--debug", "run", "-b", dir, "box"))
	if strings.Count(short.stderr, "\n") != 1 || !strings.HasPrefix(long.stderr, short.stderr) {
		t.Fatalf("got %s\nand with --debug %s", short.stderr, long.stderr)
	}
	for _, want := range []string{`call:      fsconfig($proc`, "for:       option colour", "asked by:  mounts[", "errors:    EINVAL: ", "read:      man 2 fsconfig"} {
		if !strings.Contains(long.stderr, "\nselfcontain: "+want) {
			t.Errorf("no %q in\n%s", want, long.stderr)
		}
	}
}
