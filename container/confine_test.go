package container_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// TestNoDescriptorInside leaks descriptors of every kind to the container: none but the
// standard ones arrives.
func TestNoDescriptorInside(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	for i := range 50 {
		path := []string{"/", "/etc/passwd", "/dev/null"}[i%3]
		fd, err := unix.Open(path, unix.O_RDONLY, 0) // and not O_CLOEXEC
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
	}
	rows := []struct {
		name string
		spec container.Spec
	}{
		{"the usual container", with(root, sh("ls /proc/1/fd; true"))},
		{"in the host's pid namespace", with(root, sh("ls /proc/$$/fd; true"), func(s *container.Spec) { s.Namespaces.Remove(clone.NEWPID) })},
		{"with a namespace to join", with(root, sh("ls /proc/1/fd; true"), func(s *container.Spec) { s.Namespaces.Add(clone.NEWIPC, "/proc/self/ns/ipc") })},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if out, _ := run(t, row.spec); out != "0\n1\n2\n" {
				t.Errorf("descriptors in the container:\n%s", out)
			}
		})
	}
}

// TestImageExecutedAgain has the image as the user's program: it changes nothing and
// exits with 125, and Start, whose execve has succeeded, says so.
func TestImageExecutedAgain(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	script := filepath.Join(root, "script")
	if err := os.WriteFile(script, []byte("#!/proc/self/exe\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/proc/self/exe", "/proc/1/exe", "/script"} {
		t.Run(path, func(t *testing.T) {
			spec := with(root, func(s *container.Spec) { s.Process.Args = []string{path, "argument"} })
			if out, status := run(t, spec); out != "" || status != exited(125) {
				t.Errorf("status %#x, output %q, want exit 125 without a word", int(status), out)
			}
		})
	}
}

// TestExeIsNeverTheHosts looks from outside at what a container executes, while it is
// being made and when it runs.
func TestExeIsNeverTheHosts(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	plan := compile(t, with(root, func(s *container.Spec) { s.Process.Args = []string{"/bin/cat", "/dev/stdin"} }))

	in, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, errOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	// A word to the outside and a wait for the answer, in the middle of it all.
	plan.Child, err = rebuild(plan.Child, func(_ int, op prog.Op) []prog.Op {
		if op.Call != prog.Sethostname {
			return []prog.Op{op}
		}
		return []prog.Op{
			{Call: prog.Write, Args: prog.Args{prog.FD{Num: 1}, prog.Bytes("half way\n"), prog.Int(9)}},
			{Call: prog.Read, Args: prog.Args{prog.FD{Num: 0}, prog.Buffer("word", 8), prog.Int(1)}},
			op,
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	look := func(want string) {
		var found []string
		for _, pid := range children(t, os.Getpid()) {
			exe := fmt.Sprintf("/proc/%d/exe", pid)
			link, err := os.Readlink(exe)
			if err != nil {
				t.Error(err)
			}
			found = append(found, link)
			if sameFile(t, exe, "/proc/self/exe") {
				t.Errorf("%s is the host's binary", exe)
			}
		}
		if strings.Join(found, " ") != want {
			t.Errorf("the container executes %q, want %q", found, want)
		}
	}
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		word := make([]byte, 9)
		if _, err := io.ReadFull(out, word); err != nil {
			t.Error(err)
			return
		}
		look("/memfd:selfcontain (deleted)")
		if _, err := w.Write([]byte(".")); err != nil {
			t.Error(err)
		}
	}()
	p, err := plan.Start(container.Stdio{In: in, Out: errOut, Err: errOut})
	errOut.Close() // so that a container which is gone does not leave the other side waiting
	<-looked
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	look("/bin/busybox")
	w.Close()
	if status, err := p.Wait(); err != nil || status != exited(0) {
		t.Errorf("status %#x, %v", int(status), err)
	}
}

// children are the processes that a process has made.
func children(t *testing.T, of int) (pids []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		behind := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if parent, err := strconv.Atoi(behind[1]); err == nil && parent == of {
			pid, err := strconv.Atoi(strings.Split(name, "/")[2])
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	fa, errA := os.Stat(a)
	fb, errB := os.Stat(b)
	if err := errors.Join(errA, errB); err != nil {
		t.Error(err)
		return true
	}
	return os.SameFile(fa, fb)
}

// TestKilledAtEveryOperation kills the container at each operation that it makes, and
// hears of that one.
func TestKilledAtEveryOperation(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	every := 1
	if testing.Short() {
		every = 14
	}

	// The first process of a pid namespace cannot kill itself. But after seccomp's
	// strict mode the kernel kills it at the next call, unless that is a read, a
	// write or an exit. seccomp(2)
	t.Run("by seccomp", func(t *testing.T) {
		strict := prog.Op{Call: prog.Seccomp, Args: prog.Args{prog.Int(unix.SECCOMP_SET_MODE_STRICT), prog.Int(0), prog.Int(0)}}
		w := observe(t, with(root))
		path, err := w.compare(write(t, w.plan.Child))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for k, at := range path {
			if at == 0 || (len(path)-1-k)%every != 0 { // before the first one there is no report
				continue
			}
			plan := *w.plan
			plan.Child, err = rebuild(w.plan.Child, func(i int, op prog.Op) []prog.Op {
				if i == at {
					return []prog.Op{strict, op}
				}
				return []prog.Op{op}
			})
			if err != nil {
				t.Fatal(err)
			}
			n++
			op := killedAt(t, &plan)
			if op.Index != at+1 || op.Op.Call != w.plan.Child.Op(at).Call || op.Errno != 0 || op.Status != unix.WaitStatus(unix.SIGKILL) {
				t.Errorf("killed at operation %d, %s, Start says %d, %v, status %#x: %v", at, w.plan.Child.Text(at), op.Index, op.Op, int(op.Status), op)
			}
			if want := ": the process was killed by SIGKILL here"; !strings.HasSuffix(op.Error(), want) {
				t.Errorf("%q does not end in %q", op, want)
			}
		}
		t.Logf("killed at %d operations", n)
	})

	t.Run("by itself", func(t *testing.T) {
		whole := compile(t, with(root, func(s *container.Spec) { s.Namespaces.Remove(clone.NEWPID) }))
		n := 0
		for at := 2; at < whole.Child.Len(); at += every { // 0 and 1 make the report
			b := &prog.Builder{}
			self := b.Slot("self")
			var err error
			plan := *whole
			plan.Child, err = rebuildInto(b, whole.Child, func(i int, op prog.Op) []prog.Op {
				if i != at {
					return []prog.Op{op}
				}
				return []prog.Op{
					{Call: prog.Getpid, Out: self},
					{Call: prog.Kill, Args: prog.Args{self, prog.Int(unix.SIGKILL)}},
					op,
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			_, status, err := runPlan(t, &plan)
			var op *nsexec.OpError
			switch {
			case errors.As(err, &op):
				n++
				if op.Index != at+1 || op.Op.Call != prog.Kill || op.Status != unix.WaitStatus(unix.SIGKILL) {
					t.Errorf("killed before operation %d, Start says %d, %v, status %#x: %v", at, op.Index, op.Op, int(op.Status), op)
				}
			case err != nil:
				t.Fatal(err)
			case status != exited(0):
				t.Errorf("killed before operation %d, Start reports success, and Wait %#x", at, int(status))
			}
			// Otherwise the operation stands on a way that was not taken.
		}
		t.Logf("killed at %d of %d operations", n, whole.Child.Len()/every)
		if n < whole.Child.Len()/every/2 {
			t.Errorf("the container was killed at %d of %d operations only", n, whole.Child.Len())
		}
	})
}

// TestHostIsUnchanged runs containers of several kinds, and afterwards every mount of
// the host's side is what it was.
func TestHostIsUnchanged(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	runs := 200
	if testing.Short() {
		runs = 20
	}
	hostIsUnchanged(t, runs)
}

func TestHostIsUnchangedForLong(t *testing.T) {
	nstest.Root(t)
	nstest.Soak(t)
	hostIsUnchanged(t, 1000)
}

func hostIsUnchanged(t *testing.T, runs int) {
	root := nstest.RootFS(t)
	if err := unix.Mount(root, root, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(root, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	makeDir(t, root, "mnt/inner")
	if err := unix.Mount("tmpfs", filepath.Join(root, "mnt/inner"), "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	plans := []*container.Plan{
		compile(t, with(root)),
		compile(t, with(root, sh("mount -t tmpfs x /mnt/inner; umount /home; exit 0"))),
		compile(t, with(root, func(s *container.Spec) { s.Root.Propagation = "rshared" })),
		compile(t, with(root, func(s *container.Spec) { s.Root.Propagation = "slave" })),
		compile(t, with(root, func(s *container.Spec) { s.Process.Args = []string{"/none"} })),
	}
	before := mountinfo(t)
	for i := range runs {
		p, err := plans[i%len(plans)].Start(container.Stdio{})
		if failed := err != nil; failed != (i%len(plans) == 4) {
			t.Fatalf("run %d: %v", i, err)
		}
		if err != nil {
			continue
		}
		if _, err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		p.Close()
	}
	if after := mountinfo(t); after != before {
		t.Errorf("mounts before\n%s\nand after\n%s", before, after)
	}
}

func mountinfo(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
