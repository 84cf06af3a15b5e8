package cgroupv2

import (
	"fmt"
	"strings"
	"testing"
)

func ptr[T any](v T) *T { return &v }

// TestFiles is every row of linux.resources: what is written for it, or what a user
// is told. "[x]" is the controller, "?" a file that may be missing.
func TestFiles(t *testing.T) {
	rows := []struct {
		about string
		r     Resources
		want  string // lines, or after ! a part of the error
	}{
		{"nothing touches no controller", Resources{}, ""},
		{"zeros that engines send for unset", Resources{
			CPU:     CPU{Shares: 0, Quota: 0, Period: 0, RealtimeRuntime: 0},
			BlockIO: BlockIO{Weight: 0, WeightDevices: []WeightDevice{}, LeafWeight: 0},
			Memory:  Memory{Limit: 0, Swap: 0, Kernel: 0, DisableOOMKiller: false, Swappiness: ptr(uint64(1<<64 - 1))},
			Network: Network{ClassID: 0, Priorities: map[string]uint32{}},
			Unified: map[string]string{}, RDMA: map[string]RDMA{},
		}, ""},

		{"memory.limit", Resources{Memory: Memory{Limit: 64 << 20}}, "[memory] memory.max = 67108864"},
		{"memory.limit -1 takes swap's away too", Resources{Memory: Memory{Limit: -1}}, "[memory] memory.max = max?\n[memory] memory.swap.max = max?"},
		{"memory.limit below -1", Resources{Memory: Memory{Limit: -2}}, "!linux.resources.memory.limit: -2 is below 0"},
		{"memory.reservation", Resources{Memory: Memory{Reservation: 4096}}, "[memory] memory.low = 4096"},
		{"memory.reservation -1", Resources{Memory: Memory{Reservation: -1}}, "[memory] memory.low = max?"},
		{"memory.swap is the sum", Resources{Memory: Memory{Limit: 1000, Swap: 1500}}, "[memory] memory.max = 1000\n[memory] memory.swap.max = 500"},
		{"memory.swap equal to the limit is no swap", Resources{Memory: Memory{Limit: 1000, Swap: 1000}}, "[memory] memory.max = 1000\n[memory] memory.swap.max = 0?"},
		{"memory.swap -1", Resources{Memory: Memory{Limit: 1000, Swap: -1}}, "[memory] memory.max = 1000\n[memory] memory.swap.max = max?"},
		{"memory.swap -1 alone", Resources{Memory: Memory{Swap: -1}}, "[memory] memory.swap.max = max?"},
		{"memory.swap with unlimited memory is as it is", Resources{Memory: Memory{Limit: -1, Swap: 500}}, "[memory] memory.max = max?\n[memory] memory.swap.max = 500"},
		{"memory.swap without a limit", Resources{Memory: Memory{Swap: 1500}}, "!linux.resources.memory.swap: it is memory and swap together, and memory.limit is not set"},
		{"memory.swap below the limit", Resources{Memory: Memory{Limit: 1000, Swap: 999}}, "!linux.resources.memory.swap: 999 is below memory.limit 1000"},
		{"memory.swap below -1", Resources{Memory: Memory{Limit: 1000, Swap: -3}}, "!linux.resources.memory.swap: -3 is below 0"},
		{"memory.kernel", Resources{Memory: Memory{Kernel: 1}}, "!linux.resources.memory.kernel: cgroup v2"},
		{"memory.kernelTCP", Resources{Memory: Memory{KernelTCP: 1}}, "!linux.resources.memory.kernelTCP: cgroup v2"},
		{"memory.kernel -1 is no limit", Resources{Memory: Memory{Kernel: -1, KernelTCP: -1}}, ""},
		{"memory.swappiness", Resources{Memory: Memory{Swappiness: ptr(uint64(0))}}, "!linux.resources.memory.swappiness: cgroup v2"},
		{"memory.disableOOMKiller", Resources{Memory: Memory{DisableOOMKiller: true}}, "!linux.resources.memory.disableOOMKiller: cgroup v2"},
		{"memory.useHierarchy is how it is", Resources{Memory: Memory{UseHierarchy: true}}, ""},
		{"memory.checkBeforeUpdate", Resources{Memory: Memory{Limit: 9, CheckBeforeUpdate: true}}, "[memory] memory.max = 9 if memory.current is not above"},
		{"memory.checkBeforeUpdate without a limit", Resources{Memory: Memory{Limit: -1, CheckBeforeUpdate: true}}, "[memory] memory.max = max?\n[memory] memory.swap.max = max?"},

		{"cpu.shares", Resources{CPU: CPU{Shares: 1024}}, "[cpu] cpu.weight = 100"},
		{"cpu.quota", Resources{CPU: CPU{Quota: 50000}}, "[cpu] cpu.max = 50000"},
		{"cpu.quota and period", Resources{CPU: CPU{Quota: 50000, Period: 200000}}, "[cpu] cpu.max = 50000 200000"},
		{"cpu.period alone", Resources{CPU: CPU{Period: 200000}}, "[cpu] cpu.max = max 200000"},
		{"cpu.quota -1", Resources{CPU: CPU{Quota: -1}}, "[cpu] cpu.max = max"},
		{"cpu.quota below -1", Resources{CPU: CPU{Quota: -5}}, "!linux.resources.cpu.quota: -5 is below 0"},
		{"cpu.period too short", Resources{CPU: CPU{Period: 999}}, "!linux.resources.cpu.period: 999: want 1000 to 1000000"},
		{"cpu.burst", Resources{CPU: CPU{Burst: ptr(uint64(1000))}}, "[cpu] cpu.max.burst = 1000"},
		{"cpu.burst 0", Resources{CPU: CPU{Burst: ptr(uint64(0))}}, "[cpu] cpu.max.burst = 0"},
		{"cpu.burst is out of the way of a new quota", Resources{CPU: CPU{Quota: 5000, Burst: ptr(uint64(1000))}}, "[cpu] cpu.max.burst = 0\n[cpu] cpu.max = 5000\n[cpu] cpu.max.burst = 1000"},
		{"cpu.idle", Resources{CPU: CPU{Idle: ptr(int64(1))}}, "[cpu] cpu.idle = 1"},
		{"cpu.idle 0 before the weight", Resources{CPU: CPU{Idle: ptr(int64(0)), Shares: 2}}, "[cpu] cpu.idle = 0\n[cpu] cpu.weight = 1"},
		{"cpu.idle 1 after the weight", Resources{CPU: CPU{Idle: ptr(int64(1)), Shares: 2}}, "[cpu] cpu.idle = 0\n[cpu] cpu.weight = 1\n[cpu] cpu.idle = 1"},
		{"cpu.idle 2", Resources{CPU: CPU{Idle: ptr(int64(2))}}, "!linux.resources.cpu.idle: 2: want 0 to 1"},
		{"cpu.realtimeRuntime", Resources{CPU: CPU{RealtimeRuntime: 1}}, "!linux.resources.cpu.realtimeRuntime: cgroup v2"},
		{"cpu.realtimePeriod", Resources{CPU: CPU{RealtimePeriod: 1}}, "!linux.resources.cpu.realtimePeriod: cgroup v2"},
		{"cpu.cpus and mems", Resources{CPU: CPU{Cpus: "0-1,3", Mems: "0"}}, "[cpuset] cpuset.cpus = 0-1,3\n[cpuset] cpuset.mems = 0"},
		{"cpu.cpus as they stand in a file", Resources{CPU: CPU{Cpus: " 0 ", Mems: "0\n"}}, "[cpuset] cpuset.cpus = 0\n[cpuset] cpuset.mems = 0"},
		{"cpu.cpus with nothing in them", Resources{CPU: CPU{Cpus: " "}}, `!linux.resources.cpu.cpus: " " is no list`},
		{"cpu.cpus with a second line", Resources{CPU: CPU{Cpus: "0\n1"}}, `!linux.resources.cpu.cpus: "0\n1" is no list`},

		{"pids absent", Resources{Pids: nil}, ""},
		{"pids", Resources{Pids: ptr(int64(42))}, "[pids] pids.max = 42"},
		{"pids 0 is none", Resources{Pids: ptr(int64(0))}, "[pids] pids.max = 0"},
		{"pids -1", Resources{Pids: ptr(int64(-1))}, "[pids] pids.max = max?"},
		{"pids -2", Resources{Pids: ptr(int64(-2))}, "!linux.resources.pids.limit: -2 is below 0"},

		{"blockIO.weight", Resources{BlockIO: BlockIO{Weight: 10}}, "[io] io.bfq.weight = default 10 or [io] io.weight = default 1"},
		{"blockIO.weight at the other end", Resources{BlockIO: BlockIO{Weight: 1000}}, "[io] io.bfq.weight = default 1000 or [io] io.weight = default 10000"},
		{"blockIO.weight too small", Resources{BlockIO: BlockIO{Weight: 9}}, "!linux.resources.blockIO.weight: 9: want 10 to 1000"},
		{"blockIO.weightDevice", Resources{BlockIO: BlockIO{WeightDevices: []WeightDevice{{8, 16, 500, 0}}}}, "[io] io.bfq.weight = 8:16 500 or [io] io.weight = 8:16 4950"},
		{"blockIO.weightDevice of no device", Resources{BlockIO: BlockIO{WeightDevices: []WeightDevice{{-1, 0, 500, 0}}}}, "!linux.resources.blockIO.weightDevice[0].major: -1: want 0 to 4095"},
		{"blockIO.leafWeight", Resources{BlockIO: BlockIO{LeafWeight: 10}}, "!linux.resources.blockIO.leafWeight: cgroup v2"},
		{"blockIO.weightDevice.leafWeight", Resources{BlockIO: BlockIO{WeightDevices: []WeightDevice{{8, 0, 10, 10}}}}, "!linux.resources.blockIO.weightDevice[0].leafWeight: cgroup v2"},
		{"blockIO.throttle", Resources{BlockIO: BlockIO{
			ReadBps: []Throttle{{8, 0, 1}}, WriteBps: []Throttle{{8, 0, 2}, {8, 16, 0}},
			ReadIOPS: []Throttle{{8, 0, 3}}, WriteIOPS: []Throttle{{8, 0, 4}},
		}}, "[io] io.max = 8:0 rbps=1\n[io] io.max = 8:0 wbps=2\n[io] io.max = 8:16 wbps=max\n[io] io.max = 8:0 riops=3\n[io] io.max = 8:0 wiops=4"},

		{"hugepageLimits", Resources{Hugepages: []Hugepages{{"2MB", 4 << 20}}}, "[hugetlb] hugetlb.2MB.max = 4194304\n[hugetlb] hugetlb.2MB.rsvd.max = 4194304?"},
		{"hugepageLimits of no size", Resources{Hugepages: []Hugepages{{"../x", 0}}}, `!linux.resources.hugepageLimits[0].pageSize: "../x" is no size`},
		{"hugepageLimits of no unit", Resources{Hugepages: []Hugepages{{"2", 0}}}, `!"2" is no size`},
		{"rdma", Resources{RDMA: map[string]RDMA{"mlx4_0": {HCAHandles: ptr(uint32(3)), HCAObjects: ptr(uint32(4))}, "b": {}}}, "[rdma] rdma.max = mlx4_0 hca_handle=3 hca_object=4"},
		{"rdma of no device", Resources{RDMA: map[string]RDMA{"a b": {HCAHandles: ptr(uint32(3))}}}, `!linux.resources.rdma["a b"]: no device has this name`},
		{"network.classID", Resources{Network: Network{ClassID: 1}}, "!linux.resources.network.classID: cgroup v2"},
		{"network.priorities", Resources{Network: Network{Priorities: map[string]uint32{"lo": 1}}}, "!linux.resources.network.priorities: cgroup v2"},

		{"unified, in order and a line at a time", Resources{Unified: map[string]string{"memory.high": "1000", "io.max": "8:0 rbps=1\n8:16 rbps=2\n", "cgroup.max.depth": "3"}},
			"[] cgroup.max.depth = 3\n[io] io.max = 8:0 rbps=1\n[io] io.max = 8:16 rbps=2\n[memory] memory.high = 1000"},
		{"unified after the others", Resources{Pids: ptr(int64(1)), Unified: map[string]string{"pids.max": "2"}}, "[pids] pids.max = 1\n[pids] pids.max = 2"},
		{"unified, empty", Resources{Unified: map[string]string{"cpuset.cpus": ""}}, "[cpuset] cpuset.cpus = "},
		{"unified with a slash", Resources{Unified: map[string]string{"../memory.max": "1"}}, `!linux.resources.unified["../memory.max"]: this is no name of a file`},
		{"unified without a controller", Resources{Unified: map[string]string{"memory": "1"}}, "!this is no name of a file"},
		{"unified with dots alone", Resources{Unified: map[string]string{"..": "1"}}, "!this is no name of a file"},
		{"unified that moves processes", Resources{Unified: map[string]string{"cgroup.procs": "1"}}, `!linux.resources.unified["cgroup.procs"]: this file is not a limit`},
		{"unified with a byte 0", Resources{Unified: map[string]string{"memory.max": "1\x00"}}, "!the value has a byte 0"},

		{"all errors at once", Resources{CPU: CPU{RealtimePeriod: 1}, Network: Network{ClassID: 1}}, "!cpu.realtimePeriod"},
	}
	for _, r := range rows {
		files, err := r.r.Files()
		if want, ok := strings.CutPrefix(r.want, "!"); ok {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", r.about, err, want)
			}
			continue
		}
		var lines []string
		for _, f := range files {
			lines = append(lines, describe(f))
			if !strings.HasPrefix(f.Origin, "linux.resources.") {
				t.Errorf("%s: %v has the origin %q", r.about, f, f.Origin)
			}
		}
		if got := strings.Join(lines, "\n"); err != nil || got != r.want {
			t.Errorf("%s:\n%s\n%v, want\n%s", r.about, got, err, r.want)
		}
	}
}

