package container_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// soakRounds is how often something is done, or less where a test of the test asks for it.
func soakRounds(t *testing.T, all int) int {
	t.Helper()
	nstest.Soak(t)
	if n, err := strconv.Atoi(os.Getenv("NSTEST_SOAK")); err == nil && n > 1 {
		return min(all, n)
	}
	return all
}

// paired is how long something takes, in bare forks and execs: each is measured beside one
// of those, so that what else the machine does falls on both.
type paired struct{ times, bare, ratios []float64 }

func (p *paired) measure(t *testing.T, do func()) {
	t.Helper()
	took := func(do func()) float64 {
		began := time.Now()
		do()
		return time.Since(began).Seconds()
	}
	bare := took(func() {
		process, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{})
		if err != nil {
			t.Fatal(err)
		}
		if state, err := process.Wait(); err != nil || !state.Success() {
			t.Fatal(state, err)
		}
	})
	it := took(do)
	p.times, p.bare, p.ratios = append(p.times, it), append(p.bare, bare), append(p.ratios, it/bare)
}

// without is what is left of the times when others are taken off.
func (p *paired) without(others []float64) (left paired) {
	for i, other := range others {
		left.times, left.ratios = append(left.times, p.times[i]-other), append(left.ratios, (p.times[i]-other)/p.bare[i])
	}
	return left
}

