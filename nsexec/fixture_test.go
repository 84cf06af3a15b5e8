package nsexec_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// body adds the operations of a test behind those of nsexec.Begin.
type body func(b *prog.Builder, control prog.FD)

// program is Begin for a number of files, and the body.
func program(t testing.TB, files int, add body) *prog.Program {
	t.Helper()
	b := &prog.Builder{}
	add(b, nsexec.Begin(b, files))
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func image(t testing.TB, files int, add body) *nsexec.Image {
	t.Helper()
	im, err := nsexec.NewImage(program(t, files, add))
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// exit adds the end of a program that executes nothing.
func exit(b *prog.Builder, status uint64) {
	b.Add(prog.Op{Call: prog.ExitGroup, Args: prog.Args{prog.Int(status)}})
}

// exec adds the execution of a program, which has nothing open but 0, 1 and 2.
func exec(b *prog.Builder, argv ...string) {
	nsexec.EmitCloseOnExec(b, 3)
	b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str(argv[0]), prog.Strings(argv), prog.Strings(nil)}})
}

// kill adds the process's own death by SIGKILL: two operations, of which the second
// is the one that is made last.
func kill(b *prog.Builder) {
	self := b.Slot("self")
	b.Add(prog.Op{Call: prog.Getpid, Out: self})
	b.Add(prog.Op{Call: prog.Kill, Args: prog.Args{self, prog.Int(unix.SIGKILL)}})
}

func busybox(t testing.TB) string {
	t.Helper()
	p, err := nstest.Tool("busybox")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// start starts a process that is expected to start, and gives it up after the test.
func start(t testing.TB, c nsexec.Config) *nsexec.Process {
	t.Helper()
	p, err := nsexec.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { finish(t, p) })
	return p
}

// finish ends a process, if it has not ended, and reaps it.
func finish(t testing.TB, p *nsexec.Process) {
	t.Helper()
	if p == nil {
		return
	}
	if err := p.Signal(unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) && !errors.Is(err, unix.EBADF) {
		t.Error(err)
	}
	if _, err := p.Wait(); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// wait returns how a process ended.
func wait(t testing.TB, p *nsexec.Process) unix.WaitStatus {
	t.Helper()
	status, err := p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// exited is the status of a process that has exited.
func exited(status int) unix.WaitStatus { return unix.WaitStatus(status << 8) }

// killed is the status of a process that a signal has ended.
func killed(sig unix.Signal) unix.WaitStatus { return unix.WaitStatus(sig) }

// pipe is a pipe whose ends are closed after the test.
func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// null is /dev/null, for a standard stream that a test does not look at.
func null(t testing.TB) *os.File {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// fd hands a file down.
func fd(f *os.File, name string) prog.FD { return prog.FD{Num: int(f.Fd()), Name: name} }

// fails starts a process that is expected to stop at an operation.
func fails(t testing.TB, c nsexec.Config) *nsexec.OpError {
	t.Helper()
	p, err := nsexec.Start(c)
	if err == nil {
		status := wait(t, p)
		p.Close()
		t.Fatalf("Start reports success, and the process ended with %#x", int(status))
	}
	var op *nsexec.OpError
	if !errors.As(err, &op) {
		t.Fatalf("Start: %v (%T), want an *OpError", err, err)
	}
	return op
}

func contains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}