func describe(f File) string {
	text := fmt.Sprintf("[%s] %v", f.Controller, f)
	if f.Optional {
		text += "?"
	}
	if f.NotBelow != "" {
		text += " if " + f.NotBelow + " is not above"
	}
	if f.Instead != nil {
		text += " or " + describe(*f.Instead)
	}
	return text
}

func TestWeight(t *testing.T) {
	for shares, want := range map[uint64]uint64{
		0: 1, 1: 1, 2: 1, 3: 2, 10: 4, 102: 17, 128: 21, 512: 59, 1000: 99,
		1024: 100, 1025: 101, 2048: 174, 10240: 639, 102400: 4429, 262143: 10000, 262144: 10000, 1 << 60: 10000,
	} {
		if got := Weight(shares); got != want {
			t.Errorf("%d shares are weight %d, want %d", shares, got, want)
		}
	}
	for s := uint64(2); s < 262144; s++ {
		if Weight(s) > Weight(s+1) || Weight(s) < 1 || Weight(s) > 10000 {
			t.Fatalf("%d shares are weight %d, %d are %d", s, Weight(s), s+1, Weight(s+1))
		}
	}
}

func TestSetsBack(t *testing.T) {
	rows := []struct{ name, value, before, want string }{
		{"memory.max", "1000", "max\n", "max"},
		{"cpu.max", "5000", "max 100000\n", "max 100000"},
		{"cpuset.cpus", "0", "\n", ""},
		{"io.max", "8:0 rbps=1", "8:16 rbps=9 wbps=max riops=max wiops=max\n8:0 rbps=7 wbps=8 riops=max wiops=max\n", "8:0 rbps=7 wbps=8 riops=max wiops=max"},
		{"io.max", "8:0 rbps=1", "", "8:0 rbps=max wbps=max riops=max wiops=max"},
		{"io.max", "8:1 rbps=1", "8:16 rbps=9 wbps=max riops=max wiops=max\n", "8:1 rbps=max wbps=max riops=max wiops=max"},
		{"io.weight", "default 50", "default 100\n8:0 200\n", "default 100"},
		{"io.weight", "50", "default 100\n8:0 200\n", "default 100"},
		{"io.weight", "8:16 50", "default 100\n8:0 200\n", "8:16 default"},
		{"rdma.max", "mlx4_0 hca_handle=3", "mlx4_0 hca_handle=9 hca_object=max\n", "mlx4_0 hca_handle=9 hca_object=max"},
	}
	for _, r := range rows {
		if got := setsBack(File{Name: r.name, Value: r.value}, r.before); got.Value != r.want || got.Name != r.name {
			t.Errorf("%s = %s after %q is undone by %v, want %s", r.name, r.value, r.before, got, r.want)
		}
	}
}
