package nsexec_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec"
)

// TestReaperReaps has a program that leaves thousands of orphans behind, one after the
// other and in crowds. What is left in the end is the program.
func TestReaperReaps(t *testing.T) {
	orphans := 10000
	if testing.Short() {
		orphans = 200
	}
	eachKind(t, func(t *testing.T, k kind) {
		r, w := pipe(t)
		hold, release := pipe(t)
		// A subshell that ends makes an orphan of what it has started.
		script := fmt.Sprintf(`i=0; while [ $i -lt %d ]; do (: & : & : & : & : &); i=$((i+5)); done; echo $i; read line`, orphans)
		begin := time.Now()
		p := start(t, withInit(t, k.namespaces, [3]*os.File{hold, w, nil}, execve(busybox(t), "sh", "-c", script)))
		w.Close()
		said := make([]byte, 64)
		n, err := r.Read(said)
		if want := fmt.Sprintln(orphans); err != nil || string(said[:n]) != want {
			t.Fatalf("the program says %q (%v), want %q", said[:n], err, want)
		}
		// The last ones may still be on their way.
		eventually(t, func() error {
			if left := children(t, p.Pid()); len(left) != 1 {
				return fmt.Errorf("%d processes are left below the init, want the program alone", len(left))
			}
			return nil
		})
		t.Logf("%d orphans reaped in %v", orphans, time.Since(begin).Round(time.Millisecond))
		if _, err := release.WriteString("\n"); err != nil {
			t.Fatal(err)
		}
		if status := wait(t, p); status != exited(0) {
			t.Errorf("status %#x", int(status))
		}
	})
}

// deadline makes a read fail that waits for what never comes.
func deadline(t *testing.T, r *os.File) {
	t.Helper()
	if err := r.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
}

// eventually looks until there is nothing wrong, for ten seconds at most.
func eventually(t *testing.T, look func() error) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		err := look()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// children lists the processes below one, zombies among them. proc_tid_children(5)
func children(t *testing.T, pid int) []string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// TestReaperHoldsNothing looks at an init while its program runs: one descriptor, a page
// or two, no file of the host, and no pipe that somebody waits for the end of.
func TestReaperHoldsNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		r, w := pipe(t)
		hold, release := pipe(t)
		script := "exec 1>&- 2>&-; read line"
		p := start(t, withInit(t, k.namespaces, [3]*os.File{hold, w, w}, execve(busybox(t), "sh", "-c", script)))
		w.Close()
		hold.Close()
		deadline(t, r)
		// It ends when the program has closed it, which is long before the init does.
		if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Fatalf("standard output: %d, %v; want its end", n, err)
		}
		proc := fmt.Sprintf("/proc/%d/", p.Pid())
		read := func(name string) string {
			t.Helper()
			text, err := os.ReadFile(proc + name)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		// Start has returned when the init was executed; it names itself first.
		eventually(t, func() error { return named(p, "init") })
		if argv := read("cmdline"); argv != "init\x00" {
			t.Errorf("its command line is %q", argv)
		}
		rss := kib(t, field(read("smaps_rollup"), "Rss"))
		if rss == 0 || rss > 64*os.Getpagesize()/4096 {
			t.Errorf("%d KiB resident, want at most 64", rss)
		}
		fds, err := os.ReadDir(proc + "fd")
		if err != nil {
			t.Fatal(err)
		}
		if len(fds) != 1 || fds[0].Name() != "0" {
			t.Errorf("its descriptors are %v, want 0 alone", fds)
		}
		if link, err := os.Readlink(proc + "fd/0"); err != nil || !strings.Contains(link, "pidfd") {
			t.Errorf("its descriptor 0 is %q (%v), want a pidfd", link, err)
		}
		if exe, err := os.Readlink(proc + "exe"); err != nil || !strings.Contains(exe, "selfcontain") {
			t.Errorf("its executable is %q (%v)", exe, err)
		}
		t.Logf("%d KiB resident", rss)
		release.Close()
		if status := wait(t, p); status != exited(1) {
			t.Errorf("status %#x", int(status))
		}
	})
}

// named is an error while the process has another name.
func named(p *nsexec.Process, name string) error {
	comm, err := os.ReadFile(procPath(p, "comm"))
	if err != nil || string(comm) != name+"\n" {
		return fmt.Errorf("its name is %q (%v)", comm, err)
	}
	return nil
}

// field is a field of a file in /proc with lines "Name: value".
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func kib(t *testing.T, value string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSuffix(value, " kB"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestReaperSizeBesideOthers prints what the init costs beside Debian's, each with one
// child that waits.
func TestReaperSizeBesideOthers(t *testing.T) {
	nstest.Root(t)
	own := func() int {
		hold, release := pipe(t)
		defer release.Close()
		p := start(t, withInit(t, unix.CLONE_NEWPID, [3]*os.File{hold, nil, nil}, execve(busybox(t), "cat")))
		eventually(t, func() error { return named(p, "init") })
		text, err := os.ReadFile(procPath(p, "smaps_rollup"))
		if err != nil {
			t.Fatal(err)
		}
		return kib(t, field(string(text), "Rss"))
	}
	t.Logf("%-30s %5d KiB", "this one", own())
	for _, argv := range [][]string{{"tini", "-s", "--"}, {"tini-static", "-s", "--"}, {"catatonit", "--"}} {
		path, err := osexec.LookPath(argv[0])
		if err != nil {
			t.Logf("%-30s not installed", argv[0])
			continue
		}
		hold, release := pipe(t)
		r, w := pipe(t)
		cmd := osexec.CommandContext(t.Context(), path, append(argv[1:], busybox(t), "sh", "-c", "echo; cat")...)
		cmd.Stdin, cmd.Stdout = hold, w
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		deadline(t, r)
		if _, err := r.Read(make([]byte, 1)); err != nil { // its child runs
			t.Fatal(err)
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		hold.Close()
		release.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		t.Logf("%-30s %5d KiB", argv[0], kib(t, field(string(text), "Rss")))
	}
}

// TestReaperExecutedAgain is about whoever executes what the init is: without the pidfd
// of a child of its own it ends.
func TestReaperExecutedAgain(t *testing.T) {
	for _, store := range stores {
		t.Run(store.String(), func(t *testing.T) {
			needsStore(t, store)
			image, err := nsexec.OpenReaper(store)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(image)
			self, err := unix.PidfdOpen(os.Getpid(), 0)
			if err != nil {
				t.Fatal(err)
			}
			stranger := os.NewFile(uintptr(self), "pidfd")
			defer stranger.Close()
			for _, stdin := range []*os.File{null(t), nil, stranger} {
				p, err := os.StartProcess(fmt.Sprintf("/proc/self/fd/%d", image), []string{"again"}, &os.ProcAttr{Files: []*os.File{stdin}})
				if err != nil {
					t.Fatal(err)
				}
				state, err := p.Wait()
				if err != nil {
					t.Fatal(err)
				}
				if state.ExitCode() != 125 {
					t.Errorf("with %v as descriptor 0: %v, want exit status 125", stdin, state)
				}
			}
		})
	}
}

func TestReaperIsAlwaysTheSame(t *testing.T) {
	file, err := nsexec.Reaper()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := nsexec.ReaperDigest()
	if err != nil || digest != fmt.Sprintf("%x", sha(file)) {
		t.Errorf("digest %s (%v), SHA-256 %x", digest, err, sha(file))
	}
	if len(file) > 1024 {
		t.Errorf("%d bytes, want at most 1024", len(file))
	}
	t.Logf("%d bytes", len(file))
}
