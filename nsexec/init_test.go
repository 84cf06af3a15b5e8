package nsexec_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// withInit is a program whose process becomes an init, for [start]: its files are the
// three standard streams and the init's image.
func withInit(t testing.TB, namespaces uintptr, stdio [3]*os.File, add body) nsexec.Config {
	t.Helper()
	fdInit, err := nsexec.OpenReaper(nsexec.StoreAuto)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fdInit), "init")
	t.Cleanup(func() { file.Close() })
	im := image(t, 4, func(b *prog.Builder, control prog.FD) {
		b.Add(prog.Op{Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_DUMPABLE), prog.Int(0)}})
		nsexec.EmitCloseOnExec(b, 3)
		in := nsexec.EmitInit(b, 4, 3, namespaces&unix.CLONE_NEWPID == 0)
		add(b, control)
		in.EmitBecome(b)
	})
	c := nsexec.Config{Image: im, Namespaces: namespaces, Files: make([]prog.FD, 4)}
	for i, f := range stdio {
		if f == nil {
			f = null(t)
		}
		c.Files[i] = fd(f, "stdio")
	}
	c.Files[3] = fd(file, "init")
	return c
}

func execve(argv ...string) body {
	return func(b *prog.Builder, _ prog.FD) {
		b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str(argv[0]), prog.Strings(argv), prog.Strings(nil)}})
	}
}

// kind is a way in which the init gets at orphans, and who it is.
type kind struct {
	name       string
	namespaces uintptr
	ordinary   bool
}

func (k kind) pidns() bool { return k.namespaces&unix.CLONE_NEWPID != 0 }

// eachKind runs a test for all of them.
func eachKind(t *testing.T, test func(t *testing.T, k kind)) {
	for _, k := range []kind{
		{"first of a pid namespace", unix.CLONE_NEWPID, false},
		{"in the caller's pid namespace", 0, false},
		{"first of an ordinary user's pid namespace", unix.CLONE_NEWUSER | unix.CLONE_NEWPID, true},
		{"an ordinary user's, in the caller's pid namespace", 0, true},
	} {
		t.Run(k.name, func(t *testing.T) {
			switch {
			case k.ordinary && !asOrdinaryUser(t):
				return
			case !k.ordinary:
				nstest.Root(t)
			}
			test(t, k)
		})
	}
}

func TestInitEndsAsTheProgramEnds(t *testing.T) {
	rows := []struct {
		script string
		want   int
	}{
		{"exit 0", 0}, {"exit 1", 1}, {"exit 77", 77}, {"exit 255", 255},
		{"kill -TERM $$", 128 + 15}, {"kill -KILL $$", 128 + 9}, {"kill -HUP $$", 128 + 1}, {"kill -64 $$", 128 + 64},
		{"sleep 1000 & exit 5", 5},
		{"(exec sleep 1000 >&- 2>&- <&-) & kill -9 $$", 128 + 9},
	}
	eachKind(t, func(t *testing.T, k kind) {
		for _, row := range rows {
			if !k.pidns() && strings.Contains(row.script, "1000") {
				continue // nothing ends what the program leaves behind
			}
			p := start(t, withInit(t, k.namespaces, [3]*os.File{}, execve(busybox(t), "sh", "-c", row.script)))
			if status := wait(t, p); status != exited(row.want) {
				t.Errorf("%s: status %#x, want exit %d", row.script, int(status), row.want)
			}
		}
	})
}

