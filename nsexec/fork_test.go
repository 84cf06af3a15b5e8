package nsexec_test

import (
	"encoding/binary"
	"errors"
	"io"
	"runtime"
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

// TestVfork has what stands behind it done by another process, which executes a program, does not
// find one, exits, or is killed, and tells from where. Nothing but its process is left in any case.
func TestVfork(t *testing.T) {
	sh := busybox(t)
	for _, row := range []struct {
		name   string
		rest   body
		status unix.WaitStatus
		errno  unix.Errno
		call   prog.Call
	}{
		{name: "executes a program", rest: func(b *prog.Builder, _ prog.FD) { exec(b, sh, "sh", "-c", "exit 5") }, status: exited(5)},
		{name: "executes nothing that is there", rest: func(b *prog.Builder, _ prog.FD) { exec(b, "/none") }, errno: unix.ENOENT, call: prog.Execve},
		{name: "exits", rest: func(b *prog.Builder, _ prog.FD) { exit(b, 7) }, status: exited(7)},
		{name: "is killed", rest: func(b *prog.Builder, _ prog.FD) { kill(b); exit(b, 7) }, status: killed(unix.SIGKILL), call: prog.Kill},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, w := pipe(t)
			files := []prog.FD{fd(null(t), "stdin"), fd(w, "stdout")}
			im := image(t, len(files), func(b *prog.Builder, control prog.FD) {
				tellPid(b)
				nsexec.EmitVfork(b, control, 2)
				row.rest(b, control)
			})
			if row.call != prog.Call(0) {
				err := fails(t, nsexec.Config{Image: im, Files: files})
				if err.Op.Call != row.call || err.Errno != row.errno || err.Status != row.status {
					t.Errorf("%v, status %#x", err, int(err.Status))
				}
			} else {
				p, err := nsexec.Start(nsexec.Config{Image: im, Files: files})
				if err != nil {
					t.Fatal(err)
				}
				if first := pidFrom(t, r); p.Pid() == first {
					t.Errorf("process %d goes on, which was the first", first)
				}
				if status := wait(t, p); status != row.status {
					t.Errorf("status %#x, want %#x", int(status), int(row.status))
				}
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			}
			none(t)
		})
	}
}

// TestVforkDoesNotNeedTheFirst kills the process that stands still. The other one is found and
// followed, and goes on.
func TestVforkDoesNotNeedTheFirst(t *testing.T) {
	in, goOn := pipe(t)
	said, out := pipe(t)
	files := []prog.FD{fd(in, "stdin"), fd(out, "stdout")}
	im := image(t, len(files), func(b *prog.Builder, control prog.FD) {
		tellPid(b)
		nsexec.EmitVfork(b, control, 2)
		b.Add(prog.Op{Call: prog.Write, Args: prog.Args{prog.FD{Num: 1}, prog.Bytes("."), prog.Int(1)}})
		b.Add(prog.Op{Call: prog.Read, Args: prog.Args{prog.FD{Num: 0}, prog.Buffer("word", 8), prog.Int(1)}})
		exit(b, 7)
	})
	killed := make(chan error, 1)
	go func() {
		first := pidFrom(t, said)
		_, err := io.ReadFull(said, make([]byte, 1)) // the second is at work
		killed <- errors.Join(err, unix.Kill(first, unix.SIGKILL))
		for errors.Is(unix.Kill(first, 0), nil) { // until it has been waited for
			runtime.Gosched()
		}
		if _, err := goOn.Write([]byte(".")); err != nil {
			t.Error(err)
		}
	}()
	p := start(t, nsexec.Config{Image: im, Files: files})
	if err := <-killed; err != nil {
		t.Error(err)
	}
	if status := wait(t, p); status != exited(7) {
		t.Errorf("status %#x", int(status))
	}
	none(t)
}

// tellPid writes the process's number to its standard output, for [pidFrom].
func tellPid(b *prog.Builder) {
	self := b.Slot("self")
	b.Add(prog.Op{Call: prog.Getpid, Out: self})
	b.Add(prog.Op{Call: prog.Write, Args: prog.Args{prog.FD{Num: 1}, &prog.Block{Fields: []prog.Field{{Kind: prog.Integer, Size: 8, Value: self}}}, prog.Int(8)}})
}

func pidFrom(t *testing.T, r io.Reader) int {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		t.Error(err)
	}
	return int(binary.LittleEndian.Uint64(b[:]))
}

// none fails the test where this process has a child left, running or not.
func none(t *testing.T) {
	t.Helper()
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil); !errors.Is(err, unix.ECHILD) {
		t.Errorf("wait4: %d, %v, want ECHILD: a process is left", pid, err)
	}
}
