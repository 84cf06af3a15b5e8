package container_test

import (
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
