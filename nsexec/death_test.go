package nsexec_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// planted is the operations of an ordinary program: calls with a result and
// without, a tolerated error, a branch, a sync point, an execve. plant is called at
// every place where the program is not waiting for something.
func planted(b *prog.Builder, control prog.FD, bin string, plant func()) {
	old, around, elsewhere := b.Slot("old"), b.Label("around"), b.Label("elsewhere")
	argv := []string{bin, "true"}
	for _, add := range []func(){
		func() { b.Add(prog.Op{Call: prog.Umask, Args: prog.Args{prog.Int(0o27)}, Out: old}) },
		func() { b.Add(prog.Op{Call: prog.Umask, Args: prog.Args{old}}) },
		func() {
			b.Add(prog.Op{Call: prog.Close, Args: prog.Args{prog.FD{Num: 99}}, Tolerate: unix.EBADF})
		},
		func() { b.Goto(around, "to the next"); b.Bind(around) },
		func() {
			b.Add(prog.Op{Call: prog.Close, Args: prog.Args{prog.FD{Num: 99}}, OnError: elsewhere})
			exit(b, 1)
			b.Bind(elsewhere)
		},
		func() { b.Add(prog.Op{Call: prog.Setsid}) },
		func() { nsexec.EmitSync(b, control, "half way") },
		func() { nsexec.EmitCloseOnExec(b, 3) },
		func() {
			b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str(argv[0]), prog.Strings(argv), prog.Strings(nil)}})
		},
	} {
		plant()
		add()
	}
}

func TestKilledAtEveryOperation(t *testing.T) {
	bin := busybox(t)
	places := 0
	image(t, 0, func(b *prog.Builder, control prog.FD) { planted(b, control, bin, func() { places++ }) })
	nop := func(*nsexec.Process) error { return nil }
	for place := range places {
		at, n := 0, 0
		im := image(t, 0, func(b *prog.Builder, control prog.FD) {
			planted(b, control, bin, func() {
				if n++; n == place+1 {
					kill(b)
					at = b.Len() - 1
				}
			})
		})
		err := fails(t, nsexec.Config{Image: im, Sync: []func(*nsexec.Process) error{nop}})
		if err.Index != at || err.Op.Call != prog.Kill || err.Errno != 0 || err.Status != killed(unix.SIGKILL) {
			t.Errorf("killed at operation %d, Start says %d %v %v %#x: %v", at, err.Index, err.Op.Call, err.Errno, int(err.Status), err)
		}
	}
}

