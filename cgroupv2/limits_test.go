package cgroupv2

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// guestEnv is set in a guest of the test bed, where all controllers are version 2's.
const guestEnv = "NSTEST_GUEST"

// limited makes a group that can be limited, where this machine is the tests' own.
// Elsewhere the controllers would have to be enabled in groups that others made.
func limited(t *testing.T, controllers ...string) (*Hierarchy, *Group) {
	t.Helper()
	h, g := newGroup(t)
	if os.Getenv(guestEnv) == "" {
		t.Skipf("skipped: to enable %v in the groups of others is for a guest of the test bed", controllers)
	}
	root, err := h.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	has, err := root.Controllers()
	if err != nil {
		t.Fatal(err)
	}
	if missing := without(controllers, has); len(missing) != 0 {
		t.Fatalf("this kernel has no controller %v", missing)
	}
	return h, g
}

// set sets resources, and fails the test if that fails.
func set(t *testing.T, g *Group, r Resources) {
	t.Helper()
	if err := trySet(g, r); err != nil {
		t.Fatal(err)
	}
}

func trySet(g *Group, r Resources) error {
	files, err := r.Files()
	if err != nil {
		return err
	}
	return g.Set(files)
}

// nullDisk is a disk that forgets, of the module null_blk.
func nullDisk(t *testing.T) (path string, major, minor int64) {
	t.Helper()
	const name = "nullb0"
	text, err := os.ReadFile("/sys/block/" + name + "/dev")
	if err != nil {
		t.Fatal(err)
	}
	d, err := parseDevice(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	path = t.TempDir() + "/" + name
	if err := unix.Mknod(path, unix.S_IFBLK|0o600, int(unix.Mkdev(d.Major, d.Minor))); err != nil {
		t.Fatal(err)
	}
	return path, int64(d.Major), int64(d.Minor)
}

// TestEveryRowIsReadBack sets each row of linux.resources and reads the kernel's file.
func TestEveryRowIsReadBack(t *testing.T) {
	h, g := limited(t, "memory", "cpu", "cpuset", "pids", "io", "hugetlb", "rdma")
	_, major, minor := nullDisk(t)
	disk := fmt.Sprintf("%d:%d", major, minor)
	throttle := func(rate uint64) []Throttle { return []Throttle{{major, minor, rate}} }
	rows := []struct {
		about string
		r     Resources
		want  map[string]string
	}{
		{"memory", Resources{Memory: Memory{Limit: 64 << 20, Reservation: 32 << 20, Swap: 80 << 20, CheckBeforeUpdate: true}},
			map[string]string{"memory.max": "67108864", "memory.low": "33554432", "memory.swap.max": "16777216"}},
		{"no swap", Resources{Memory: Memory{Limit: 64 << 20, Swap: 64 << 20}}, map[string]string{"memory.swap.max": "0"}},
		{"memory without limits", Resources{Memory: Memory{Limit: -1, Reservation: -1, Swap: -1}},
			map[string]string{"memory.max": "max", "memory.low": "max", "memory.swap.max": "max"}},
		{"cpu.shares", Resources{CPU: CPU{Shares: 2048}}, map[string]string{"cpu.weight": "174"}},
		{"cpu.quota, period and burst", Resources{CPU: CPU{Quota: 20000, Period: 50000, Burst: ptr(uint64(10000))}},
			map[string]string{"cpu.max": "20000 50000", "cpu.max.burst": "10000"}},
		{"a quota below the burst that was", Resources{CPU: CPU{Quota: 5000, Burst: ptr(uint64(2000))}},
			map[string]string{"cpu.max": "5000 50000", "cpu.max.burst": "2000"}},
		{"cpu.quota -1", Resources{CPU: CPU{Quota: -1, Period: 100000}}, map[string]string{"cpu.max": "max 100000"}},
		{"cpu.idle with shares", Resources{CPU: CPU{Idle: ptr(int64(1)), Shares: 512}}, map[string]string{"cpu.idle": "1"}},
		{"cpu.idle once more, with shares", Resources{CPU: CPU{Idle: ptr(int64(1)), Shares: 512}}, map[string]string{"cpu.idle": "1"}},
		{"not idle", Resources{CPU: CPU{Idle: ptr(int64(0)), Shares: 512}}, map[string]string{"cpu.idle": "0", "cpu.weight": "59"}},
		{"cpu.cpus and mems", Resources{CPU: CPU{Cpus: "0", Mems: "0"}}, map[string]string{"cpuset.cpus": "0", "cpuset.mems": "0"}},
		{"pids", Resources{Pids: ptr(int64(7))}, map[string]string{"pids.max": "7"}},
		{"pids 0", Resources{Pids: ptr(int64(0))}, map[string]string{"pids.max": "0"}},
		{"pids -1", Resources{Pids: ptr(int64(-1))}, map[string]string{"pids.max": "max"}},
		{"blockIO throttles", Resources{BlockIO: BlockIO{ReadBps: throttle(1 << 20), WriteBps: throttle(2 << 20), ReadIOPS: throttle(30), WriteIOPS: throttle(40)}},
			map[string]string{"io.max": disk + " rbps=1048576 wbps=2097152 riops=30 wiops=40"}},
		{"blockIO throttles taken away", Resources{BlockIO: BlockIO{ReadBps: throttle(0), WriteBps: throttle(0), ReadIOPS: throttle(0)}},
			map[string]string{"io.max": disk + " rbps=max wbps=max riops=max wiops=40"}},
		{"hugepageLimits", Resources{Hugepages: []Hugepages{{"2MB", 2 << 20}}},
			map[string]string{"hugetlb.2MB.max": "2097152", "hugetlb.2MB.rsvd.max": "2097152"}},
		{"unified", Resources{Unified: map[string]string{"memory.high": "50331648", "cgroup.max.descendants": "5", "memory.oom.group": "1"}},
			map[string]string{"memory.high": "50331648", "cgroup.max.descendants": "5", "memory.oom.group": "1"}},
	}
	s := sub(t, h, g, "rows")
	for _, r := range rows {
		if err := trySet(s, r.r); err != nil {
			t.Errorf("%s: %v", r.about, err)
			continue
		}
		for name, want := range r.want {
			if got, err := s.read(name); strings.TrimSpace(got) != want || err != nil {
				t.Errorf("%s: %s is %q, %v, want %q", r.about, name, got, err, want)
			}
		}
	}

	weights := Resources{BlockIO: BlockIO{Weight: 500, WeightDevices: []WeightDevice{{major, minor, 100, 0}}}}
	if err := trySet(s, weights); !errors.Is(err, unix.EOPNOTSUPP) || !strings.Contains(err.Error(), "write bfq to /sys/block/DISK/queue/scheduler") {
		t.Errorf("the weight of a disk without a scheduler: %v", err)
	}
	const scheduler = "/sys/block/nullb0/queue/scheduler"
	if err := os.WriteFile(scheduler, []byte("bfq"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(scheduler, []byte("none"), 0)
	set(t, s, weights)
	if got, err := s.read("io.bfq.weight"); err != nil || got != "default 500\n"+disk+" 100\n" {
		t.Errorf("io.bfq.weight is %q, %v", got, err)
	}
}

// TestWeightWithoutBFQ is about the other file for the weight of disks.
func TestWeightWithoutBFQ(t *testing.T) {
	_, g := limited(t, "io")
	files, err := (&Resources{BlockIO: BlockIO{Weight: 500}}).Files()
	if err != nil {
		t.Fatal(err)
	}
	files[0].Name = "io.no-such-scheduler.weight"
	if err := g.Set(files); err != nil {
		t.Fatal(err)
	}
	if got, err := g.read("io.weight"); !strings.Contains(got, "default 4950") || err != nil {
		t.Errorf("io.weight is %q, %v", got, err)
	}
}

// TestOnlyWhatIsAskedFor enables the controllers that a limit needs, and no other.
func TestOnlyWhatIsAskedFor(t *testing.T) {
	h, g := limited(t, "pids", "memory")
	s := sub(t, h, g, "a/b")
	set(t, s, Resources{Pids: ptr(int64(9))})
	for _, p := range []string{g.Path(), g.Path() + "/a"} {
		o, err := h.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		text, err := o.read("cgroup.subtree_control")
		if strings.TrimSpace(text) != "pids" || err != nil {
			t.Errorf("%s has %q enabled, %v, want pids", p, text, err)
		}
		o.Close()
	}
	if has, err := s.Controllers(); !slices.Equal(has, []string{"pids"}) || err != nil {
		t.Errorf("the group has %v, %v, want pids", has, err)
	}
}

// TestWhatCannotBeSet is what a user reads.
func TestWhatCannotBeSet(t *testing.T) {
	h, g := limited(t, "memory", "cpu", "cpuset", "io", "rdma")
	busy := sub(t, h, g, "busy")
	a := begin(t, busy, "wait", "")
	a.line(t)
	inner := sub(t, h, busy, "inner")
	free := sub(t, h, g, "free")
	rows := []struct {
		about string
		in    *Group
		r     Resources
		is    error
		want  string
	}{
		{"below a group with processes", inner, Resources{Pids: ptr(int64(3))}, unix.EBUSY,
			fmt.Sprintf(`cgroup %s: cgroup.subtree_control = "+pids": device or resource busy: the group has processes of its own (pid %d)`, busy.Path(), a.Process.Pid)},
		{"a controller that is none", free, Resources{Unified: map[string]string{"none.max": "1"}}, ErrNoController,
			`linux.resources.unified["none.max"]: cgroup /: no controller none: `},
		{"a file that is none", free, Resources{Unified: map[string]string{"memory.none": "1"}}, unix.ENOENT,
			`linux.resources.unified["memory.none"]: cgroup ` + free.Path() + `: memory.none: no such file or directory: this kernel has no such file`},
		{"a disk that is none", free, Resources{BlockIO: BlockIO{ReadBps: []Throttle{{4095, 1, 1}}}}, unix.ENODEV,
			`linux.resources.blockIO.throttleReadBpsDevice[0]: cgroup ` + free.Path() + `: io.max = "4095:1 rbps=1": no such device: there is no such disk`},
		{"an RDMA device that is none", free, Resources{RDMA: map[string]RDMA{"none": {HCAHandles: ptr(uint32(1))}}}, unix.ENODEV, "there is no such device"},
		{"processors that this machine has not", free, Resources{CPU: CPU{Cpus: "1000"}}, nil, "this machine has fewer"},
		{"a quota that is too small", free, Resources{CPU: CPU{Quota: 10}}, unix.EINVAL, "a quota of 1000 microseconds or more"},
	}
	for _, r := range rows {
		err := trySet(r.in, r.r)
		if err == nil || r.is != nil && !errors.Is(err, r.is) || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: %v, want %v: %s", r.about, err, r.is, r.want)
		}
	}
}

// TestRollback sets limits of which the last one is refused.
func TestRollback(t *testing.T) {
	h, g := limited(t, "memory", "cpu", "io", "pids")
	s := sub(t, h, g, "s")
	_, major, minor := nullDisk(t)
	bps := func(rate uint64) BlockIO { return BlockIO{WriteBps: []Throttle{{major, minor, rate}}} }
	set(t, s, Resources{
		Memory: Memory{Limit: 64 << 20}, Pids: ptr(int64(9)), BlockIO: bps(1 << 20),
		CPU: CPU{Quota: 50000, Burst: ptr(uint64(40000))},
	})
	names := []string{"memory.max", "memory.low", "cpu.max", "cpu.max.burst", "cpu.weight", "pids.max", "io.max"}
	read := func() (text []string) {
		for _, n := range names {
			v, err := s.read(n)
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, n+" "+v)
		}
		return text
	}
	before := read()
	err := trySet(s, Resources{
		Memory: Memory{Limit: 32 << 20, Reservation: 1 << 20}, Pids: ptr(int64(3)), BlockIO: bps(2 << 20),
		CPU:     CPU{Quota: 10000, Burst: ptr(uint64(5000)), Shares: 2},
		Unified: map[string]string{"pids.max": "many"},
	})
	if err == nil || !errors.Is(err, unix.EINVAL) || strings.Contains(err.Error(), "not set back") {
		t.Errorf("many processes: %v", err)
	}
	if after := read(); !slices.Equal(before, after) {
		t.Errorf("after a failure they are %q, want as before %q", after, before)
	}
}

// TestRollbackOfWhatTheKernelTies is about files of which the kernel changes another, or does not
// take back what was there.
func TestRollbackOfWhatTheKernelTies(t *testing.T) {
	h, g := limited(t, "cpu", "cpuset", "pids")
	refused := map[string]string{"pids.max": "many"}
	is := func(s *Group, about, name, want string) {
		t.Helper()
		if got, err := s.read(name); strings.TrimSpace(got) != want || err != nil {
			t.Errorf("%s: %s is %q, %v, want %q", about, name, got, err, want)
		}
	}
	s := sub(t, h, g, "weight")
	set(t, s, Resources{CPU: CPU{Shares: 512}, Pids: ptr(int64(9))})
	for _, c := range []CPU{{Idle: ptr(int64(1))}, {Idle: ptr(int64(1)), Shares: 2048}} {
		if err := trySet(s, Resources{CPU: c, Unified: refused}); !errors.Is(err, unix.EINVAL) || strings.Contains(err.Error(), "not set back") {
			t.Errorf("many processes: %v", err)
		}
		is(s, "not idle again", "cpu.idle", "0")
		is(s, "not idle again", "cpu.weight", "59")
	}
	set(t, s, Resources{CPU: CPU{Idle: ptr(int64(1))}})
	if err := trySet(s, Resources{CPU: CPU{Idle: ptr(int64(0)), Shares: 2048}, Unified: refused}); !errors.Is(err, unix.EINVAL) || strings.Contains(err.Error(), "not set back") {
		t.Errorf("many processes: %v", err)
	}
	is(s, "idle again", "cpu.idle", "1")

	s = sub(t, h, g, "set")
	set(t, s, Resources{Pids: ptr(int64(9))})
	if err := s.Enable("cpuset"); err != nil {
		t.Fatal(err)
	}
	effective, err := s.read("cpuset.cpus.effective")
	if err != nil {
		t.Fatal(err)
	}
	first := Resources{CPU: CPU{Cpus: "0", Mems: "0"}, Unified: refused}
	if err := trySet(s, first); !errors.Is(err, unix.EINVAL) || strings.Contains(err.Error(), "not set back") {
		t.Errorf("without a process: %v", err)
	}
	is(s, "without a process", "cpuset.cpus", "")
	begin(t, s, "wait", "").line(t)
	if err := trySet(s, first); !errors.Is(err, unix.EINVAL) || strings.Contains(err.Error(), "not set back") {
		t.Errorf("with a process: %v", err)
	}
	is(s, "with a process", "cpuset.cpus.effective", strings.TrimSpace(effective))
	is(s, "with a process", "cpuset.mems.effective", "0")
}

// TestChangesStartFromTheFiles writes what was asked for, and takes nothing back that somebody else has set.
func TestChangesStartFromTheFiles(t *testing.T) {
	h, g := limited(t, "memory", "cpu")
	const mib = 1 << 20
	record := Resources{
		Memory: Memory{Limit: 64*mib + 1, Swap: 96*mib + 1},
		CPU:    CPU{Shares: 512, Quota: 5000, Period: 20000},
	}
	for _, row := range []struct {
		about  string
		others []string // name, value
		r      Resources
		want   []string
	}{
		{"nobody has", nil, Resources{Memory: Memory{Limit: 32 * mib}}, []string{"memory.max = 33554432", "memory.swap.max = 67108865"}},
		{"nobody has, and rounded is not changed", nil, Resources{Memory: Memory{Limit: 96*mib + 1}}, []string{"memory.max = 100663297", "memory.swap.max = 0"}},
		{"the memory", []string{"memory.max", "50331648"}, Resources{Memory: Memory{Swap: 64 * mib}}, []string{"memory.swap.max = 16777216"}},
		{"the memory and the swap", []string{"memory.max", "50331648", "memory.swap.max", "16777216"}, Resources{Memory: Memory{Limit: 32 * mib}},
			[]string{"memory.max = 33554432", "memory.swap.max = 33554432"}},
		{"any swap", []string{"memory.swap.max", "max"}, Resources{Memory: Memory{Limit: 32 * mib}}, []string{"memory.max = 33554432"}},
		{"any memory", []string{"memory.max", "max"}, Resources{Memory: Memory{Limit: 32 * mib}}, []string{"memory.max = 33554432"}},
		{"any memory, of which there is no sum", []string{"memory.max", "max"}, Resources{Memory: Memory{Swap: 64 * mib}}, nil},
		{"the quota", []string{"cpu.max", "7000 20000"}, Resources{CPU: CPU{Period: 50000}}, []string{"cpu.max = 7000 50000"}},
		{"any quota", []string{"cpu.max", "max"}, Resources{CPU: CPU{Period: 50000}}, []string{"cpu.max = max 50000"}},
		{"idle", []string{"cpu.idle", "1"}, Resources{CPU: CPU{Shares: 1024}}, []string{"cpu.idle = 0", "cpu.weight = 100", "cpu.idle = 1"}},
	} {
		s := sub(t, h, g, "s")
		set(t, s, record)
		for i := 0; i < len(row.others); i += 2 {
			if err := s.write(row.others[i], row.others[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		now, err := s.Now(record)
		if err != nil {
			t.Fatal(err)
		}
		files, err := row.r.Changes(now)
		var got []string
		for _, f := range files {
			got = append(got, f.String())
		}
		if (err == nil) != (row.want != nil) || row.want != nil && !slices.Equal(got, row.want) {
			t.Errorf("somebody else has set: %s: %q (%v), want %q", row.about, got, err, row.want)
		}
		if err := s.RemoveEmpty(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMemoryIsFelt(t *testing.T) {
	_, g := limited(t, "memory")
	set(t, g, Resources{Memory: Memory{Limit: 64 << 20, Swap: 64 << 20}})
	w, err := g.WatchMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if e, err := w.Next(t.Context()); e.OOMKill != 0 || err != nil {
		t.Errorf("before: %+v, %v", e, err)
	}
	a := begin(t, g, "grow", "")
	var e MemoryEvents
	for e.OOMKill == 0 {
		if e, err = w.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.end(t); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("a process that takes memory ends with %v", err)
	}
	s, err := g.Stats()
	if err != nil || s.Memory == nil || s.Memory.Events.OOMKill == 0 || s.Memory.Max != 64<<20 || s.Memory.Stat["anon"] > 64<<20 {
		t.Errorf("the statistics: %+v, %v", s.Memory, err)
	}
	// A limit below what is used.
	b := begin(t, g, "wait", "")
	b.line(t)
	err = trySet(g, Resources{Memory: Memory{Limit: 4096, CheckBeforeUpdate: true}})
	if err == nil || !strings.Contains(err.Error(), "linux.resources.memory.limit: cgroup "+g.Path()+": memory.current is ") {
		t.Errorf("with checkBeforeUpdate: %v", err)
	}
	if _, err := b.end(t); err != nil {
		t.Errorf("it does not live on: %v", err)
	}
	if s, err := g.Stats(); err != nil || s.Memory.Max != 64<<20 {
		t.Errorf("the limit is %d, %v", s.Memory.Max, err)
	}
}

func TestPidsAreFelt(t *testing.T) {
	_, g := limited(t, "pids")
	set(t, g, Resources{Pids: ptr(int64(40))})
	a := begin(t, g, "fork", "")
	line := a.line(t)
	n, err := strconv.Atoi(strings.SplitN(line, ",", 2)[0])
	if err != nil || n == 0 || n >= 40 || !strings.Contains(line, "resource temporarily unavailable") {
		t.Errorf("a fork bomb: %q", line)
	}
	if s, err := g.Stats(); err != nil || s.Pids == nil || s.Pids.Current > 40 || s.Pids.Refused == 0 || s.Pids.Max != 40 {
		t.Errorf("the statistics: %+v, %v", s.Pids, err)
	}
	if pids, err := g.Processes(); err != nil || len(pids) != n+1 {
		t.Errorf("%d processes, %v, want %d", len(pids), err, n+1)
	}
}

func TestProcessorIsFelt(t *testing.T) {
	_, g := limited(t, "cpu", "cpuset")
	set(t, g, Resources{CPU: CPU{Quota: 10000, Period: 20000, Cpus: "0"}})
	a := begin(t, g, "spin", "")
	a.line(t)
	for {
		s, err := g.Stats()
		if err != nil {
			t.Fatal(err)
		}
		if s.CPU.Throttled >= 10 {
			// Half of each period, and a slice of 5 ms more, at which the kernel hands it out.
			if most := float64(s.CPU.Periods+2) * (10 + 5) * 1e6; float64(s.CPU.Usage) > most {
				t.Errorf("in %d periods it ran %v, more than %v", s.CPU.Periods, s.CPU.Usage, most)
			}
			break
		}
		busyFor(1e6)
	}
	if got, err := begin(t, g, "affinity", "").end(t); got != "0 \n" || err != nil {
		t.Errorf("it may run on %q, %v, want 0", got, err)
	}
}

func TestDiskIsFelt(t *testing.T) {
	_, g := limited(t, "io")
	disk, major, minor := nullDisk(t)
	const size = 2 << 20
	writes := func() int {
		t.Helper()
		text, err := begin(t, g, "write", fmt.Sprint(disk, " ", size)).end(t)
		if err != nil {
			t.Fatal(err)
		}
		ms, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			t.Fatal(err)
		}
		return ms
	}
	set(t, g, Resources{BlockIO: BlockIO{WriteBps: []Throttle{{major, minor, 1 << 20}}}})
	if ms := writes(); ms < 1500 {
		t.Errorf("2 MiB at 1 MiB a second took %d ms", ms)
	}
	set(t, g, Resources{BlockIO: BlockIO{WriteBps: []Throttle{{major, minor, 0}}}})
	if ms := writes(); ms > 1500 {
		t.Errorf("without a limit 2 MiB took %d ms", ms)
	}
	s, err := g.Stats()
	if got := s.IO[DeviceID{uint32(major), uint32(minor)}]; got.WriteBytes != 2*size || got.Writes == 0 || err != nil {
		t.Errorf("the statistics: %+v, %v", got, err)
	}
}

func TestHugepagesAreFelt(t *testing.T) {
	_, g := limited(t, "hugetlb")
	const pool = "/proc/sys/vm/nr_hugepages"
	if err := os.WriteFile(pool, []byte("4"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(pool, []byte("0"), 0)
	set(t, g, Resources{Hugepages: []Hugepages{{"2MB", 2 << 20}}})
	if got, err := begin(t, g, "hugepages", "").end(t); got != "1: <nil>\n2: cannot allocate memory\n" || err != nil {
		t.Errorf("pages of 2 MiB: %q, %v", got, err)
	}
	if s, err := g.Stats(); err != nil || s.Hugepages["2MB"].Max != 2<<20 {
		t.Errorf("the statistics: %+v, %v", s.Hugepages, err)
	}
}

// TestEvacuateTheRoot enables controllers, and moves nothing.
func TestEvacuateTheRoot(t *testing.T) {
	h, _ := limited(t)
	root, err := h.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	before, err := processes(root.fd)
	if err != nil {
		t.Fatal(err)
	}
	if err := root.Evacuate(t.Context(), "leaf"); err != nil {
		t.Fatal(err)
	}
	if after, err := processes(root.fd); err != nil || len(after) < len(before)/2 {
		t.Errorf("%d processes were in the root, and %d are, %v", len(before), len(after), err)
	}
	if _, err := h.Open("/leaf"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("there is a leaf: %v", err)
	}
	enabledBelow(t, root)
}
