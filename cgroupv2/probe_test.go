package cgroupv2

import (
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

// TestMayFilter holds the question against the deed.
func TestMayFilter(t *testing.T) {
	_, g := newGroup(t)
	f, err := DeviceFilter(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.SetFilter(f); err != nil || !MayFilter() {
		t.Errorf("root may load a filter (%v), and is told %v", err, MayFilter())
	}
}

func TestMayFilterAsUser(t *testing.T) {
	if !nstest.Subprocess(t, nstest.As(needs.Users[0])) {
		return
	}
	if MayFilter() {
		t.Error("a user may load a filter")
	}
}
