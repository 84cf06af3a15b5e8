package cgroupv2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestEvacuateForkStorm moves a group's processes while 200 of them are being born.
func TestEvacuateForkStorm(t *testing.T) {
	const storm = 200
	runs := 50
	if testing.Short() {
		runs = 5
	}
	h, g := newGroup(t)
	// Subshells that wait for the end of a pipe: a fork each, and no execve.
	script := fmt.Sprintf("exec 3<&0; echo begin; i=0; while [ $i -lt %d ]; do (read x <&3) & i=$((i+1)); done; echo end; wait", storm)
	early := 0
	for i := range runs {
		s := sub(t, h, g, fmt.Sprint("run", i))
		sh := beginCommand(t, s, exec.Command("sh", "-c", script))
		sh.line(t)
		if err := s.Evacuate(t.Context(), "leaf"); err != nil {
			t.Fatal(err)
		}
		if all, err := s.Processes(); err != nil {
			t.Fatal(err)
		} else if len(all) <= storm {
			early++
		}
		sh.line(t) // the last one is born
		own, err := processes(s.fd)
		if err != nil || len(own) != 0 {
			t.Errorf("%v are left, %v", own, err)
		}
		leaf := sub(t, h, s, "leaf")
		if moved, err := leaf.Processes(); err != nil || len(moved) != storm+1 {
			t.Errorf("%d are in the leaf, %v, want %d", len(moved), err, storm+1)
		}
		if i%10 == 0 { // once more, with nothing to do
			if err := s.Evacuate(t.Context(), "leaf"); err != nil {
				t.Errorf("a second time: %v", err)
			}
		}
		enabledBelow(t, s)
		if _, err := sh.end(t); err != nil {
			t.Error(err)
		}
		if err := s.Remove(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if early == 0 {
		t.Error("each time all had been born before: this is no storm")
	}
}

// enabledBelow checks that groups below have all controllers that g has.
func enabledBelow(t *testing.T, g *Group) {
	t.Helper()
	has, err := g.Controllers()
	if err != nil {
		t.Fatal(err)
	}
	text, err := g.read("cgroup.subtree_control")
	if err != nil {
		t.Fatal(err)
	}
	if missing := without(has, strings.Fields(text)); len(missing) != 0 {
		t.Errorf("%v are not enabled", missing)
	}
}

// evacuateOwn is a process that moves itself.
func evacuateOwn() error {
	h, err := Find()
	if err != nil {
		return err
	}
	for range 2 { // the second time it is in the leaf
		g, err := h.Evacuate(context.Background(), "leaf")
		if err != nil {
			return err
		}
		own, err := h.Own()
		if err != nil {
			return err
		}
		fmt.Println(own == g.Path()+"/leaf", g.Path())
	}
	return wait()
}

// TestEvacuateOwn has a process move itself, beside a zombie.
func TestEvacuateOwn(t *testing.T) {
	h, g := newGroup(t)
	zombie := beginCommand(t, g, exec.Command("true"))
	if _, err := zombie.out.ReadByte(); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	a := begin(t, g, "evacuate", "")
	for range 2 {
		if got := a.line(t); got != "true "+g.Path() {
			t.Errorf("it says %q, want true %s", got, g.Path())
		}
	}
	a.line(t)
	leaf := sub(t, h, g, "leaf")
	if pids, err := leaf.Processes(); err != nil || !slices.Equal(pids, []int{a.Process.Pid}) {
		t.Errorf("in the leaf are %v, %v, want %d", pids, err, a.Process.Pid)
	}
	if _, err := zombie.end(t); err != nil {
		t.Error(err)
	}
}

func TestEvacuateRefuses(t *testing.T) {
	h, g := newGroup(t)
	threads := sub(t, h, g, "threads")
	if err := threads.write("cgroup.type", "threaded"); err != nil {
		t.Fatal(err)
	}
	for _, threaded := range []*Group{g, threads} {
		if err := threaded.Evacuate(t.Context(), "leaf"); err == nil || !strings.Contains(err.Error(), "threaded") {
			t.Errorf("a threaded group is evacuated: %v", err)
		}
	}
	for _, name := range []string{"", "a/b", "..", "a\n"} {
		if e, err := h.Evacuate(t.Context(), name); err == nil {
			t.Errorf("into %q: %v", name, e.Path())
		}
	}
	if _, err := h.Open(path.Join(g.Path(), "leaf")); !errors.Is(err, unix.ENOENT) {
		t.Errorf("a refusal has made the leaf: %v", err)
	}
}
