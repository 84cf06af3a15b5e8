package container_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestOneIDForMany creates one container a hundred times at once: one creation wins, the
// others are told, and the winner is unharmed.
func TestOneIDForMany(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root := filepath.Join(t.TempDir(), "state")
	spec := bare(nstest.RootFS(t), "/bin/true")
	host := probe(t)
	const many = 100
	var all sync.WaitGroup
	var winner atomic.Pointer[container.Container]
	var told atomic.Int32
	for range many {
		all.Go(func() {
			c, err := container.Create(root, "c", spec, container.CreateOptions{Host: &host})
			switch {
			case err == nil && !winner.CompareAndSwap(nil, c):
				t.Error("it was created twice")
			case err != nil && (!errors.Is(err, container.IDInUse) || !strings.Contains(err.Error(), "exists")):
				t.Errorf("create says %v", err)
			case err != nil:
				told.Add(1)
			}
		})
	}
	all.Wait()
	c := winner.Load()
	if c == nil || told.Load() != many-1 {
		t.Fatalf("%d were told", told.Load())
	}
	statusIs(t, c, container.Created)
	if status, err := c.Run(); status != 0 || err != nil {
		t.Errorf("the winner ended with %#x (%v)", int(status), err)
	}
	if err := c.Destroy(false); err != nil {
		t.Error(err)
	}
}

// TestRandomVerbs does random things with one id from several sides at once. Each either
// succeeds or is refused for a reason, and nothing is left in the end.
func TestRandomVerbs(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root := filepath.Join(t.TempDir(), "state")
	spec := bare(nstest.RootFS(t), "/bin/sleep", "1000")
	grouped(t)(&spec)
	host := probe(t)
	steps := 600
	switch {
	case os.Getenv("NSTEST_SOAK") != "":
		steps = 10000
	case testing.Short():
		steps = 150
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var all sync.WaitGroup
	var done [13]atomic.Int32
	var made atomic.Pointer[container.Container] // that several use at once
	for worker := range uint64(8) {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, worker))
			for range steps / 8 {
				verb := random.IntN(len(done))
				began := time.Now()
				if err := randomVerb(verb, root, spec, host, &made, random.IntN(2) == 0); err == nil {
					done[verb].Add(1)
				} else if !mayBe(err) {
					t.Errorf("verb %d: %v", verb, err)
				}
				if took := time.Since(began); took > 200*time.Millisecond {
					t.Logf("verb %d took %v", verb, took)
				}
			}
			// Somebody may wait for a process in a container that stays paused.
			if c, err := container.Load(root, "c"); err == nil {
				if err := c.Destroy(true); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for verb := range done {
		if done[verb].Load() == 0 && steps >= 10000 {
			t.Errorf("verb %d has never succeeded", verb)
		}
	}
	if c, err := container.Load(root, "c"); err == nil {
		if err := c.Destroy(true); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(root); len(left) > 0 || err != nil {
		t.Errorf("left %v (%v)", left, err)
	}
	for { // whoever was not destroyed by who had made it
		if _, err := unix.Wait4(-1, nil, unix.WALL, nil); errors.Is(err, unix.ECHILD) {
			break
		}
	}
}

func randomVerb(verb int, root string, spec container.Spec, host container.Host, made *atomic.Pointer[container.Container], shared bool) error {
	if verb < 2 {
		c, err := container.Create(root, "c", spec, container.CreateOptions{Host: &host})
		if err == nil {
			made.Store(c)
		}
		return err
	}
	c := made.Load()
	var err error
	if c == nil || !shared {
		if c, err = container.Load(root, "c"); err != nil {
			return err
		}
		c.Host = &host
	}
	switch verb {
	case 2:
		return c.Exec()
	case 3:
		_, err = c.State()
	case 4:
		_, err = c.Processes()
	case 5:
		err = c.Signal(unix.SIGCONT, true)
	case 6:
		err = c.Pause()
	case 7:
		err = c.Resume()
	case 8:
		err = c.Destroy(true)
	case 9:
		return errors.Join(second(c.Stats()), second(c.Spec()), second(container.List(root)))
	case 10:
		err = c.Set(cgroupv2.Resources{Unified: map[string]string{"cgroup.max.depth": "7"}})
	case 11:
		var out bytes.Buffer
		p := container.Process{Args: []string{"/bin/true"}, Stdin: strings.NewReader("x"), Stdout: &out, Stderr: &out}
		if err := c.Start(&p); err != nil {
			return err
		}
		_, err = p.Wait()
		err = errors.Join(err, p.Close())
	default:
		err = c.Signal(unix.SIGKILL, false)
	}
	return err
}

func second(_ any, err error) error { return err }

// mayBe reports whether an error is one that somebody else's work explains.
func mayBe(err error) bool {
	for _, code := range []container.Code{
		container.IDInUse, container.ContainerNotExists, container.ContainerPaused, container.ContainerNotStopped,
		container.ContainerNotRunning, container.ContainerNotPaused, container.NoProcessOps,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	// A creation that is destroyed by force, or killed, in the middle.
	return strings.Contains(fmt.Sprint(err), "removed meanwhile") || strings.Contains(fmt.Sprint(err), "killed by SIGKILL")
}
