package container_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestHandleOfAnother is about who holds a container by a name that is another's by now.
func TestHandleOfAnother(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	spec := bare(nstest.RootFS(t), "/bin/sleep", "1000")
	for name, root := range map[string]string{"on the disk": filepath.Join(t.TempDir(), "state"), "in memory": inMemory(t)} {
		t.Run(name, func(t *testing.T) {
			first, err := container.Create(root, "c", spec, container.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			loaded, err := container.Load(root, "c")
			if err != nil {
				t.Fatal(err)
			}
			list, err := container.List(root)
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			if err := first.Destroy(true); err != nil {
				t.Fatal(err)
			}
			second, err := container.Create(root, "c", spec, container.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for how, c := range map[string]*container.Container{"Load": loaded, "List": list[0]} {
				if s, err := c.Status(); !errors.Is(err, container.ContainerNotExists) {
					t.Errorf("%s: status %s, %v", how, s, err)
				}
				if err := c.Destroy(true); err != nil {
					t.Errorf("%s: %v", how, err)
				}
			}
			statusIs(t, second, container.Created)
			if err := second.Destroy(true); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDestroyedWithoutADirectory: whoever has made a container ends it, also when somebody has
// removed what was written down of it.
func TestDestroyedWithoutADirectory(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root := filepath.Join(t.TempDir(), "state")
	spec := bare(nstest.RootFS(t), "/bin/sh", "-c", "sleep 1000 & sleep 1000")
	grouped(t)(&spec)
	c, err := container.Create(root, "c", spec, container.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Exec(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(root, "c")); err != nil {
		t.Fatal(err)
	}
	if err := c.Destroy(true); err != nil {
		t.Error(err)
	}
	if status, err := c.Wait(); err != nil || !status.Signaled() {
		t.Errorf("it has ended with %#x (%v)", int(status), err)
	}
	// The groups above have gone with what was written down of them.
	above := filepath.Join(hierarchy(t), filepath.Dir(spec.Cgroup.Path))
	if err := errors.Join(unix.Rmdir(above), unix.Rmdir(filepath.Dir(above))); err != nil {
		t.Errorf("its group is left: %v", err)
	}
}

// TestDirectoryOfSomebodyElse: below a root that is none nothing is removed but what containers
// have.
func TestDirectoryOfSomebodyElse(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "letters", "report", "draft")
	other := filepath.Join(root, "letters", "to-a-friend")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, other} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, force := range []bool{false, true} {
		c, err := container.Load(root, "letters")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Destroy(force); err == nil || !strings.Contains(err.Error(), "letters/to-a-friend: no container has that") {
			t.Errorf("force %v: %v", force, err)
		}
	}
	for _, name := range []string{file, other} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}

// TestPauseAndStart has processes born in a container that others pause and resume: nobody is
// born where everything stands still, or the thread that waits for him would stand still as well.
func TestPauseAndStart(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	spec := bare(nstest.RootFS(t), "/bin/sleep", "1000")
	grouped(t)(&spec)
	c := create(t, spec, container.CreateOptions{})
	if err := c.Exec(); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	over := make(chan struct{})
	until := func(do func()) {
		all.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					do()
				}
			}
		})
	}
	may := func(err error, codes ...container.Code) {
		for _, code := range codes {
			if errors.Is(err, code) {
				return
			}
		}
		if err != nil {
			t.Error(err)
		}
	}
	pairs, count := 4, 60
	if testing.Short() {
		pairs, count = 2, 10
	}
	for range pairs {
		until(func() { may(c.Pause(), container.ContainerPaused) })
		until(func() { may(c.Resume(), container.ContainerNotPaused) })
	}
	until(runtime.GC)
	for born := 0; born < count; {
		p, err := started(c, shell("exit 3"))
		if may(err, container.ContainerPaused); err != nil {
			continue
		}
		born++
		if status, err := p.Wait(); err != nil || status.ExitStatus() != 3 {
			t.Errorf("%#x, %v", int(status), err)
		}
		p.Close()
	}
	close(over)
	all.Wait()
}

// TestStartThatWaits: whoever takes the terminal of a process may take his time, and the container
// can be ended meanwhile.
func TestStartThatWaits(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	spec := with(nstest.RootFS(t), sh(aliveFor))
	c := create(t, spec, container.CreateOptions{})
	if err := c.Exec(); err != nil {
		t.Fatal(err)
	}
	asked, proceed := make(chan struct{}), make(chan struct{})
	cmd := shell("exit 0")
	cmd.Terminal = true
	cmd.Console = func(f *os.File) error {
		close(asked)
		<-proceed
		return f.Close()
	}
	ended := make(chan error, 1)
	go func() {
		p, err := started(c, cmd)
		if err == nil {
			_, err = p.Wait()
			err = errors.Join(err, p.Close())
		}
		ended <- err
	}()
	<-asked
	if err := c.Destroy(true); err != nil {
		t.Error(err)
	}
	close(proceed)
	if err := <-ended; err == nil {
		t.Error("a program was executed in a container that is gone")
	}
}

// TestWaitAndClose: a wait that is under way when the process is closed tells how it has ended.
func TestWaitAndClose(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	for range 20 {
		p, err := compile(t, bare(nstest.RootFS(t), "/bin/sh", "-c", "sleep 0.01; exit 7")).Start(container.Stdio{})
		if err != nil {
			t.Fatal(err)
		}
		pidfd, err := unix.FcntlInt(uintptr(p.PidFD()), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		var status unix.WaitStatus
		var waited error
		all.Go(func() { status, waited = p.Wait() })
		all.Go(func() { p.PidFD() })
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if err := p.Signal(unix.SIGTERM); !errors.Is(err, unix.EBADF) {
			t.Errorf("a signal to one that is closed: %v", err)
		}
		all.Wait()
		if waited == nil && status.ExitStatus() != 7 {
			t.Errorf("%#x", int(status))
		}
		if waited != nil { // it was closed before
			if !errors.Is(waited, unix.EBADF) {
				t.Error(waited)
			}
			for {
				if err := unix.Waitid(unix.P_PIDFD, pidfd, nil, unix.WEXITED, nil); err == nil || !errors.Is(err, unix.EINTR) {
					break
				}
			}
		}
		unix.Close(pidfd)
	}
}

// TestCallBackFromAHook: a hook that changes the container it is called for is told that somebody
// is at work on it, and nobody waits for ever.
func TestCallBackFromAHook(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	if testing.Short() {
		t.Skip("takes the five seconds that one waits for another")
	}
	root := filepath.Join(t.TempDir(), "state")
	spec := bare(nstest.RootFS(t), "/bin/sleep", "1000")
	grouped(t)(&spec)
	var said error
	spec.Hooks.Poststart = []container.Hook{container.HookFunc(func(*container.State) error {
		c, err := container.Load(root, "c")
		if err == nil {
			said = c.Pause()
		}
		return err
	})}
	c, err := container.Create(root, "c", spec, container.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := c.Exec(); err != nil {
		t.Error(err)
	}
	if said == nil || !strings.Contains(said.Error(), "somebody has been at work on it for 5s") {
		t.Errorf("after %v: %v", time.Since(begun), said)
	}
	if err := c.Destroy(true); err != nil {
		t.Error(err)
	}
}

// TestCallbackThatDoesNotReturn: a function of the caller's that panics, or ends its goroutine as
// t.FailNow does, leaves nothing of the container.
func TestCallbackThatDoesNotReturn(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root := filepath.Join(t.TempDir(), "state")
	rootfs := nstest.RootFS(t)
	ways := map[string]func(){"a panic": func() { panic("on purpose") }, "runtime.Goexit": runtime.Goexit}
	for way, leave := range ways {
		hook := container.HookFunc(func(*container.State) error { leave(); return nil })
		created := func(container.State) error { leave(); return nil }
		for where, do := range map[string]func(spec container.Spec) error{
			"createRuntime": func(s container.Spec) error {
				s.Hooks.CreateRuntime = []container.Hook{hook}
				_, err := container.Create(root, "c", s, container.CreateOptions{})
				return err
			},
			"Created": func(s container.Spec) error {
				_, err := container.Create(root, "c", s, container.CreateOptions{Created: created})
				return err
			},
			"Created of Attach": func(s container.Spec) error {
				s.Cgroup = nil
				_, err := container.Attach(root, "c", s, container.CreateOptions{Created: created})
				return err
			},
			"poststart of a plan": func(s container.Spec) error {
				s.Cgroup = nil
				s.Hooks.Poststart = []container.Hook{hook}
				_, err := compile(t, s).Start(container.Stdio{})
				return err
			},
		} {
			spec := bare(rootfs, "/bin/sleep", "1000")
			grouped(t)(&spec)
			returned := make(chan struct{})
			go func() {
				defer close(returned)
				defer func() { _ = recover() }()
				t.Errorf("%s in %s: it returns %v", way, where, do(spec))
			}()
			<-returned
			if left, err := os.ReadDir(root); len(left) > 0 && err == nil {
				t.Errorf("%s in %s leaves %v", way, where, left)
			}
		}
	}
	spec := bare(rootfs, "/bin/true")
	spec.Hooks.Prestart = []container.Hook{(*container.CommandHook)(nil)}
	if _, err := container.CompileGated(spec, probe(t)); err == nil || !strings.Contains(err.Error(), "hooks.prestart[0]: there is nothing to call") {
		t.Errorf("a command that is nil: %v", err)
	}
}

// TestRemoveTwice: what was removed once is not removed again, whoever has its descriptors by now.
func TestRemoveTwice(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	a, err := container.Attach(filepath.Join(t.TempDir(), "state"), "c", bare(nstest.RootFS(t), "/bin/true"), container.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := a.Remove(); err != nil {
		t.Fatal(err)
	}
	mine := t.TempDir()
	if err := os.WriteFile(filepath.Join(mine, "intent"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var open []*os.File
	for range 4 {
		f, err := os.Open(mine)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		open = append(open, f)
	}
	if err := a.Remove(); err != nil {
		t.Error(err)
	}
	for _, f := range open {
		if _, err := f.Stat(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(mine, "intent")); err != nil {
		t.Error(err)
	}
}

// TestCgroupWithDots: two dots are a part of a name like others, where they are not all of it.
func TestCgroupWithDots(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	spec := bare(nstest.RootFS(t), "/bin/sh", "-c", "sleep 1000 & sleep 1000")
	grouped(t)(&spec)
	spec.Cgroup.Path += "/.//a..b/..."
	c := create(t, spec, container.CreateOptions{})
	if err := c.Exec(); err != nil {
		t.Fatal(err)
	}
	if err := c.Pause(); err != nil {
		t.Error(err)
	}
	if err := c.Destroy(true); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(hierarchy(t), filepath.Dir(spec.Cgroup.Path))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its group is left: %v", err)
	}
}

// TestSpecComesBack as it was given, also what is no UTF-8.
func TestSpecComesBack(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	spec := bare(nstest.RootFS(t), "/bin/sh", "-c", "exit 0", "b\xff")
	spec.Process.Env = append(spec.Process.Env, "LATIN=\xe4")
	spec.Bundle = "/tmp/b\xfe"
	c := create(t, spec, container.CreateOptions{})
	got, err := c.Spec()
	if err != nil || got.Process.Args[3] != "b\xff" || got.Process.Env[1] != "LATIN=\xe4" {
		t.Errorf("%q %q (%v)", got.Process.Args, got.Process.Env, err)
	}
	if s, err := c.State(); err != nil || s.Bundle != spec.Bundle {
		t.Errorf("%q (%v)", s.Bundle, err)
	}
}
