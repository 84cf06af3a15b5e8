package cgroupv2

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPressure is told that processes wait for a processor, which more of them do
// than there are.
func TestPressure(t *testing.T) {
	_, g := newGroup(t)
	if _, err := g.read("cpu.pressure"); errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOENT) {
		t.Skipf("skipped: this kernel has no pressure stall information: %v", err)
	}
	w, err := g.WatchPressure(Trigger{Resource: "cpu", Stall: 20 * time.Millisecond, Window: 2 * time.Second})
	if err != nil && strings.Contains(err.Error(), "since Linux 6.5") {
		t.Skipf("skipped: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for range 2 {
		soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if err := w.Next(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a process there is pressure: %v", err)
		}
		cancel()
	}
	for range 8 {
		begin(t, g, "spin", "").line(t)
	}
	if err := w.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, err := g.Stats(); err != nil || s.CPUPressure == nil || s.CPUPressure.Some.Total < 20*time.Millisecond {
		t.Errorf("the statistics: %+v, %v", s.CPUPressure, err)
	}
}

func TestWatchesEndWithTheGroup(t *testing.T) {
	h, g := newGroup(t)
	s := sub(t, h, g, "s")
	ctx := t.Context()
	ends := map[string]func() error{}
	if p, err := s.WatchPressure(Trigger{Resource: "memory", Stall: time.Second, Window: 2 * time.Second}); err == nil {
		defer p.Close()
		ends["pressure"] = func() error { return p.Next(ctx) }
	} else if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOENT) && !strings.Contains(err.Error(), "since Linux 6.5") {
		t.Error(err)
	}
	if m, err := s.WatchMemory(); err == nil {
		defer m.Close()
		ends["memory"] = func() error {
			for {
				if _, err := m.Next(ctx); err != nil {
					return err
				}
			}
		}
	} else if !errors.Is(err, ErrNoController) {
		t.Error(err)
	}
	if len(ends) == 0 {
		t.Skip("skipped: neither pressure nor memory can be watched here")
	}
	results := make(chan error)
	for _, next := range ends {
		go func() { results <- next() }()
	}
	if err := s.Remove(ctx); err != nil {
		t.Fatal(err)
	}
	for range ends {
		if err := <-results; !errors.Is(err, ErrGone) {
			t.Errorf("the group is removed: %v, want %v", err, ErrGone)
		}
	}
}
