package container_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestStreams gives a container's first process, and a further one, readers and writers
// that are no files, and descriptors behind them.
func TestStreams(t *testing.T) {
	nstest.AnyProcessor(t)
	asEach(t, func(t *testing.T) {
		file, err := os.CreateTemp(t.TempDir(), "extra")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := file.WriteString("a third\n"); err != nil {
			t.Fatal(err)
		}
		change := func(*container.Spec) {}
		if os.Geteuid() != 0 {
			change = inUser(t)
		}
		const script = "cat; cat /proc/self/fd/3; echo aside >&2; exit 3"
		for _, row := range []struct {
			name string
			run  func(t *testing.T, p container.Process) (unix.WaitStatus, error)
		}{
			{"the first process", func(t *testing.T, p container.Process) (unix.WaitStatus, error) {
				spec := with(rootFSFor(t), change)
				p.User, p.Capabilities = spec.Process.User, spec.Process.Capabilities
				spec.Process = p
				c := create(t, spec, container.CreateOptions{})
				status, err := c.Run()
				if again, failed := c.Wait(); again != status || failed != nil {
					t.Errorf("waited again: %#x (%v)", int(again), failed)
				}
				return status, err
			}},
			{"a further one", func(t *testing.T, p container.Process) (unix.WaitStatus, error) {
				c := running(t, with(rootFSFor(t), change))
				if err := c.Start(&p); err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				if err := c.Start(&p); !errors.Is(err, container.ConfigInvalid) || !strings.HasSuffix(err.Error(), "it was started already, and every process takes a Process of its own") {
					t.Errorf("started again: %v", err)
				}
				return p.Wait()
			}},
		} {
			t.Run(row.name, func(t *testing.T) {
				var out, aside bytes.Buffer
				p := shell(script)
				p.Stdin, p.Stdout, p.Stderr = strings.NewReader(strings.Repeat("many lines\n", 10000)), &out, &aside
				p.ExtraFiles = []*os.File{file}
				if _, err := file.Seek(0, 0); err != nil {
					t.Fatal(err)
				}
				status, err := row.run(t, p)
				if err != nil || status != exited(3) {
					t.Fatalf("status %#x, %v", int(status), err)
				}
				if got, want := out.String(), strings.Repeat("many lines\n", 10000)+"a third\n"; got != want {
					t.Errorf("it wrote %d bytes, want %d", len(got), len(want))
				}
				if aside.String() != "aside\n" {
					t.Errorf("aside it wrote %q", aside.String())
				}
			})
		}
	})
}

// TestProcessBeforeItsStart is none that could be told anything.
func TestProcessBeforeItsStart(t *testing.T) {
	var p container.Process
	_, waited := p.Wait()
	for name, err := range map[string]error{"signal": p.Signal(unix.SIGKILL), "wait": waited} {
		if !errors.Is(err, container.NoProcessOps) || !strings.Contains(err.Error(), "it was not started") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p.Pid() != 0 || p.PidFD() != -1 || p.Close() != nil {
		t.Errorf("it is process %d, pidfd %d", p.Pid(), p.PidFD())
	}
}

// TestDestroyedWhileWaited: one goroutine waits for a container, and for what it writes to
// be copied, and another one destroys it.
func TestDestroyedWhileWaited(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	var out bytes.Buffer
	spec := with(rootFSFor(t), sh("echo here; exec sleep 1000"))
	spec.Process.Stdout = &out
	c := create(t, spec, container.CreateOptions{})
	if err := c.Exec(); err != nil {
		t.Fatal(err)
	}
	type end struct {
		status unix.WaitStatus
		err    error
	}
	ended, waits := make(chan end), make(chan struct{})
	for range 2 {
		go func() {
			waits <- struct{}{}
			status, err := c.Wait()
			ended <- end{status, err}
		}()
	}
	<-waits
	<-waits
	pidfd, err := c.PidFD()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	if err := unix.PidfdSendSignal(pidfd, 0, nil, 0); err != nil {
		t.Error(err)
	}
	if err := c.Destroy(true); err != nil {
		t.Error(err)
	}
	if _, err := c.PidFD(); !errors.Is(err, container.ContainerNotExists) {
		t.Errorf("a pidfd of one that is gone: %v", err)
	}
	if err := unix.PidfdSendSignal(pidfd, 0, nil, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("its process is still there: %v", err)
	}
	for range 2 {
		if got := <-ended; got.err != nil || got.status.Signal() != unix.SIGKILL {
			t.Errorf("it ended with %#x (%v)", int(got.status), got.err)
		}
	}
}
