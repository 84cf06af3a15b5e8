package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// completedBy lets bash complete a line, at its end. A line that ends with a space has
// an empty last word.
func completedBy(t *testing.T, script, line string) []string {
	t.Helper()
	words := strings.Split(line, " ")
	quoted := "'" + strings.Join(words, "' '") + "'"
	c := exec.CommandContext(t.Context(), "bash", "--norc", "-c", script+`
compopt() { :; } # there is no line editor here
COMP_WORDS=(`+quoted+`) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_selfcontain
printf '%s\n' "${COMPREPLY[@]}"`)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return strings.Fields(string(out))
}

func TestBashCompletes(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("skipped: there is no bash here")
	}
	r := do(t, command(t, "completion", "bash"))
	if r.status != 0 {
		t.Fatalf("%+v", r)
	}
	for _, row := range []struct{ line, want string }{
		{"selfcontain ", "box spec plan run create start state list ps exec kill pause resume update events delete trace completion version help"},
		{"selfcontain b", "box"},
		{"selfcontain --root /x sp", "spec"},
		{"selfcontain --d", "--debug"},
		{"selfcontain run --b", "--bundle"},
		{"selfcontain --debug run --b", "--bundle"},
		{"selfcontain box --net ", "none host ipvlan: veth:"},
		{"selfcontain box --net h", "host"},
		{"selfcontain box --cap", "--cap-add --cap-drop"},
		{"selfcontain box --hostname a --read", "--read-only"},
		{"selfcontain plan --format j", "json"},
		{"selfcontain plan bo", "box"},
		{"selfcontain plan box --read", "--read-only"},
		{"selfcontain plan ex", "exec"},
		{"selfcontain plan exec --cw", "--cwd"},
		{"selfcontain trace exec --apparm", "--apparmor"},
		{"selfcontain help sp", "spec"},
		{"selfcontain box --mem", "--memory"},
		{"selfcontain update --mem", "--mem-bw-schema --memory --memory-reservation --memory-swap"},
		{"selfcontain events --st", "--stats"},
		{"selfcontain completion z", "zsh"},
		{"selfcontain box --rootfs /et", "/etc"},
		{"selfcontain box sh -", ""},
		{"selfcontain box -- sh --read", ""},
		{"selfcontain version ", ""},
	} {
		got := completedBy(t, r.stdout, row.line)
		for _, want := range strings.Fields(row.want) {
			if !slices.Contains(got, want) {
				t.Errorf("%q: %q, want %s", row.line, got, row.want)
			}
		}
		if n := len(strings.Fields(row.want)); len(got) != n {
			t.Errorf("%q: %q, want %s", row.line, got, row.want)
		}
	}
	if got := completedBy(t, r.stdout, "selfcontain box tru"); !slices.Contains(got, "true") {
		t.Errorf("a command of a box: %q", got)
	}
}

// Every verb and every flag is in every script.
func TestCompletionIsComplete(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		r := do(t, command(t, "completion", shell))
		if r.status != 0 || r.stderr != "" {
			t.Fatalf("%s: %+v", shell, r)
		}
		for _, c := range completions() {
			if !strings.Contains(r.stdout, c.name) {
				t.Errorf("%s: no %s", shell, c.name)
			}
			for _, f := range c.flags {
				name := f.name
				if shell == "fish" {
					name = "-l " + strings.TrimPrefix(f.name, "--")
					if len(f.name) == 2 {
						name = "-s " + f.name[1:]
					}
				}
				if !strings.Contains(r.stdout, name) {
					t.Errorf("%s: %s has no %s", shell, c.name, name)
				}
			}
		}
		if path, err := exec.LookPath(shell); err == nil {
			c := exec.CommandContext(t.Context(), path, "-n")
			c.Stdin = strings.NewReader(r.stdout)
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%s does not read it: %v\n%s", shell, err, out)
			}
		}
	}
}
