package container_test

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestPreservedDescriptors gives a container descriptors from 3 on, with leaked ones of
// the caller's beside them, and looks at what is open inside and what it is.
func TestPreservedDescriptors(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	for range 20 { // and not O_CLOEXEC
		fd, err := unix.Open("/etc", unix.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
	}
	for _, row := range []struct {
		name   string
		count  int
		change func(*container.Spec)
	}{
		{"one", 1, nil},
		{"three, with a namespace to join", 3, func(s *container.Spec) { s.Namespaces.Add(clone.NEWIPC, "/proc/self/ns/ipc") }},
		{"sixty, in the host's pid namespace", 60, func(s *container.Spec) { s.Namespaces.Remove(clone.NEWPID) }},
		{"two, for an ordinary user", 2, func(s *container.Spec) { s.Process.User.UID = 1000 }},
	} {
		t.Run(row.name, func(t *testing.T) {
			script, open, extra := "ls /proc/$$/fd; echo and; ", []string{"0", "1", "2"}, make([]int, row.count)
			var said string
			for i := range extra {
				// Descriptors of the caller's in no order, each with a word of its own,
				// and some of them under the numbers of others inside.
				file, err := os.CreateTemp(t.TempDir(), "")
				if err != nil {
					t.Fatal(err)
				}
				defer file.Close()
				if _, err := fmt.Fprintf(file, "word %d\n", 3+i); err != nil {
					t.Fatal(err)
				}
				if _, err := file.Seek(0, io.SeekStart); err != nil {
					t.Fatal(err)
				}
				extra[len(extra)-1-i] = int(file.Fd())
				script += fmt.Sprintf("head -n 1 <&%d; ", 3+i)
				open = append(open, strconv.Itoa(3+i))
				said += fmt.Sprintf("word %d\n", 3+len(extra)-1-i)
			}
			spec := with(root, sh(script), func(s *container.Spec) { s.Process.PreserveFDs = row.count })
			if row.change != nil {
				row.change(&spec)
			}
			out := runExtra(t, spec, extra)
			slices.Sort(open) // as ls does
			if want := strings.Join(open, "\n") + "\nand\n" + said; lines(out) != lines(want) {
				t.Errorf("got\n%s\nwant\n%s", out, want)
			}
		})
	}
}

// runExtra runs a container with descriptors.
func runExtra(t *testing.T, spec container.Spec, extra []int) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := compile(t, spec).Start(container.Stdio{Out: w, Err: w, Extra: extra})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestPreservedDescriptorsRefused is what is said of those that are not there.
func TestPreservedDescriptorsRefused(t *testing.T) {
	nstest.Root(t)
	plan := compile(t, with(nstest.RootFS(t), func(s *container.Spec) { s.Process.PreserveFDs = 2 }))
	for _, row := range []struct {
		extra []int
		want  string
	}{
		{nil, "process.preserveFDs: the program has 2 descriptors behind the standard ones, and 0 are given"},
		{[]int{1, 1, 1}, "process.preserveFDs: the program has 2 descriptors behind the standard ones, and 3 are given"},
		{[]int{1, 54321}, "process.preserveFDs: descriptor 54321, for 4 in the container: bad file descriptor"},
		{[]int{-1, 1}, "process.preserveFDs: descriptor -1, for 3 in the container: bad file descriptor"},
	} {
		p, err := plan.Start(container.Stdio{Extra: row.extra})
		if err == nil {
			p.Close()
			t.Errorf("%v: it runs", row.extra)
		} else if strings.TrimSpace(err.Error()) != row.want {
			t.Errorf("got  %v\nwant %s", err, row.want)
		}
	}
}
