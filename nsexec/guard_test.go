package nsexec_test

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// guardedImage has a guard, says so on its standard output, and then does the rest.
func guardedImage(t *testing.T, rest func(b *prog.Builder, control prog.FD)) *nsexec.Image {
	t.Helper()
	return image(t, 3, func(b *prog.Builder, control prog.FD) {
		b.Add(prog.Op{Call: prog.Setsid})
		nsexec.EmitGuard(b, 3, prog.FD{Num: 2, Name: "alive"})
		rest(b, control)
	})
}

// TestGuardEndsTheGroup closes what the guard waits for, as the end of the caller does:
// the process ends, and so does a second one of its group.
func TestGuardEndsTheGroup(t *testing.T) {
	im := guardedImage(t, func(b *prog.Builder, control prog.FD) {
		second := b.Label("second")
		b.Add(prog.Op{Call: prog.Clone3, Args: prog.Args{prog.CloneArgs(0, 0), prog.Int(prog.CloneArgsSize)}, OnResult: second})
		b.Bind(second) // both go on here
		nsexec.EmitSync(b, control, "the caller closes it")
		exit(b, 0)
	})
	held, hold := pipe(t)
	alive, caller := pipe(t)
	_, err := nsexec.Start(nsexec.Config{
		Image: im, Files: []prog.FD{fd(null(t), "stdin"), fd(hold, "stdout"), fd(alive, "alive")},
		Sync: []func(*nsexec.Process) error{func(p *nsexec.Process) error {
			caller.Close()
			status, err := p.Ended()
			if status != killed(unix.SIGKILL) {
				t.Errorf("it ended with %#x", int(status))
			}
			return errors.Join(err, errPart)
		}},
	})
	if !errors.Is(err, errPart) {
		t.Error(err)
	}
	hold.Close()
	if text, err := io.ReadAll(held); err != nil || len(text) > 0 { // its end is that of all
		t.Errorf("read %q, %v", text, err)
	}
	none(t)
}

// TestGuardIsEnded has a program go on, and end, without harm to its guard and by it: the guard
// ends when it is told, without a word, and holds nothing of the program's meanwhile.
func TestGuardIsEnded(t *testing.T) {
	held, hold := pipe(t)
	alive, caller := pipe(t)
	p := start(t, nsexec.Config{
		Image: guardedImage(t, func(b *prog.Builder, _ prog.FD) { exit(b, 3) }),
		Files: []prog.FD{fd(null(t), "stdin"), fd(hold, "stdout"), fd(alive, "alive")},
	})
	hold.Close()
	if text, err := io.ReadAll(held); err != nil || len(text) > 0 {
		t.Errorf("read %q, %v", text, err)
	}
	if status, err := p.Ended(); status != exited(3) || err != nil {
		t.Errorf("it ended with %#x, %v", int(status), err)
	}
	guards := guardsOf(t)
	if len(guards) != 1 || !strings.Contains(guards[0], "(selfcontain)") {
		t.Errorf("beside it there is %q", guards)
	}
	p.EndGuard()
	if guards := guardsOf(t); len(guards) != 0 {
		t.Errorf("it lives on: %q", guards)
	}
	p.EndGuard() // and nobody else
	if status := wait(t, p); status != exited(3) {
		t.Errorf("status %#x", int(status))
	}
	caller.Close()
	none(t)
}

// guardsOf are the children of this process that live, as /proc tells of them.
func guardsOf(t *testing.T) (list []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	self := " " + strconv.Itoa(os.Getpid()) + " "
	for _, e := range entries {
		line, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		if name, rest, ok := strings.Cut(string(line), ") "); ok && strings.HasPrefix(rest[1:], self) && rest[0] != 'Z' {
			list = append(list, name+")")
		}
	}
	return list
}

// TestProgramIsKilledBesideItsGuard: both are gone when the caller is told.
func TestProgramIsKilledBesideItsGuard(t *testing.T) {
	_, hold := pipe(t)
	alive, _ := pipe(t)
	err := fails(t, nsexec.Config{
		Image: guardedImage(t, func(b *prog.Builder, _ prog.FD) { kill(b); exit(b, 0) }),
		Files: []prog.FD{fd(null(t), "stdin"), fd(hold, "stdout"), fd(alive, "alive")},
	})
	if err.Status != killed(unix.SIGKILL) {
		t.Errorf("%v, status %#x", err, int(err.Status))
	}
	none(t)
}