// grows is how long two calls of a start take which look at all that there is of something:
// pivot_root(2) at every process, for whose root may be the one that changes, and the making of a
// sysfs at every other one, for one of the same network namespace. fs/fs_struct.c,
// chroot_fs_refs; fs/super.c, sget_fc
func grows(t *testing.T, plan *container.Plan) (seconds float64) {
	t.Helper()
	p, trace, err := plan.StartTraced(container.Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if status, err := p.Wait(); err != nil || status != 0 {
		t.Fatalf("%#x, %v", status, err)
	}
	seen := 0
	for _, e := range trace.Events {
		if call := e.Call(); strings.HasPrefix(call, "pivot_root(") || strings.HasPrefix(call, "fsconfig($sysfs, FSCONFIG_CMD_CREATE") {
			seen++
			seconds += e.Took.Seconds()
		}
	}
	if seen != 2 {
		t.Fatalf("there are %d of the two calls in the trace", seen)
	}
	return seconds
}

func middle(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// compare holds the last rounds against the first.
func (p *paired) compare(t *testing.T, about string, each int, most float64) {
	t.Helper()
	each = min(each, len(p.ratios)/2)
	first, last := p.ratios[:each], p.ratios[len(p.ratios)-each:]
	quotient := middle(last) / middle(first)
	t.Logf("%s: %d times, %.2f ms, %.2f of a bare fork and exec; the last %d take %.3f of the first", about, len(p.ratios), middle(p.times)*1e3, middle(p.ratios), each, quotient)
	if quotient > most {
		t.Errorf("%s: it becomes slower: the median of the last %d is %.3f of that of the first, want at most %.2f", about, each, quotient, most)
	}
}

// kernelCounts are what a machine may run out of: of these nothing is to be left.
func kernelCounts(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for name, dir := range map[string]string{"descriptors": "/proc/self/fd", "threads": "/proc/self/task"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		counts[name] = len(entries)
	}
	text, err := os.ReadFile(filepath.Join(hierarchy(t), "cgroup.stat"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "nr_descendants" {
			counts["cgroups"], _ = strconv.Atoi(f[1])
		}
	}
	return counts
}

// inMemory is a directory of state where it is by default: below /run, in memory. On a disk ext4
// looks for the number of an inode that nobody had in the last five seconds, and the more
// have been removed the longer that takes.
func inMemory(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(dir, "state")
}

// TestSoakLives makes, starts and destroys ten thousand containers: nothing is left, and
// the last take as long as the first.
func TestSoakLives(t *testing.T) {
	rounds := soakRounds(t, 10_000)
	nstest.Root(t)
	root := inMemory(t)
	spec := with(rootFSFor(t), inUser(t), grouped(t))
	host := probe(t)
	var p paired
	var before map[string]int
	for i := range rounds {
		p.measure(t, func() {
			c, err := container.Create(root, fmt.Sprintf("c%d", i%3), spec, container.CreateOptions{Host: &host})
			if err == nil {
				_, err = c.Run()
			}
			if err == nil {
				err = c.Destroy(false)
			}
			if err != nil {
				t.Fatalf("container %d: %v", i, err)
			}
		})
		if i == 10 {
			before = kernelCounts(t)
		}
	}
	nothingMore(t, root, before)
	p.compare(t, "create, start and delete", 1000, 1.15)
}

// nothingMore looks that nothing has come since, but a thread of Go's.
func nothingMore(t *testing.T, root string, before map[string]int) {
	t.Helper()
	for name, n := range kernelCounts(t) {
		if n > before[name] && (name != "threads" || n > before[name]+8) {
			t.Errorf("there were %d %s, and there are %d", before[name], name, n)
		}
	}
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
		t.Errorf("left in the root of state: %v (%v)", left, err)
	}
}

// TestSoakExecs executes a thousand programs in one container.
func TestSoakExecs(t *testing.T) {
	rounds := soakRounds(t, 1000)
	nstest.Root(t)
	c := create(t, with(rootFSFor(t), inUser(t), grouped(t), sh(aliveFor)), container.CreateOptions{})
	if err := c.Exec(); err != nil {
		t.Fatal(err)
	}
	cmd := shell("")
	cmd.Args = []string{"/bin/true"}
	var p paired
	var before map[string]int
	for i := range rounds {
		p.measure(t, func() {
			e, err := started(c, cmd)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			if status, err := e.Wait(); status != 0 || err != nil {
				t.Fatalf("program %d: %#x, %v", i, int(status), err)
			}
		})
		if i == 10 {
			before = kernelCounts(t)
		}
	}
	for name, n := range kernelCounts(t) {
		if n > before[name] && (name != "threads" || n > before[name]+8) {
			t.Errorf("there were %d %s, and there are %d", before[name], name, n)
		}
	}
	if pids, err := c.Processes(); len(pids) != 1 || err != nil {
		t.Errorf("processes %v are in the container (%v)", pids, err)
	}
	p.compare(t, "exec", 200, 1.15)
}

// TestSoakMany has a thousand containers live at once. The last is made as fast as the
// tenth, each has a few pages of memory, and all are listed at once.
func TestSoakMany(t *testing.T) {
	many := soakRounds(t, 1000)
	nstest.Root(t)
	root := inMemory(t)
	spec := with(rootFSFor(t))
	host := probe(t)
	var all []*container.Container
	t.Cleanup(func() {
		var p paired
		for _, c := range slices.Backward(all) { // the first has made the group above all
			p.measure(t, func() {
				if err := c.Destroy(true); err != nil {
					t.Error(err)
				}
			})
		}
		p.compare(t, "delete", 50, 10) // the fewer there are, the faster
		if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
			t.Errorf("left in the root of state: %v (%v)", left, err)
		}
	})
	var p paired
	var kernel []float64
	plan := compile(t, with(rootFSFor(t), sh("exit 0")))
	for i := range many {
		kernel = append(kernel, grows(t, plan))
		spec.Cgroup = &container.Cgroup{Path: fmt.Sprintf("/selfcontain-test-%d/c%d", os.Getpid(), i)}
		p.measure(t, func() {
			c, err := container.Create(root, fmt.Sprintf("c%d", i), spec, container.CreateOptions{Host: &host})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		})
	}
	p.compare(t, "create", 50, 1.5) // what is the kernel's grows with the processes of the machine
	ours := p.without(kernel)
	ours.compare(t, "create but for two calls", 50, 1.2)
	ends := min(50, many/2)
	t.Logf("these take %.2f ms at first and %.2f in the end", middle(kernel[:ends])*1e3, middle(kernel[many-ends:])*1e3)

	var pids []int
	took := time.Hour
	for range 5 { // the machine has other work, of which the time on a processor does not tell
		began := processorTime(t)
		list, err := container.List(root)
		if err != nil || len(list) != many {
			t.Fatalf("%d are listed, want %d (%v)", len(list), many, err)
		}
		pids = nil
		for _, c := range list {
			s, err := c.State()
			if err != nil || s.Status != container.Created {
				t.Fatalf("%s is %s (%v)", c.ID(), s.Status, err)
			}
			pids = append(pids, s.Pid)
		}
		took = min(took, processorTime(t)-began)
	}
	t.Logf("%d are listed in %v of a processor", many, took.Round(time.Millisecond))
	if took > 200*time.Millisecond {
		t.Errorf("%d are listed in %v of a processor, want 200 ms", many, took)
	}
	most, pages := 0, 0
	for _, pid := range pids {
		kib := residentKiB(t, pid)
		most, pages = max(most, kib), pages+kib
	}
	t.Logf("each has %d KiB resident on average, and %d at most", pages/many, most)
	if most > 64 {
		t.Errorf("one has %d KiB resident, want 64 at most", most)
	}
}

// processorTime is what this process has used. getrusage(2)
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// residentKiB is the resident memory of a process. smaps_rollup, proc_pid_smaps(5)
func residentKiB(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "Rss:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib
}
