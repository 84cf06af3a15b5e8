package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

// TestRunCallsHooks runs a bundle with hooks: what they are told, in which order, and what
// is said of one that fails.
func TestRunCallsHooks(t *testing.T) {
	nstest.Root(t)
	said := filepath.Join(t.TempDir(), "said")
	hook := func(script string) map[string]any {
		return map[string]any{"path": "/bin/sh", "args": []string{"sh", "-c", script}, "env": []string{"PATH=/bin:/usr/bin"}, "timeout": 20}
	}
	tell := func(kind string) []any {
		return []any{hook(`echo ` + kind + ` $(sed 's/.*"id":"\([^"]*\)".*/\1/') >>` + said)}
	}
	for _, row := range []struct {
		name  string
		hooks map[string][]any
		want  result
		said  string
	}{
		{"all is well", map[string][]any{"poststop": tell("poststop"), "createRuntime": tell("createRuntime"), "prestart": tell("prestart"), "createContainer": tell("createContainer")},
			result{stdout: "inside\n", status: 3}, "prestart some-id\ncreateRuntime some-id\ncreateContainer some-id\npoststop some-id\n"},
		{"one that fails ends the container", map[string][]any{"createRuntime": {hook("echo no >&2; exit 9")}, "poststop": tell("poststop")},
			result{stderr: `selfcontain: hooks.createRuntime[0]: /bin/sh: it ended with status 9; it said "no"` + "\n", status: 1}, "poststop some-id\n"},
		{"a poststop hook that fails is a warning", map[string][]any{"poststop": append([]any{hook("exit 9")}, tell("poststop")...)},
			result{stdout: "inside\n", stderr: "selfcontain: warning: hooks.poststop[0]: /bin/sh: it ended with status 9\n", status: 3}, "poststop some-id\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := os.WriteFile(said, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(row.hooks)
			if err != nil {
				t.Fatal(err)
			}
			dir := bundle(t, append(shell("echo inside; exit 3"), `"root": {`, `"hooks": `+strings.TrimSpace(string(text))+`, "root": {`)...)
			if r := do(t, command(t, "run", "--bundle", dir, "some-id")); r != row.want {
				t.Errorf("got  %+v\nwant %+v", r, row.want)
			}
			if got, err := os.ReadFile(said); err != nil || string(got) != row.said {
				t.Errorf("they have said\n%s(%v), want\n%s", got, err, row.said)
			}
		})
	}
}
