package cgroupv2

import (
	"reflect"
	"slices"
	"testing"
)

// TestMerge sets limits over others.
func TestMerge(t *testing.T) {
	old := Resources{
		Memory: Memory{Limit: 100, Swap: 150, Reservation: 10, CheckBeforeUpdate: true},
		CPU:    CPU{Shares: 512, Quota: 5000, Period: 20000, Idle: ptr(int64(1)), Cpus: "0"},
		Pids:   ptr(int64(7)),
		BlockIO: BlockIO{
			Weight: 100, ReadBps: []Throttle{{8, 0, 1}, {8, 16, 2}}, WeightDevices: []WeightDevice{{8, 0, 50, 0}},
		},
		Hugepages: []Hugepages{{"2MB", 1}, {"1GB", 2}},
		RDMA:      map[string]RDMA{"mlx": {HCAHandles: ptr(uint32(1)), HCAObjects: ptr(uint32(2))}},
		Unified:   map[string]string{"memory.high": "1", "cpu.weight": "2"},
		Devices:   []DeviceRule{{Allow: true, Type: "c", Major: 1, Minor: 2}},
	}
	for _, row := range []struct {
		about  string
		r      Resources
		change func(want *Resources)
	}{
		{"nothing", Resources{}, func(*Resources) {}},
		{"memory", Resources{Memory: Memory{Limit: 120}}, func(w *Resources) { w.Memory.Limit = 120 }},
		{"no memory limit is no swap limit", Resources{Memory: Memory{Limit: -1}}, func(w *Resources) { w.Memory.Limit, w.Memory.Swap = -1, -1 }},
		{"no memory limit, and one of both", Resources{Memory: Memory{Limit: -1, Swap: 9}}, func(w *Resources) { w.Memory.Limit, w.Memory.Swap = -1, 9 }},
		{"processor", Resources{CPU: CPU{Quota: -1, Idle: ptr(int64(0)), Burst: ptr(uint64(0)), Mems: "1"}},
			func(w *Resources) {
				w.CPU.Quota, w.CPU.Idle, w.CPU.Burst, w.CPU.Mems = -1, ptr(int64(0)), ptr(uint64(0)), "1"
			}},
		{"processes", Resources{Pids: ptr(int64(0))}, func(w *Resources) { w.Pids = ptr(int64(0)) }},
		{"one disk of two", Resources{BlockIO: BlockIO{ReadBps: []Throttle{{8, 0, 5}}, WriteBps: []Throttle{{8, 0, 6}}}},
			func(w *Resources) {
				w.BlockIO.ReadBps, w.BlockIO.WriteBps = []Throttle{{8, 16, 2}, {8, 0, 5}}, []Throttle{{8, 0, 6}}
			}},
		{"one size of two", Resources{Hugepages: []Hugepages{{"2MB", 9}}}, func(w *Resources) { w.Hugepages = []Hugepages{{"1GB", 2}, {"2MB", 9}} }},
		{"RDMA", Resources{RDMA: map[string]RDMA{"mlx": {HCAObjects: ptr(uint32(9))}, "other": {HCAHandles: ptr(uint32(3))}}},
			func(w *Resources) {
				w.RDMA = map[string]RDMA{"mlx": {HCAHandles: ptr(uint32(1)), HCAObjects: ptr(uint32(9))}, "other": {HCAHandles: ptr(uint32(3))}}
			}},
		{"unified", Resources{Unified: map[string]string{"memory.high": "3", "pids.max": "4"}},
			func(w *Resources) {
				w.Unified = map[string]string{"memory.high": "3", "cpu.weight": "2", "pids.max": "4"}
			}},
		{"devices, all", Resources{Devices: []DeviceRule{{Type: "b"}}}, func(w *Resources) { w.Devices = []DeviceRule{{Type: "b"}} }},
	} {
		want := old
		row.change(&want)
		if got := row.r.Merge(old); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", row.about, got, want)
		}
		if got := row.r.Merge(Resources{}); row.r.Memory.Limit != -1 && !reflect.DeepEqual(got, row.r) {
			t.Errorf("%s over nothing: %+v", row.about, got)
		}
	}
	if old.Unified["memory.high"] != "1" || *old.RDMA["mlx"].HCAObjects != 2 || old.BlockIO.ReadBps[0].Rate != 1 {
		t.Errorf("the older ones are changed: %+v", old)
	}
}

// TestChanges is which files are written for an update, and with what.
func TestChanges(t *testing.T) {
	old := Resources{
		Memory: Memory{Limit: 100, Swap: 150}, CPU: CPU{Shares: 512, Quota: 5000, Period: 20000, Idle: ptr(int64(1))}, Pids: ptr(int64(7)),
	}
	for _, row := range []struct {
		about string
		r     Resources
		want  []string
	}{
		{"nothing", Resources{}, nil},
		{"processes", Resources{Pids: ptr(int64(3))}, []string{"pids.max = 3"}},
		{"memory", Resources{Memory: Memory{Limit: 120}}, []string{"memory.max = 120", "memory.swap.max = 30"}},
		{"memory and swap together", Resources{Memory: Memory{Swap: 300}}, []string{"memory.swap.max = 200"}},
		{"any swap", Resources{Memory: Memory{Swap: -1}}, []string{"memory.swap.max = max"}},
		{"any memory", Resources{Memory: Memory{Limit: -1}}, []string{"memory.max = max", "memory.swap.max = max"}},
		{"period", Resources{CPU: CPU{Period: 50000}}, []string{"cpu.max = 5000 50000"}},
		{"quota", Resources{CPU: CPU{Quota: 9000}}, []string{"cpu.max = 9000"}},
		{"weight", Resources{CPU: CPU{Shares: 1024}}, []string{"cpu.idle = 0", "cpu.weight = 100", "cpu.idle = 1"}},
		{"not idle", Resources{CPU: CPU{Idle: ptr(int64(0))}}, []string{"cpu.idle = 0"}},
	} {
		files, err := row.r.Changes(old)
		var got []string
		for _, f := range files {
			got = append(got, f.String())
		}
		if err != nil || !slices.Equal(got, row.want) {
			t.Errorf("%s: %q (%v), want %q", row.about, got, err, row.want)
		}
	}
}
