package cgroupv2

import (
	"math"
	"time"
)

// Stats are what a group and all below it have used since it was made. What belongs
// to a controller that the group does not have is nil. Limits of [Max] are none.
type Stats struct {
	CPU    CPUStats
	Memory *MemoryStats
	Pids   *PidsStats
	// IO has an entry for each disk that was used.
	IO map[DeviceID]IOStats
	// Hugepages are by size, such as "2MB".
	Hugepages map[string]HugepageStats
	RDMA      map[string]RDMAStats
	// Pressure is nil on kernels without pressure stall information (CONFIG_PSI, and
	// psi=1 where it is off by default).
	CPUPressure, MemoryPressure, IOPressure *Pressure
}

// CPUStats are of cpu.stat. Time is that of all processors together.
type CPUStats struct {
	Usage, User, System time.Duration
	// Periods of cpu.max that began, in how many of them the group was stopped, and for how
	// long. They stay 0 without the controller.
	Periods, Throttled uint64
	ThrottledTime      time.Duration
	// Bursts is in how many periods saved quota was used, and BurstTime how much.
	Bursts    uint64
	BurstTime time.Duration
}

// MemoryStats are in bytes.
type MemoryStats struct {
	Current, Max uint64
	// Peak is the most that Current ever was. Linux 5.19, and otherwise 0
	Peak uint64
	// SwapCurrent and SwapMax are 0 on kernels without swap.
	SwapCurrent, SwapMax uint64
	Events               MemoryEvents
	// Stat is all of memory.stat, by the kernel's names: "anon", "file", "slab" and
	// more. Most are bytes, those whose name starts with pg or workingset counts.
	// https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
	Stat map[string]uint64
}

// MemoryEvents are counts, of memory.events.
type MemoryEvents struct {
	// Low is how often it was reclaimed below memory.low, High above memory.high,
	// Max how often memory.max was hit.
	Low, High, Max uint64
	// OOM is how often reclaim was not enough, and OOMKill how many processes were
	// killed for it, OOMGroupKill how often the group as a whole. Linux 5.17 for the last
	OOM, OOMKill, OOMGroupKill uint64
}

// PidsStats are counts of processes and threads.
type PidsStats struct {
	Current, Max uint64
	// Refused is how often one could not be born. pids.events
	Refused uint64
}

// DeviceID is a block device.
type DeviceID struct{ Major, Minor uint32 }

// IOStats are bytes and operations of one disk.
type IOStats struct {
	ReadBytes, WriteBytes, DiscardBytes uint64
	Reads, Writes, Discards             uint64
}

// HugepageStats are in bytes, but for Failures, a count of allocations beyond Max.
type HugepageStats struct{ Current, Max, Failures uint64 }

// RDMAStats are counts.
type RDMAStats struct{ HCAHandles, HCAObjects uint64 }

// Pressure is how much time was lost by waiting: Some while one process or more
// waited, Full while none could run.
// https://docs.kernel.org/accounting/psi.html
type Pressure struct{ Some, Full Stall }

// Stall is the share of time, in percent, of the last 10, 60 and 300 seconds, and all of it.
type Stall struct {
	Avg10, Avg60, Avg300 float64
	Total                time.Duration
}

// microseconds is n µs. What a Duration has no room for is the most it has, 292 years.
func microseconds(n uint64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/1000)) * time.Microsecond
}

func (c *CPUStats) set(flat map[string]uint64) {
	c.Usage = microseconds(flat["usage_usec"])
	c.User = microseconds(flat["user_usec"])
	c.System = microseconds(flat["system_usec"])
	c.Periods, c.Throttled = flat["nr_periods"], flat["nr_throttled"]
	c.ThrottledTime = microseconds(flat["throttled_usec"])
	c.Bursts = flat["nr_bursts"]
	c.BurstTime = microseconds(flat["burst_usec"])
}

func (e *MemoryEvents) set(flat map[string]uint64) {
	e.Low, e.High, e.Max = flat["low"], flat["high"], flat["max"]
	e.OOM, e.OOMKill, e.OOMGroupKill = flat["oom"], flat["oom_kill"], flat["oom_group_kill"]
}

func ioStats(nested map[string]map[string]uint64) (map[DeviceID]IOStats, error) {
	out := map[DeviceID]IOStats{}
	for key, v := range nested {
		d, err := parseDevice(key)
		if err != nil {
			return nil, err
		}
		out[d] = IOStats{
			ReadBytes: v["rbytes"], WriteBytes: v["wbytes"], DiscardBytes: v["dbytes"],
			Reads: v["rios"], Writes: v["wios"], Discards: v["dios"],
		}
	}
	return out, nil
}