// TestInitForwards sends every signal that can be caught to the init. The user's
// process prints the name of each that it gets.
func TestInitForwards(t *testing.T) {
	var numbers []string
	for sig := 1; sig <= 64; sig++ {
		if sig != int(unix.SIGKILL) && sig != int(unix.SIGSTOP) && sig != 32 && sig != 33 {
			numbers = append(numbers, fmt.Sprint(sig))
		}
	}
	eachKind(t, func(t *testing.T, k kind) {
		r, w := pipe(t)
		hold, release := pipe(t)
		script := "for s in " + strings.Join(numbers, " ") + `; do trap "echo $s" $s; done; exec 3<&0; cat <&3 & echo ready; ` +
			// A read would miss what comes just before it; wait unblocks signals and sleeps at once.
			`while kill -0 $!; do wait $!; done 2>&-; exit 3`
		p := start(t, withInit(t, k.namespaces, [3]*os.File{hold, w, nil}, execve(busybox(t), "sh", "-c", script)))
		w.Close()
		deadline(t, r)
		lines := bufio.NewScanner(r)
		expect := func(want string) {
			t.Helper()
			if !lines.Scan() || lines.Text() != want {
				t.Fatalf("the program says %q (%v), want %q", lines.Text(), lines.Err(), want)
			}
		}
		expect("ready")
		for _, number := range numbers {
			sig := 0
			if _, err := fmt.Sscan(number, &sig); err != nil {
				t.Fatal(err)
			}
			if err := p.Signal(unix.Signal(sig)); err != nil {
				t.Fatal(err)
			}
			expect(number)
		}
		release.Close()
		if status := wait(t, p); status != exited(3) {
			t.Errorf("status %#x, want exit 3", int(status))
		}
		t.Logf("%d signals", len(numbers))
	})
}

// TestInitFailures are starts that fail around the fork: each says which operation, of
// which process, and why.
func TestInitFailures(t *testing.T) {
	t.Run("the program is not there", func(t *testing.T) {
		err := fails(t, withInit(t, unix.CLONE_NEWPID, [3]*os.File{}, execve("/none")))
		if err.Op.Call != prog.Execve || err.Errno != unix.ENOENT {
			t.Errorf("%v", err)
		}
	})
	t.Run("the second process is killed", func(t *testing.T) {
		at := 0
		err := fails(t, withInit(t, unix.CLONE_NEWPID, [3]*os.File{}, func(b *prog.Builder, c prog.FD) {
			kill(b)
			at = b.Len() - 1
			execve("/none")(b, c)
		}))
		if err.Index != at || err.Status != killed(unix.SIGKILL) {
			t.Errorf("operation %d, status %#x, want %d and SIGKILL: %v", err.Index, int(err.Status), at, err)
		}
		contains(t, err.Error(), "the process was killed by SIGKILL here")
	})
	t.Run("the second process exits", func(t *testing.T) {
		p := start(t, withInit(t, unix.CLONE_NEWPID, [3]*os.File{}, func(b *prog.Builder, c prog.FD) { exit(b, 7) }))
		if status := wait(t, p); status != exited(7) {
			t.Errorf("status %#x", int(status))
		}
	})
	t.Run("a program that the second process must not be dumpable for", func(t *testing.T) {
		c := withInit(t, unix.CLONE_NEWPID, [3]*os.File{}, func(b *prog.Builder, _ prog.FD) {
			dumpable := b.Label("dumpable")
			b.Add(prog.Op{Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_GET_DUMPABLE)}, OnResult: dumpable})
			exit(b, 0)
			b.Bind(dumpable)
			exit(b, 1)
		})
		if status := wait(t, start(t, c)); status != exited(0) {
			t.Errorf("status %#x: what the first process has set does not hold in the second", int(status))
		}
	})
	t.Run("the image of the init cannot be executed", func(t *testing.T) {
		c := withInit(t, unix.CLONE_NEWPID, [3]*os.File{}, execve(busybox(t), "sleep", "1000"))
		c.Files[3] = fd(null(t), "init")
		err := fails(t, c)
		if err.Op.Call != prog.Execveat || err.Errno != unix.EACCES {
			t.Errorf("%v", err)
		}
		contains(t, err.Error(), "refuses to execute the image")
	})
	t.Run("the same without a pid namespace, where nothing may be left", func(t *testing.T) {
		r, w := pipe(t)
		c := withInit(t, 0, [3]*os.File{nil, w, nil}, execve(busybox(t), "sleep", "1000"))
		c.Files[3] = fd(null(t), "init")
		if err := fails(t, c); err.Errno != unix.EACCES {
			t.Errorf("%v", err)
		}
		w.Close()
		if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("want the end of what the user's process can write: %d, %v", n, err)
		}
	})
}

