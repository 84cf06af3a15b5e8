package nsexec_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// forked is an image that goes on in a second process, with a sync point on either side.
func forked(t *testing.T, namespaces uintptr) *nsexec.Image {
	t.Helper()
	return image(t, 1, func(b *prog.Builder, control prog.FD) {
		nsexec.EmitSync(b, control, "before the fork")
		nsexec.EmitFork(b, control, namespaces)
		nsexec.EmitSync(b, control, "behind the fork")
		exit(b, 7)
	})
}

// TestForkGoesOnInAnotherProcess: the caller's handle follows, and both are its children.
func TestForkGoesOnInAnotherProcess(t *testing.T) {
	var pids []int
	part := func(p *nsexec.Process) error { pids = append(pids, p.Pid()); return nil }
	p := start(t, nsexec.Config{Image: forked(t, 0), Files: []prog.FD{fd(null(t), "stdin")}, Sync: []func(*nsexec.Process) error{part, part}})
	if status := wait(t, p); status != exited(7) {
		t.Errorf("status %#x", int(status))
	}
	if len(pids) != 2 || pids[0] == pids[1] || pids[1] != p.Pid() {
		t.Errorf("the processes %v, and in the end %d", pids, p.Pid())
	}
	none(t)
}

// TestErrorBehindTheFork leaves neither process.
func TestErrorBehindTheFork(t *testing.T) {
	for _, first := range []bool{true, false} {
		part := func(fail bool) func(*nsexec.Process) error {
			return func(*nsexec.Process) error {
				if fail {
					return errPart
				}
				return nil
			}
		}
		_, err := nsexec.Start(nsexec.Config{Image: forked(t, 0), Files: []prog.FD{fd(null(t), "stdin")},
			Sync: []func(*nsexec.Process) error{part(first), part(!first)}})
		if !errors.Is(err, errPart) {
			t.Errorf("Start: %v", err)
		}
		none(t)
	}
}

// TestFirstProcessIsKilledAtItsFork has it end by SIGKILL in the place of telling the
// caller who goes on. The second one is there, waits, and holds the control socket
// open: the caller finds it all the same.
func TestFirstProcessIsKilledAtItsFork(t *testing.T) {
	im := image(t, 1, func(b *prog.Builder, control prog.FD) {
		fork, first := b.Label("fork"), b.Label("first")
		b.Goto(fork, "over what is the first one's")
		b.Bind(first)
		kill(b)
		exit(b, 3)
		b.Bind(fork)
		b.Add(prog.Op{
			Call: prog.Clone3, OnResult: first,
			Args: prog.Args{prog.CloneArgsTID(unix.CLONE_PARENT|unix.CLONE_PARENT_SETTID, 0, nsexec.ForkedAddress), prog.Int(prog.CloneArgsSize)},
		})
		b.Add(prog.Op{Call: prog.Read, Args: prog.Args{control, prog.Buffer("word", 8), prog.Int(1)}})
		exit(b, 4)
	})
	err := fails(t, nsexec.Config{Image: im, Files: []prog.FD{fd(null(t), "stdin")}})
	if err.Status != killed(unix.SIGKILL) {
		t.Errorf("%v, status %#x", err, int(err.Status))
	}
	none(t)
}

// none fails the test where this process has a child left, running or not.
func none(t *testing.T) {
	t.Helper()
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil); !errors.Is(err, unix.ECHILD) {
		t.Errorf("wait4: %d, %v, want ECHILD: a process is left", pid, err)
	}
}
