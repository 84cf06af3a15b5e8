package nsexec_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

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
		nsexec.EmitCloseOnExec(b, 3)
		in := nsexec.EmitInit(b, 4, prog.FD{Num: 3, Name: "init"}, namespaces&unix.CLONE_NEWPID == 0)
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

// kinds are the ways in which the init can get at orphans.
var kinds = []struct {
	name       string
	namespaces uintptr
}{
	{"first of a pid namespace", unix.CLONE_NEWPID},
	{"in the caller's pid namespace", 0},
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
	for _, kind := range kinds {
		for _, row := range rows {
			t.Run(kind.name+", "+row.script, func(t *testing.T) {
				if kind.namespaces == 0 && strings.Contains(row.script, "1000") {
					t.Skip("skipped: without a pid namespace nothing ends what the program leaves behind")
				}
				p := start(t, withInit(t, kind.namespaces, [3]*os.File{}, execve(busybox(t), "sh", "-c", row.script)))
				if status := wait(t, p); status != exited(row.want) {
					t.Errorf("status %#x, want exit %d", int(status), row.want)
				}
			})
		}
	}
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
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			r, w := pipe(t)
			hold, release := pipe(t)
			script := "for s in " + strings.Join(numbers, " ") + `; do trap "echo $s" $s; done; echo ready; while ! read line; do :; done; exit 3`
			p := start(t, withInit(t, kind.namespaces, [3]*os.File{hold, w, nil}, execve(busybox(t), "sh", "-c", script)))
			w.Close()
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
			if _, err := release.WriteString("\n"); err != nil {
				t.Fatal(err)
			}
			if status := wait(t, p); status != exited(3) {
				t.Errorf("status %#x, want exit 3", int(status))
			}
			t.Logf("%d signals", len(numbers))
		})
	}
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
