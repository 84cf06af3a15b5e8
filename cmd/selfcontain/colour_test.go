package main

import (
	"strings"
	"testing"
)

func TestPaint(t *testing.T) {
	text := "child: the container\n 0  umask(0)  # exact\n\nbefore   host            open_tree /\nwarning: x: no effect\n"
	if got := paint(false).plan(text, "text"); got != text {
		t.Errorf("without colour: %q", got)
	}
	if got := paint(true).plan(text, "json"); got != text {
		t.Errorf("what programs read: %q", got)
	}
	got := paint(true).plan(text, "text")
	for _, want := range []string{bold + "child: the container" + usual + "\n", " 0  umask(0)  " + dim + "# exact" + usual, yellow + "warning: x: no effect" + usual} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if strip := strings.NewReplacer(bold, "", dim, "", yellow, "", usual, "").Replace(got); strip != text {
		t.Errorf("more than colour: %q", strip)
	}
}

// A file, a pipe and a terminal that wants none get plain text.
func TestNoColourWhereNobodySeesIt(t *testing.T) {
	for _, env := range [][]string{{"TERM=xterm"}, {"TERM=xterm", "NO_COLOR=1"}, {"TERM=dumb"}, nil} {
		c := command(t, "fly")
		c.Env = append(c.Env, env...)
		if r := do(t, c); strings.Contains(r.stderr, "\x1b") {
			t.Errorf("%q: %q", env, r.stderr)
		}
	}
}
