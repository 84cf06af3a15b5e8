package nsexec_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// open lists the descriptors of a process by their numbers.
func open(t testing.TB, p *nsexec.Process) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(procPath(p, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]string{}
	for _, e := range entries {
		if list[e.Name()], err = os.Readlink(procPath(p, "fd/"+e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// leak opens descriptors that a careless caller has: without close-on-exec, next to
// each other from the lowest number that is free, and a few far above.
func leak(t testing.TB, n int) {
	t.Helper()
	for i := range n {
		fd, err := unix.Open("/dev/zero", unix.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		if i%10 != 0 {
			continue
		}
		far, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD, 300+3*i)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(far) })
	}
}

// TestNothingButStdioIsOpen runs in a process of its own: the test's leaks must not be
// those of other tests.
func TestNothingButStdioIsOpen(t *testing.T) {
	if !nstest.Subprocess(t) {
		return
	}
	leak(t, 50)
	stdin, _ := pipe(t)
	im := image(t, 3, func(b *prog.Builder, control prog.FD) {
		nsexec.EmitSync(b, control, "look at the descriptors of a process that waits")
		exec(b, busybox(t), "cat") // opens nothing, and waits for its standard input
	})
	file := fd(null(t), "null")
	p := start(t, nsexec.Config{
		Image: im, Files: []prog.FD{fd(stdin, "stdin"), file, file},
		Sync: []func(*nsexec.Process) error{func(p *nsexec.Process) error {
			// Behind the files: report and control socket.
			if list := open(t, p); len(list) != 5 || list["1"] != "/dev/null" {
				t.Errorf("open while the program waits: %v, want 0 to 4", list)
			}
			return nil
		}},
	})
	list := open(t, p)
	if len(list) != 3 || list["1"] != "/dev/null" || list["2"] != "/dev/null" || list["0"] == "" {
		t.Errorf("open in the user's program: %v, want 0, 1, 2", list)
	}
}

// TestFilesArriveAtTheirNumbers hands files down whose numbers are the targets of
// others, in many orders.
func TestFilesArriveAtTheirNumbers(t *testing.T) {
	const n = 24
	var files [n]int
	inodes := map[int]uint64{}
	overlap := 0
	for i := range files {
		fd, err := unix.MemfdCreate("file", unix.MFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			t.Fatal(err)
		}
		files[i], inodes[fd] = fd, st.Ino
		if fd < n {
			overlap++
		}
	}
	if overlap < n/2 {
		t.Fatalf("only %d of the files %v have a number that is a target", overlap, files)
	}
	im := image(t, n, func(b *prog.Builder, control prog.FD) {
		nsexec.EmitSync(b, control, "look at the descriptors")
		exit(b, 0)
	})
	orders := []struct {
		name string
		from func(to int) int
	}{
		{"as they come", func(to int) int { return to }},
		{"the other way round", func(to int) int { return n - 1 - to }},
		{"a cycle", func(to int) int { return (to + 1) % n }},
		{"pairs exchanged", func(to int) int { return to ^ 1 }},
		{"one of them everywhere", func(int) int { return n / 2 }},
		{"two of them in turn", func(to int) int { return to % 2 * (n - 1) }},
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 20 {
		order := r.Perm(n)
		orders = append(orders, struct {
			name string
			from func(to int) int
		}{fmt.Sprintf("shuffled, %d", i), func(to int) int { return order[to] }})
	}
	for _, order := range orders {
		t.Run(order.name, func(t *testing.T) {
			var sources []prog.FD
			for to := range n {
				sources = append(sources, prog.FD{Num: files[order.from(to)], Name: "file"})
			}
			start(t, nsexec.Config{Image: im, Files: sources, Sync: []func(*nsexec.Process) error{func(p *nsexec.Process) error {
				for to, source := range sources {
					var st unix.Stat_t
					if err := unix.Stat(procPath(p, fmt.Sprintf("fd/%d", to)), &st); err != nil {
						return err
					}
					if st.Ino != inodes[source.Num] {
						t.Errorf("descriptor %d is another file than the caller's %d", to, source.Num)
					}
				}
				return nil
			}}})
			for _, fd := range files { // and here they are what they were
				var st unix.Stat_t
				if err := unix.Fstat(fd, &st); err != nil || st.Ino != inodes[fd] {
					t.Errorf("the caller's descriptor %d has changed (%v)", fd, err)
				}
			}
		})
	}
}

// TestHandedDescriptorsAreNotCloseOnExec has one that is, in the caller, and one that
// is its own target.
func TestHandedDescriptorsAreNotCloseOnExec(t *testing.T) {
	r, w := pipe(t) // Go's descriptors are close-on-exec
	im := image(t, 3, func(b *prog.Builder, _ prog.FD) { exec(b, busybox(t), "cat") })
	out, back := pipe(t)
	p := start(t, nsexec.Config{Image: im, Files: []prog.FD{fd(r, "stdin"), fd(back, "stdout"), {Num: 2, Name: "stderr"}}})
	r.Close()
	back.Close()
	if _, err := w.WriteString("through the process"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	text, err := io.ReadAll(out)
	if err != nil || string(text) != "through the process" {
		t.Errorf("read %q (%v)", text, err)
	}
	if status := wait(t, p); status != exited(0) {
		t.Errorf("status %#x", int(status))
	}
}
