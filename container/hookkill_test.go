package container_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// hanging is a hook that runs for ever, with others of its making, when it is called for
// the first time. It has no time limit. It is seen through a FIFO.
type hanging struct {
	dir  string
	fifo *os.File
}

func newHanging(t *testing.T) *hanging {
	t.Helper()
	h := &hanging{dir: t.TempDir()}
	old := unix.Umask(0)
	defer unix.Umask(old)
	if err := unix.Mkfifo(h.dir+"/fifo", 0o666); err != nil {
		t.Fatal(err)
	}
	for dir := h.dir; dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// hook is the hook, to which the directory is at a path.
func (h *hanging) hook(at string) []container.Hook {
	script := "cd " + at + "; if ! mkdir once; then exit 0; fi; exec 3>fifo 1>&- 2>&-; trap '' HUP TERM; (sleep 1000; :) & (trap '' TERM; sleep 1000; :) & echo ready >&3; wait; sleep 1000; :"
	return []container.Hook{container.CommandHook{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: []string{"PATH=/bin:/usr/bin"}}}
}

// runs waits until it runs.
func (h *hanging) runs(t *testing.T) {
	t.Helper()
	late := time.AfterFunc(time.Minute, func() { // nobody comes: the opening is not to hang
		if f, err := os.OpenFile(h.dir+"/fifo", os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
			f.Close()
		}
	})
	defer late.Stop()
	var err error
	if h.fifo, err = os.Open(h.dir + "/fifo"); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 6)
	if n, err := io.ReadFull(h.fifo, text); err != nil {
		t.Fatalf("the hook said %q (%v)", text[:n], err)
	}
}

// ends waits until no process of it lives.
func (h *hanging) ends(t *testing.T) {
	t.Helper()
	defer h.fifo.Close()
	if err := h.fifo.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, h.fifo); err != nil {
		t.Errorf("a process of the hook lives: %v", err)
	}
}

// in gives it to a container as a hook of a kind.
func (h *hanging) in(kind string) func(*container.Spec) {
	return func(s *container.Spec) {
		s.Bundle = "/"
		s.Mounts = append(s.Mounts, mountOf("/home", h.dir))
		at := h.dir
		if kind == "startContainer" {
			at = "/home"
		}
		for _, k := range kinds {
			if k.name == kind {
				*k.of(&s.Hooks) = h.hook(at)
			}
		}
	}
}

// TestCallerKilledInAHook kills who creates, starts or destroys a container while it waits
// for a hook: the hook ends, with all that it has started, and so does the container if
// that is not made yet. What is left is destroyed by force, with its poststop hooks.
func TestCallerKilledInAHook(t *testing.T) {
	nstest.AnyProcessor(t)
	eachUnlessShort(t, func(t *testing.T) {
		nstest.UserNS(t)
		fs := rootFSFor(t)
		for _, kind := range kinds {
			for _, own := range []bool{true, false} {
				inside := kind.name == "createContainer" || kind.name == "startContainer"
				if !own && (!inside || testing.Short() || os.Geteuid() == subuser.ID) {
					continue // it is the same
				}
				if testing.Short() && kind.name != "createRuntime" && kind.name != "startContainer" {
					continue
				}
				about := kind.name
				if !own {
					about += ", without a pid namespace"
				}
				t.Run(about, func(t *testing.T) {
					h := newHanging(t)
					spec := with(fs, inUser(t), h.in(kind.name), sh(aliveFor))
					if os.Geteuid() == 0 {
						grouped(t)(&spec)
					}
					if !own {
						spec.Namespaces.Remove(clone.NEWPID)
						spec.Mounts = slices.DeleteFunc(spec.Mounts, func(m mounts.Mount) bool { return m.Destination != "/home" })
						spec.MaskedPaths, spec.ReadonlyPaths = nil, nil
					}
					lifeAndDeath(t, spec, filepath.Join(t.TempDir(), "state"), -1, func(cmd *exec.Cmd) {
						h.runs(t)
						if err := cmd.Process.Kill(); err != nil {
							t.Error(err)
						}
						h.ends(t)
					})
				})
			}
		}
	})
}

// TestForceEndsHooks destroys a container by force while somebody else waits for a hook of
// its, which has no time limit: that one is told, and nothing is left.
func TestForceEndsHooks(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	fs := nstest.RootFS(t)
	for _, kind := range kinds {
		if testing.Short() && kind.name != "createRuntime" && kind.name != "poststop" {
			continue
		}
		t.Run(kind.name, func(t *testing.T) {
			h := newHanging(t)
			root := filepath.Join(t.TempDir(), "state")
			spec := with(fs, h.in(kind.name), sh(aliveFor))
			var warned []string
			said := make(chan error, 1)
			go func() {
				c, err := container.Create(root, "c", spec, container.CreateOptions{Warn: func(texts []string) { warned = append(warned, texts...) }})
				if err == nil {
					if err = c.Exec(); kind.name == "poststop" {
						err = c.Destroy(true)
					}
					_, _ = c.Wait()
				}
				said <- err
			}()
			h.runs(t)
			c, err := container.Load(root, "c")
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if err := c.Destroy(true); err != nil || time.Since(began) > nstest.Slower(5*time.Second) {
				t.Errorf("destroyed after %v: %v", time.Since(began), err)
			}
			h.ends(t)
			err = <-said
			text := strings.Join(warned, "\n")
			if err != nil {
				text += err.Error()
			}
			hook := "hooks." + kind.name + "[0]: /bin/sh: "
			told := strings.Contains(text, hook+"it was ended: the container is destroyed by force")
			if kind.name == "startContainer" { // or it is gone with the pid namespace, before anybody ends it
				told = told || strings.Contains(text, hook+"it was killed by SIGKILL")
			}
			if !told || (err == nil) != (kind.name == "poststop") {
				t.Errorf("it says %v and warns %q", err, warned)
			}
			if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
				t.Errorf("left: %v (%v)", left, err)
			}
		})
	}
}