// TestInitHoldsLittle looks at the first process while the second is on its way: what it
// holds then, it holds for a moment while the user's program runs.
func TestInitHoldsLittle(t *testing.T) {
	reaper, err := nsexec.OpenReaper(nsexec.StoreAuto)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(reaper)
	const files = 7
	im := image(t, files, func(b *prog.Builder, control prog.FD) {
		b.Add(prog.Op{Call: prog.Dup3, Args: prog.Args{prog.FD{Num: 3}, prog.FD{Num: 20}, prog.Int(0)}})
		nsexec.EmitCloseOnExec(b, 4)
		in := nsexec.EmitInit(b, files, 4, true)
		nsexec.EmitSync(b, control, "the caller looks")
		exit(b, 0)
		in.EmitBecome(b)
	})
	look := func(p *nsexec.Process) error {
		list, err := os.ReadDir(procPath(p, "fd"))
		if err != nil {
			return err
		}
		var names []string
		for _, fd := range list {
			names = append(names, fd.Name())
		}
		slices.Sort(names)
		if want := "[0 1 2 3 6 7 8]"; fmt.Sprint(names) != want { // image, report, control
			t.Errorf("it holds %v, want %s", names, want)
		}
		return nil
	}
	c := nsexec.Config{Image: im, Sync: []func(*nsexec.Process) error{look}}
	for range files - 1 {
		c.Files = append(c.Files, fd(null(t), "null"))
	}
	c.Files = append(c.Files, prog.FD{Num: reaper, Name: "init"})
	if status := wait(t, start(t, c)); status != exited(0) {
		t.Errorf("status %#x", int(status))
	}
}

// TestInitKilledInExecve holds the second process inside execve, as
// TestKilledInExecve does with the first, and kills it there, or the first one.
func TestInitKilledInExecve(t *testing.T) {
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
	for _, victim := range []string{"first", "second"} {
		t.Run("the "+victim+" process", func(t *testing.T) {
			for round := range 50 {
				attacked := make(chan error, 1)
				go func() {
					event := make([]byte, 256)
					n, err := unix.Read(listener, event)
					if err != nil || n < 24 {
						attacked <- fmt.Errorf("fanotify: %d bytes: %w", n, err)
						return
					}
					// struct fanotify_event_metadata: the descriptor and the process.
					opened, pid := int(event[16])|int(event[17])<<8, int(binary.LittleEndian.Uint32(event[20:]))
					if victim == "first" {
						pid = parentOf(t, pid)
					}
					attacked <- errors.Join(unix.Kill(pid, unix.SIGKILL), unix.Close(opened))
				}()
				c := withInit(t, unix.CLONE_NEWPID, [3]*os.File{}, execve(file, "true"))
				p, err := nsexec.Start(c)
				if e := <-attacked; e != nil {
					t.Fatal(e)
				}
				var op *nsexec.OpError
				if !errors.As(err, &op) {
					finish(t, p)
					t.Fatalf("round %d: Start says %v where the process was killed in execve", round, err)
				}
				if op.Op.Call != prog.Execve || op.Errno != 0 || op.Status != killed(unix.SIGKILL) {
					t.Fatalf("round %d: %v %#x, want execve, no error and SIGKILL: %v", round, op.Errno, int(op.Status), op)
				}
			}
		})
	}
}

// parentOf is the number of a process's parent.
func parentOf(t *testing.T, pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Error(err)
		return -1
	}
	parent, err := strconv.Atoi(field(string(text), "PPid"))
	if err != nil {
		t.Error(err)
		return -1
	}
	return parent
}

// TestInitTrace has times for the operations of both processes: those of the first that
// come after the fork lie behind those of the second.
func TestInitTrace(t *testing.T) {
	c := withInit(t, unix.CLONE_NEWPID, [3]*os.File{}, execve(busybox(t), "true"))
	p := c.Image.Program()
	im, err := nsexec.NewTracedImage(p)
	if err != nil {
		t.Fatal(err)
	}
	c.Image = im
	proc := start(t, c)
	times, err := proc.Trace()
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Duration(0)
	for i := 2; i < p.Len(); i++ {
		op := p.Op(i)
		if !slices.Contains([]int{p.Len() - 2, p.Len() - 3}, i) { // those are for a program that never ran
			if times[i].Before <= clock {
				t.Errorf("op %d %v was made at %v, want later than %v", i, op, times[i].Before, clock)
			}
			clock = times[i].Before
			continue
		}
		if times[i] != (nsexec.Timing{}) {
			t.Errorf("op %d %v was not made, and has the times %v", i, op, times[i])
		}
	}
	if at := p.Op(proc.At()); at.Call != prog.Execve {
		t.Errorf("the program ended at %v, want its execve", at)
	}
}