// attack returns a function that kills the process once, whatever Start has done with it
// by then: the descriptor is a copy.
func attack(t *testing.T, p *nsexec.Process) (kill func() error) {
	t.Helper()
	fd, err := unix.FcntlInt(uintptr(p.PidFD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return func() error {
		err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
		return errors.Join(err, unix.Close(fd))
	}
}

// TestKilledWhileItWaits kills the process from outside in the one call in which a
// program spends its time, and in another of that kind.
func TestKilledWhileItWaits(t *testing.T) {
	r, _ := pipe(t)
	rows := []struct {
		name string
		add  body
	}{
		{"at its next sync point", func(b *prog.Builder, control prog.FD) {
			nsexec.EmitSync(b, control, "first")
			b.Add(prog.Op{Call: prog.Ppoll, Args: prog.Args{prog.Int(0), prog.Int(0), prog.Int(0), prog.Int(0), prog.Int(0)}})
			exit(b, 0)
		}},
		{"in a read that nobody answers", func(b *prog.Builder, control prog.FD) {
			nsexec.EmitSync(b, control, "first")
			b.Add(prog.Op{Call: prog.Read, Args: prog.Args{prog.FD{Num: 0, Name: "pipe"}, prog.Buffer("b", 8), prog.Int(1)}})
			exit(b, 0)
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			im := image(t, 1, row.add)
			sync := func(p *nsexec.Process) error {
				// Whether it has come to the call or not, the word is "killed".
				kill := attack(t, p)
				time.AfterFunc(time.Millisecond, func() {
					if err := kill(); err != nil {
						t.Error(err)
					}
				})
				return nil
			}
			err := fails(t, nsexec.Config{Image: im, Files: []prog.FD{fd(r, "pipe")}, Sync: []func(*nsexec.Process) error{sync}})
			if err.Errno != 0 || err.Status != killed(unix.SIGKILL) {
				t.Errorf("%v, status %#x: %v", err.Errno, int(err.Status), err)
			}
			contains(t, err.Error(), "the process was killed by SIGKILL here")
		})
	}
}

// TestKilledInExecve holds the process inside execve, by a listener that must allow
// the file to be opened for execution (fanotify(7), FAN_OPEN_EXEC_PERM), and kills it
// there: no user's program has ever run.
func TestKilledInExecve(t *testing.T) {
	nstest.Root(t)
	file := filepath.Join(nstest.RootFS(t), "bin/busybox")
	listener, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	if err := unix.FanotifyMark(listener, unix.FAN_MARK_ADD, unix.FAN_OPEN_EXEC_PERM, unix.AT_FDCWD, file); err != nil {
		t.Fatal(err)
	}
	at := 0
	im := image(t, 0, func(b *prog.Builder, control prog.FD) {
		nsexec.EmitSync(b, control, "the caller prepares its attack")
		exec(b, file, "true")
		at = b.Len() - 1
	})
	rounds := 200
	if testing.Short() {
		rounds = 50
	}
	for round := range rounds {
		attacked := make(chan error, 1)
		sync := func(p *nsexec.Process) error {
			kill := attack(t, p)
			go func() {
				event := make([]byte, 256)
				n, err := unix.Read(listener, event)
				if err != nil || n < 24 {
					attacked <- fmt.Errorf("fanotify: %d bytes: %w", n, err)
					return
				}
				// struct fanotify_event_metadata: the descriptor is behind the mask.
				opened := int(event[16]) | int(event[17])<<8
				attacked <- errors.Join(kill(), unix.Close(opened))
			}()
			return nil
		}
		p, err := nsexec.Start(nsexec.Config{Image: im, Sync: []func(*nsexec.Process) error{sync}})
		if e := <-attacked; e != nil {
			t.Fatal(e)
		}
		var op *nsexec.OpError
		if !errors.As(err, &op) {
			finish(t, p)
			t.Fatalf("round %d: Start says %v where the process was killed in execve", round, err)
		}
		if op.Index != at || op.Errno != 0 || op.Status != killed(unix.SIGKILL) {
			t.Fatalf("round %d: %d %v %#x, want %d, no error and SIGKILL: %v", round, op.Index, op.Errno, int(op.Status), at, op)
		}
	}
}

// TestKilledAroundExecve kills at a random moment while the user's program is being
// executed. Whatever Start says, it is what has happened: the name of the dead process
// is that of the user's program or it is not.
func TestKilledAroundExecve(t *testing.T) {
	bin := busybox(t)
	at := 0
	im := image(t, 0, func(b *prog.Builder, control prog.FD) {
		nsexec.EmitSync(b, control, "the caller prepares its attack")
		exec(b, bin, "sleep", "1000")
		at = b.Len() - 1
	})
	rounds := 1000
	if testing.Short() {
		rounds = 100
	}
	began, before := 0, 0
	for round := range rounds {
		done := make(chan error, 1)
		sync := func(p *nsexec.Process) error {
			kill := attack(t, p)
			go func() {
				for start := time.Now(); time.Since(start) < time.Duration(round%250)*time.Microsecond; {
				}
				done <- kill()
			}()
			return nil
		}
		p, err := nsexec.Start(nsexec.Config{Image: im, Sync: []func(*nsexec.Process) error{sync}})
		killErr := <-done
		if err != nil {
			var op *nsexec.OpError
			if !errors.As(err, &op) || op.Status != killed(unix.SIGKILL) || op.Index > at {
				t.Fatalf("round %d: %v", round, err)
			}
			before++
			continue
		}
		if killErr != nil {
			t.Fatal(killErr)
		}
		if err := unix.Waitid(unix.P_PIDFD, p.PidFD(), nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
			t.Fatal(err)
		}
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p.Pid()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(name), "(") {
			t.Errorf("round %d: Start reports success, and the process died as %q before it was the user's program", round, name)
		}
		began++
		finish(t, p)
	}
	t.Logf("killed before the user's program began: %d times, after: %d", before, began)
}

// TestUsersProgramKillsItself is the other side: a program that has begun was
// started, however soon it dies.
func TestUsersProgramKillsItself(t *testing.T) {
	im := image(t, 0, func(b *prog.Builder, _ prog.FD) { exec(b, busybox(t), "sh", "-c", "kill -KILL $$") })
	rounds := 200
	if testing.Short() {
		rounds = 50
	}
	for range rounds {
		p, err := nsexec.Start(nsexec.Config{Image: im})
		if err != nil {
			t.Fatalf("Start: %v, want success: the program has killed itself", err)
		}
		if status := wait(t, p); status != killed(unix.SIGKILL) {
			t.Fatalf("status %#x, want SIGKILL", int(status))
		}
		finish(t, p)
	}
}
