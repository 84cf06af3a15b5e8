package container_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestCreatedIsSmall looks at what waits: one process, how much memory it has, and what it
// holds open.
func TestCreatedIsSmall(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	for _, row := range []struct {
		about  string
		change func(*container.Spec)
		open   []string
	}{
		{"the usual container", func(*container.Spec) {}, []string{"0 ", "1 ", "2 ", "socket:", "report", "socket:"}},
		{"with an init, in a user namespace", func(s *container.Spec) { inUser(t)(s); s.Init = true }, []string{"0 ", "1 ", "2 ", "socket:", "memfd:", "report", "socket:"}},
	} {
		t.Run(row.about, func(t *testing.T) {
			before := len(children(t, os.Getpid()))
			c := create(t, with(rootFSFor(t), row.change), container.CreateOptions{})
			s, err := c.State()
			if err != nil {
				t.Fatal(err)
			}
			if n := len(children(t, os.Getpid())) - before; n != 1 || len(children(t, s.Pid)) != 0 {
				t.Errorf("it is %d processes, with %d below", n, len(children(t, s.Pid)))
			}
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", s.Pid))
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if f := strings.Fields(line); f[0] == "Rss:" || f[0] == "Pss:" {
					kib, err := strconv.Atoi(f[1])
					t.Logf("%s %d KiB", f[0], kib)
					if err != nil || kib > 64 {
						t.Errorf("resident: %s", line)
					}
				}
			}
			dir := fmt.Sprintf("/proc/%d/fd", s.Pid)
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			var open []string
			for _, e := range entries {
				to, err := os.Readlink(dir + "/" + e.Name())
				if err != nil {
					t.Fatal(err)
				}
				open = append(open, e.Name()+" "+to)
			}
			if len(open) != len(row.open) {
				t.Fatalf("it holds %q", open)
			}
			for i, part := range row.open {
				if !strings.Contains(open[i], part) {
					t.Errorf("it holds %q, want %s", open[i], part)
				}
			}
		})
	}
}
