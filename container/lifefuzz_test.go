package container_test

import (
	"errors"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/container"
)

// FuzzRecord decodes what may stand in the file of an intent: with a checksum that is
// right, since without one nothing is decoded at all.
func FuzzRecord(f *testing.F) {
	f.Add(`{"id":"c","created":"2026-01-02T03:04:05Z","owner":0,"bundle":"/b","rootfs":"/r","spec":{}}`)
	f.Add(`{"id":"c"} {}`)
	f.Add(`{"later":1}`)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		line := []byte(text + "\n")
		whole := append(line, container.Sum(line)+"\n"...)
		err := container.DecodeIntent(whole)
		if err == nil && !strings.HasPrefix(strings.TrimSpace(text), "{") && strings.TrimSpace(text) != "null" {
			t.Errorf("%q is an intent", text)
		}
		for _, n := range []int{0, 1, len(whole) / 2, len(whole) - 1} {
			if container.DecodeIntent(whole[:n]) == nil {
				t.Errorf("%q is one, cut short at %d", whole, n)
			}
		}
	})
}

// FuzzProcessLink reads what may stand in the link to a process. What is understood is
// what would be written, so nothing is read in two ways.
func FuzzProcessLink(f *testing.F) {
	f.Add("2b0f3e0e-0000-4000-8000-000000000000 1234 567890 42")
	f.Add("x 0 0 0")
	f.Add(" 1 1 1")
	f.Add("x -1 1 1")
	f.Add("x 01 1 1")
	f.Add("x 4194305 1 1")
	f.Fuzz(func(t *testing.T, text string) {
		if again, err := container.ProcessLink(text); err == nil && again != text {
			t.Errorf("%q is understood as %q", text, again)
		}
	})
}

// FuzzGroupLinks reads what may stand in the links about a cgroup. What is understood is a
// path from the root of the hierarchy that leads nowhere else, and as many groups as it
// has parts at most: who removes them goes up that far and no further.
func FuzzGroupLinks(f *testing.F) {
	f.Add("boot 2 /a/b", "42 2")
	f.Add("boot 2 a", "42 1000000000000")
	f.Add("boot -1 /a/../..", "-1 -1")
	f.Add("boot 3 /a/b", "1")
	f.Add(" 0 /", "0 0 ")
	f.Fuzz(func(t *testing.T, place, made string) {
		at, missing, count := container.GroupLinks(place, made)
		if at == "" {
			return
		}
		if !strings.HasPrefix(at, "/") || path.Clean(at) != at || missing < 0 || missing > strings.Count(at, "/") || count < 0 {
			t.Errorf("%q and %q are understood as %q, %d, %d", place, made, at, missing, count)
		}
	})
}

// FuzzID takes any text as an id: one that is accepted is the name of a file in the
// directory of all and no other path.
func FuzzID(f *testing.F) {
	for _, id := range []string{"c", "", ".", "..", "...", "a/b", "/", "a b", "a\x00", "\u00e9", strings.Repeat("x", 256), "-", "A_+.-9"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		err := container.CheckID(id)
		if err == nil && (id == "" || id == "." || id == ".." || len(id) > 255 || strings.ContainsAny(id, "/\x00 \n") || path.Base(id) != id) {
			t.Errorf("%q is an id", id)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\n\x00\x1b") {
			t.Errorf("not one plain line: %q", err)
		}
	})
}

// FuzzState decodes what may stand in the file of a state, and looks with it at a report in
// which anything may stand, as list and start do.
func FuzzState(f *testing.F) {
	f.Add(`{"rest":{"gate":2,"ops":[{"call":"accept4","brief":"accept4"},{"call":"execve","brief":"execve"}]}}`, []byte("\x00\x10\x00\x20\x00\x00\x00\x00\x00"))
	f.Add(`{"rest":{"gate":-100,"ops":[{"call":"execve"}]}}`, []byte("\x00\x10\x00\x20\x00\x00\x00\x00\x00"))
	f.Add(`{"rest":{"gate":9223372036854775807,"init":-1,"ops":[{}]}}`, []byte{})
	report, err := os.CreateTemp(f.TempDir(), "report")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { report.Close() })
	f.Fuzz(func(t *testing.T, text string, content []byte) {
		line := []byte(text + "\n")
		if err := errors.Join(report.Truncate(0), report.Truncate(1<<19)); err != nil {
			t.Fatal(err)
		}
		for _, part := range []int64{0, 1 << 18} {
			if _, err := report.WriteAt(content[:min(len(content), 4096)], part); err != nil {
				t.Fatal(err)
			}
		}
		_, err := container.LookAtState(append(line, container.Sum(line)+"\n"...), report)
		if err != nil && strings.ContainsAny(err.Error(), "\x00\x1b") {
			t.Errorf("not plain: %q", err)
		}
	})
}
