package nsexec_test

import (
	"errors"
	"io"
	"os"
	osexec "os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// letters is an image that writes "1" to its standard output, waits, writes "2", and
// so on.
func letters(t *testing.T, points int) *nsexec.Image {
	t.Helper()
	return image(t, 2, func(b *prog.Builder, control prog.FD) {
		for i := range points + 1 {
			letter := prog.Bytes([]byte{'1' + byte(i)})
			b.Add(prog.Op{Call: prog.Write, Args: prog.Args{prog.FD{Num: 1, Name: "stdout"}, letter, prog.Int(1)}})
			if i < points {
				nsexec.EmitSync(b, control, "the caller's part")
			}
		}
		exit(b, 0)
	})
}

func TestSyncPointsInOrder(t *testing.T) {
	r, w := pipe(t)
	var seen []string
	part := func(name string) func(*nsexec.Process) error {
		return func(p *nsexec.Process) error {
			b := make([]byte, 8)
			n, err := r.Read(b)
			seen = append(seen, string(b[:n])+name)
			return err
		}
	}
	p := start(t, nsexec.Config{
		Image: letters(t, 3), Files: []prog.FD{fd(null(t), "stdin"), fd(w, "stdout")},
		Sync: []func(*nsexec.Process) error{part("a"), part("b"), part("c")},
	})
	if status := wait(t, p); status != exited(0) {
		t.Errorf("status %#x", int(status))
	}
	w.Close()
	rest, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"1a", "2b", "3c"}; !slices.Equal(seen, want) || string(rest) != "4" {
		t.Errorf("%v and then %q, want %v and then \"4\"", seen, rest, want)
	}
}

var errPart = errors.New("the caller's part failed")

// TestErrorOfTheCallersPart ends the process: nothing that stands behind the sync point
// has been done, and there is nobody left to wait for.
func TestErrorOfTheCallersPart(t *testing.T) {
	r, w := pipe(t)
	pid := 0
	_, err := nsexec.Start(nsexec.Config{
		Image: letters(t, 1), Files: []prog.FD{fd(null(t), "stdin"), fd(w, "stdout")},
		Sync: []func(*nsexec.Process) error{func(p *nsexec.Process) error { pid = p.Pid(); return errPart }},
	})
	if !errors.Is(err, errPart) {
		t.Errorf("Start: %v, want what the caller's part returned", err)
	}
	w.Close()
	if text, err := io.ReadAll(r); err != nil || string(text) != "1" {
		t.Errorf("written %q (%v), want only what stands before the sync point", text, err)
	}
	if err := unix.Kill(pid, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("kill(%d, 0): %v, want ESRCH", pid, err)
	}
	if _, err := unix.Wait4(pid, nil, 0, nil); !errors.Is(err, unix.ECHILD) {
		t.Errorf("wait4(%d): %v, want ECHILD", pid, err)
	}
}

func TestSyncPointWithoutPart(t *testing.T) {
	_, w := pipe(t)
	_, err := nsexec.Start(nsexec.Config{Image: letters(t, 2), Files: []prog.FD{fd(null(t), "stdin"), fd(w, "stdout")},
		Sync: []func(*nsexec.Process) error{func(*nsexec.Process) error { return nil }}})
	if err == nil {
		t.Fatal("a program with two sync points was started with one part")
	}
	contains(t, err.Error(), "sync point for which the caller has no part")
}

// TestProcessDiesAtItsSyncPoint kills it inside the caller's part, so that there is
// nobody to answer.
func TestProcessDiesAtItsSyncPoint(t *testing.T) {
	_, w := pipe(t)
	err := fails(t, nsexec.Config{
		Image: letters(t, 2), Files: []prog.FD{fd(null(t), "stdin"), fd(w, "stdout")},
		Sync: []func(*nsexec.Process) error{func(p *nsexec.Process) error {
			if err := p.Signal(unix.SIGKILL); err != nil {
				return err
			}
			return unix.Waitid(unix.P_PIDFD, p.PidFD(), nil, unix.WEXITED|unix.WNOWAIT, nil)
		}},
	})
	// The caller is awake before sendto has returned.
	if err.Op.Call != prog.Read && err.Op.Call != prog.Sendto || err.Status != killed(unix.SIGKILL) {
		t.Errorf("%v, status %#x: %v", err.Op.Call, int(err.Status), err)
	}
}

// TestCallerIsKilled has a caller that is killed while its program waits: the program
// is gone too. The test knows it by a pipe of which the program holds the only end for
// writing that is left.
func TestCallerIsKilled(t *testing.T) {
	const caller = "NSEXEC_TEST_CALLER"
	if os.Getenv(caller) != "" {
		im := image(t, 2, func(b *prog.Builder, control prog.FD) {
			nsexec.EmitSync(b, control, "the caller is killed now")
			b.Add(prog.Op{Call: prog.Write, Args: prog.Args{prog.FD{Num: 1, Name: "stdout"}, prog.Bytes("survived"), prog.Int(8)}})
			exit(b, 0)
		})
		_, err := nsexec.Start(nsexec.Config{Image: im, Files: []prog.FD{{Num: 0}, {Num: 3, Name: "pipe"}},
			Sync: []func(*nsexec.Process) error{func(*nsexec.Process) error {
				return unix.Kill(os.Getpid(), unix.SIGKILL)
			}}})
		t.Fatal("still here: ", err)
	}
	r, w := pipe(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := osexec.Command(self, "-test.run=^TestCallerIsKilled$", "-test.count=1")
	cmd.Env = append(os.Environ(), caller+"=1", "NSTEST_STAGE=tests")
	cmd.ExtraFiles = []*os.File{w}
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	err = cmd.Run()
	w.Close()
	if status, ok := cmd.ProcessState.Sys().(interface{ Signaled() bool }); !ok || !status.Signaled() {
		t.Fatalf("the caller: %v\n%s", err, said.String())
	}
	text, err := io.ReadAll(r) // returns when the program has ended
	if err != nil || len(text) != 0 {
		t.Errorf("the program went on without its caller: %q (%v)", text, err)
	}
}
