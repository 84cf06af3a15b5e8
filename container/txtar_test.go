package container_test

import (
	"bytes"
	"strings"
	"testing"
)

// archive is a file of several, with a comment in front, each after a line with its
// name: "-- name --". It is the format that Go's own tests use.
type archive struct {
	comment string
	names   []string
	files   map[string]string
}

func parseArchive(text string) archive {
	a := archive{files: map[string]string{}}
	name := ""
	for line := range strings.Lines(text) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(n, " --") {
			name = strings.TrimSuffix(n, " --")
			a.set(name, "")
			continue
		}
		if name == "" {
			a.comment += line
			continue
		}
		a.files[name] += line
	}
	return a
}

// set replaces a file, or adds it at the end.
func (a *archive) set(name, text string) {
	if _, ok := a.files[name]; !ok {
		a.names = append(a.names, name)
	}
	a.files[name] = text
}

func (a *archive) String() string {
	var b bytes.Buffer
	b.WriteString(a.comment)
	for _, name := range a.names {
		b.WriteString("-- " + name + " --\n" + a.files[name])
	}
	return b.String()
}

func TestArchive(t *testing.T) {
	const text = "a comment\n-- one --\n1\n1\n-- two --\n-- three --\n3\n"
	a := parseArchive(text)
	if a.comment != "a comment\n" || a.files["one"] != "1\n1\n" || a.files["two"] != "" || a.files["three"] != "3\n" {
		t.Errorf("%q is read as %q", text, a)
	}
	if a.String() != text {
		t.Errorf("%q is written as %q", text, a.String())
	}
}
