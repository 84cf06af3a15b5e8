package cgroupv2

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
)

func find(t *testing.T) *Hierarchy {
	t.Helper()
	h, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// newGroup makes a group below the tests' own, and takes it away in the end.
func newGroup(t *testing.T) (*Hierarchy, *Group) {
	t.Helper()
	nstest.Root(t)
	h := find(t)
	own, err := h.Own()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("cgroupv2-test-%d-%s", os.Getpid(), strings.ReplaceAll(t.Name(), "/", "-"))
	g, err := h.Create(path.Join(own, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := errors.Join(g.Kill(ctx), g.Remove(ctx), g.Close()); err != nil {
			t.Error(err)
		}
	})
	return h, g
}

// sub makes a group below g.
func sub(t *testing.T, h *Hierarchy, g *Group, name string) *Group {
	t.Helper()
	s, err := h.Create(path.Join(g.Path(), name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestCreateAndRemove(t *testing.T) {
	nstest.AnyProcessor(t)
	h, g := newGroup(t)
	ctx := t.Context()
	deep, err := h.Create(g.Path() + "/a/b/c")
	if err != nil {
		t.Fatal(err)
	}
	defer deep.Close()
	if got, want := fmt.Sprint(deep.Made()), fmt.Sprintf("[%[1]s/a %[1]s/a/b %[1]s/a/b/c]", g.Path()); got != want {
		t.Errorf("made %s, want %s", got, want)
	}
	again, err := h.Create(deep.Path())
	if err != nil || len(again.Made()) != 0 {
		t.Fatalf("a second time: %v, made %v", err, again.Made())
	}
	defer again.Close()
	opened, err := h.Open(deep.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if populated, frozen, err := opened.State(); populated || frozen || err != nil {
		t.Errorf("a new group is populated %v, frozen %v, %v", populated, frozen, err)
	}

	// Whoever removed it and made another does not lose that one.
	if err := deep.Remove(ctx); err != nil {
		t.Fatal(err)
	}
	if err := deep.Remove(ctx); err != nil {
		t.Errorf("removed again: %v", err)
	}
	if err := deep.Kill(ctx); err != nil {
		t.Errorf("killed when it is gone: %v", err)
	}
	if _, err := deep.Stats(); !errors.Is(err, unix.ENOENT) {
		t.Errorf("statistics when it is gone: %v", err)
	}
	other := sub(t, h, g, "a/b/c")
	if err := deep.Remove(ctx); err != nil {
		t.Errorf("removed with another in its place: %v", err)
	}
	if _, _, err := other.State(); err != nil {
		t.Errorf("the other one is gone: %v", err)
	}

	h.Prune(append(deep.Made(), deep.Path()+"/never", deep.Path()+"/never/made"))
	if _, err := h.Open(g.Path() + "/a"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("pruned, /a is there: %v", err)
	}
	sub(t, h, g, "x/y/z")
	sub(t, h, g, "x/1")
	x := sub(t, h, g, "x")
	if err := x.Remove(ctx); err != nil {
		t.Errorf("with groups in it: %v", err)
	}
	if _, err := h.Open(x.Path()); !errors.Is(err, unix.ENOENT) {
		t.Errorf("removed, it is there: %v", err)
	}
}

func TestPathsThatAreRefused(t *testing.T) {
	nstest.AnyProcessor(t)
	h, g := newGroup(t)
	for _, p := range []string{"a", g.Path() + "/../x", ""} {
		if made, err := h.Create(p); err == nil {
			t.Errorf("%q is made: %v", p, made.Made())
		}
	}
	// A failure on the way leaves nothing.
	if _, err := h.Create(g.Path() + "/a/b/cgroup.procs"); err == nil {
		t.Error("a group with the name of a file is made")
	}
	if _, err := h.Open(g.Path() + "/a"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("what was made on the way is left: %v", err)
	}
	root, err := h.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	ctx := t.Context()
	for what, do := range map[string]func(context.Context) error{"kill": root.Kill, "freeze": root.Freeze, "thaw": root.Thaw, "remove": root.Remove} {
		if err := do(ctx); err == nil || !strings.Contains(err.Error(), "cgroup /: "+what+": this is the whole hierarchy") {
			t.Errorf("%s of the root: %v", what, err)
		}
	}
}

// TestWhatIsMountedOver is about somebody who mounts over the hierarchy.
func TestWhatIsMountedOver(t *testing.T) {
	nstest.AnyProcessor(t)
	if !nstest.Subprocess(t, nstest.PrivateMounts()) {
		return
	}
	h, g := newGroup(t)
	tmpfs := func(on string) {
		if err := unix.Mount("none", on, "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Unmount(on, unix.MNT_DETACH) })
	}
	s := sub(t, h, g, "covered")
	tmpfs(path.Join(h.Mountpoint(), s.Path()))
	if _, err := h.Open(s.Path()); !errors.Is(err, unix.EXDEV) {
		t.Errorf("a group that is covered is opened: %v", err)
	}
	unix.Unmount(path.Join(h.Mountpoint(), s.Path()), 0)

	tmpfs(h.Mountpoint())
	if other, err := Find(); err == nil || !strings.Contains(err.Error(), h.Mountpoint()+" is covered by another file system") {
		t.Errorf("the hierarchy is found below a tmpfs: %v, %v", other, err)
	}
	if point, err := Mountpoint(); point != "" || err != nil {
		t.Errorf("it is mounted at %q (%v)", point, err)
	}
	elsewhere := t.TempDir()
	if err := unix.Mount("none", elsewhere, "cgroup2", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(elsewhere, unix.MNT_DETACH)
	other := find(t)
	if point, err := Mountpoint(); other.Mountpoint() != elsewhere || point != elsewhere || err != nil {
		t.Errorf("found at %s, want %s", other.Mountpoint(), elsewhere)
	}
	again, err := h.Open(g.Path())
	if err != nil {
		t.Fatalf("the one that was open before cannot be used: %v", err)
	}
	again.Close()
}

func TestBirthKillAndProcesses(t *testing.T) {
	rows := []struct {
		about string
		kill  func(*Group, context.Context) error
	}{
		{"by cgroup.kill", (*Group).Kill},
		{"as on Linux 5.13", func(g *Group, ctx context.Context) error {
			return g.kill(ctx, func() error { return unix.ENOENT })
		}},
	}
	for _, r := range rows {
		t.Run(r.about, func(t *testing.T) {
			h, g := newGroup(t)
			below := sub(t, h, g, "below/further")
			var all []*actor
			for _, in := range []*Group{g, below, below} {
				a := begin(t, in, "wait", "")
				a.line(t)
				all = append(all, a)
				own, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", a.Process.Pid))
				if p, e := ownPath(string(own), "/"); p != in.Path() || e != nil || err != nil {
					t.Errorf("it is born in %s, want %s", p, in.Path())
				}
			}
			pids, err := g.Processes()
			if err != nil || len(pids) != 3 {
				t.Errorf("processes %v, %v", pids, err)
			}
			for _, a := range all {
				if !strings.Contains(fmt.Sprint(pids), fmt.Sprint(a.Process.Pid)) {
					t.Errorf("%d is not among %v", a.Process.Pid, pids)
				}
			}
			if populated, _, err := g.State(); !populated || err != nil {
				t.Errorf("with processes it is populated %v, %v", populated, err)
			}

			// A storm that makes new ones all the time.
			storm := beginCommand(t, g, exec.Command("sh", "-c", "echo; while :; do (:) & (:) & done"))
			storm.line(t)
			if err := r.kill(g, t.Context()); err != nil {
				t.Fatal(err)
			}
			if pids, err := g.Processes(); len(pids) != 0 || err != nil {
				t.Errorf("killed, %v are there, %v", pids, err)
			}
			for _, a := range append(all, storm) {
				if _, err := a.end(t); err == nil || !strings.Contains(err.Error(), "signal: killed") {
					t.Errorf("it ends with %v", err)
				}
			}
			if text, err := g.read("cgroup.freeze"); text != "0\n" || err != nil {
				t.Errorf("it stays frozen: %q, %v", text, err)
			}
		})
	}
}

// TestKillThreaded ends who is in a group that one write does not end.
func TestKillThreaded(t *testing.T) {
	h, g := newGroup(t)
	s := sub(t, h, g, "threaded")
	if err := s.Domain(); err != nil {
		t.Error(err)
	}
	if err := s.write("cgroup.type", "threaded"); err != nil {
		t.Fatal(err)
	}
	if err := s.Domain(); err == nil || !strings.Contains(err.Error(), "it is threaded") {
		t.Errorf("of the threaded one: %v", err)
	}
	a := begin(t, s, "wait", "")
	a.line(t)
	if err := s.write("cgroup.kill", "1"); !errors.Is(err, unix.EOPNOTSUPP) {
		t.Errorf("cgroup.kill: %v", err)
	}
	if pids, err := s.Processes(); err != nil || !slices.Equal(pids, []int{a.Process.Pid}) {
		t.Errorf("processes %v, %v, want %d", pids, err, a.Process.Pid)
	}
	if err := s.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.end(t); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("it ends with %v", err)
	}
	if err := s.Remove(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestMark is a word on a group.
func TestMark(t *testing.T) {
	_, g := newGroup(t)
	const name = "user.selfcontain.test"
	says := func(want string) {
		t.Helper()
		if got, err := g.Marked(name); got != want || err != nil {
			t.Errorf("it says %q (%v), want %q", got, err, want)
		}
	}
	says("")
	if err := g.Mark(name, "a", true); err != nil {
		t.Fatal(err)
	}
	if err := g.Mark(name, "b", true); !errors.Is(err, unix.EEXIST) {
		t.Errorf("a second time: %v", err)
	}
	says("a")
	if err := g.Mark(name, "c", false); err != nil {
		t.Error(err)
	}
	says("c")
	for range 2 {
		if err := g.Unmark(name); err != nil {
			t.Error(err)
		}
	}
	says("")
}

func TestRemoveNamesWhoIsThere(t *testing.T) {
	nstest.AnyProcessor(t)
	h, g := newGroup(t)
	s := sub(t, h, g, "busy/inner")
	a := begin(t, s, "wait", "")
	a.line(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	busy := sub(t, h, g, "busy")
	for what, group := range map[string]*Group{"a process": s, "a group below": busy} {
		if err := group.RemoveEmpty(); !errors.Is(err, unix.EBUSY) {
			t.Errorf("empty with %s: %v", what, err)
		}
	}
	idle := sub(t, h, g, "idle")
	for range 2 { // what is gone is removed
		if err := idle.RemoveEmpty(); err != nil {
			t.Errorf("with nothing in it: %v", err)
		}
	}
	if again, err := h.Open(idle.Path()); !errors.Is(err, unix.ENOENT) {
		t.Errorf("it is still there: %v (%v)", again, err)
	}
	err := busy.Remove(ctx)
	if err == nil || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), fmt.Sprintf("pid %d still there: cannot be removed", a.Process.Pid)) {
		t.Errorf("removed with a process: %v", err)
	}
	// When it ends meanwhile, that is in time.
	done := make(chan error)
	go func() { done <- busy.Remove(t.Context()) }()
	if _, err := a.end(t); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Errorf("removed after the process has ended: %v", err)
	}
}

func TestFreeze(t *testing.T) {
	nstest.AnyProcessor(t)
	_, g := newGroup(t)
	ctx := t.Context()
	a := begin(t, g, "spin", "")
	a.line(t)
	for range 3 {
		if err := g.Freeze(ctx); err != nil {
			t.Fatal(err)
		}
		if _, frozen, err := g.State(); !frozen || err != nil {
			t.Fatalf("frozen %v, %v", frozen, err)
		}
		before := settled(t, g)
		busyFor(50 * time.Millisecond)
		if after, err := g.Stats(); err != nil || after.CPU.Usage-before.CPU.Usage > 5*time.Millisecond {
			t.Errorf("frozen it ran %v, %v", after.CPU.Usage-before.CPU.Usage, err)
		}
		if err := g.Thaw(ctx); err != nil {
			t.Fatal(err)
		}
		awaitCPU(t, g, before.CPU.Usage+10*time.Millisecond)
	}
	if err := g.Freeze(ctx); err != nil {
		t.Fatal(err)
	}
	if err := g.Kill(ctx); err != nil {
		t.Errorf("killed while frozen: %v", err)
	}
	if err := g.Thaw(ctx); err != nil {
		t.Errorf("thawed when it is empty: %v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := g.await(gone, "populated", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting without time: %v", err)
	}
}

// TestFreezeGivesUp freezes more processes than can stop at once, without time.
func TestFreezeGivesUp(t *testing.T) {
	nstest.AnyProcessor(t)
	_, g := newGroup(t)
	for range 8 {
		begin(t, g, "spin", "").line(t)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := g.Freeze(ctx)
	for tries := 0; err == nil && tries < 50; tries++ { // all stood still at once, as on one processor they may
		if err := g.Thaw(t.Context()); err != nil {
			t.Fatal(err)
		}
		err = g.Freeze(ctx)
	}
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "waiting for frozen 1") {
		t.Fatalf("without time it freezes: %v", err)
	}
	if text, err := g.read("cgroup.freeze"); text != "0\n" || err != nil {
		t.Errorf("cgroup.freeze is %q, %v", text, err)
	}
	if err := g.await(t.Context(), "frozen", 0); err != nil {
		t.Error(err)
	}
}

// busyFor lets others run for a while, by running.
func busyFor(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}

// settled are the statistics of a frozen group when they do not grow any more: whoever is
// frozen is counted until it has left its processor, and in a guest that may not run for
// a while.
func settled(t *testing.T, g *Group) Stats {
	t.Helper()
	before := Stats{}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); busyFor(5 * time.Millisecond) {
		s, err := g.Stats()
		if err != nil {
			t.Fatal(err)
		}
		if s.CPU.Usage == before.CPU.Usage {
			return s
		}
		before = s
	}
	t.Fatal("frozen it goes on running")
	return before
}

// awaitCPU returns when the group has used that much.
func awaitCPU(t *testing.T, g *Group, usage time.Duration) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); busyFor(time.Millisecond) {
		if s, err := g.Stats(); err != nil {
			t.Fatal(err)
		} else if s.CPU.Usage >= usage {
			return
		}
	}
	t.Fatalf("it does not come to %v", usage)
}

func TestThawBelowAFrozenGroup(t *testing.T) {
	nstest.AnyProcessor(t)
	h, g := newGroup(t)
	s := sub(t, h, g, "inner")
	a := begin(t, s, "wait", "")
	a.line(t)
	if err := errors.Join(s.Freeze(t.Context()), g.Freeze(t.Context())); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Thaw(ctx); err == nil || !strings.Contains(err.Error(), "a group above may be frozen") {
		t.Errorf("thawed in a frozen group: %v", err)
	}
	if err := errors.Join(g.Thaw(t.Context()), s.Thaw(t.Context())); err != nil {
		t.Error(err)
	}
}

// TestDelegate has an ordinary user make groups in what was given to him, and fail to
// change its limits.
func TestDelegate(t *testing.T) {
	user := needs.Users[0]
	const given = "CGROUPV2_TEST_GIVEN"
	if os.Getuid() == user.ID {
		h := find(t)
		g, err := h.Open(os.Getenv(given))
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		s, err := h.Create(g.Path() + "/his/own")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Set([]File{{Name: "cgroup.max.depth", Value: "3"}}); err != nil {
			t.Errorf("his own group: %v", err)
		}
		if err := g.Set([]File{{Name: "cgroup.max.depth", Value: "3"}}); !errors.Is(err, unix.EACCES) {
			t.Errorf("he changes the limits of the group that he was given: %v", err)
		}
		if _, err := h.Create(path.Dir(g.Path()) + "/beside"); !errors.Is(err, unix.EACCES) {
			t.Errorf("he makes a group beside: %v", err)
		}
		h.Prune(s.Made())
		if _, err := h.Open(g.Path() + "/his"); !errors.Is(err, unix.ENOENT) {
			t.Errorf("his groups are not removed: %v", err)
		}
		return
	}
	h, g := newGroup(t)
	s := sub(t, h, g, "given")
	if err := s.Delegate(user.ID, user.ID); err != nil {
		t.Fatal(err)
	}
	nstest.Subprocess(t, nstest.As(user), nstest.Environ(given+"="+s.Path()))
}
