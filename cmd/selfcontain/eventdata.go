package main

import (
	"maps"
	"slices"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/container"
)

// event is a line of events. Programs that look after containers read it: names and units
// are those that runc gives them.
type event struct {
	Type string     `json:"type"`
	ID   string     `json:"id"`
	Data *eventData `json:"data,omitempty"`
}

// The two types of events.
const (
	statsEvent = "stats"
	oomEvent   = "oom"
)

// eventData are statistics. What the cgroup has no controller for is 0.
type eventData struct {
	CPU     eventCPU               `json:"cpu"`
	Memory  eventMemory            `json:"memory"`
	Pids    eventPids              `json:"pids"`
	BlockIO eventBlockIO           `json:"blkio"`
	Hugetlb map[string]eventMapped `json:"hugetlb"`
	// Interfaces have no names of JSON's in runc either.
	Interfaces []container.InterfaceStats `json:"network_interfaces,omitempty"`
}

type eventCPU struct {
	Usage struct { // nanoseconds
		Total  int64 `json:"total,omitempty"`
		Kernel int64 `json:"kernel"`
		User   int64 `json:"user"`
	} `json:"usage"`
	Throttling struct {
		Periods          uint64 `json:"periods,omitempty"`
		ThrottledPeriods uint64 `json:"throttledPeriods,omitempty"`
		ThrottledTime    int64  `json:"throttledTime,omitempty"` // nanoseconds
	} `json:"throttling"`
	Pressure *eventPressure `json:"psi,omitempty"`
}

// eventEntry is in bytes. Limit is 2⁶⁴-1 where there is none.
type eventEntry struct {
	Limit    uint64 `json:"limit"`
	Usage    uint64 `json:"usage,omitempty"`
	Max      uint64 `json:"max,omitempty"`
	Failures uint64 `json:"failcnt"`
}

type eventMemory struct {
	Cache uint64     `json:"cache,omitempty"`
	Usage eventEntry `json:"usage"`
	// Swap is memory and swap together, as in cgroup v1.
	Swap eventEntry `json:"swap"`
	// Kernel and KernelTCP have no limits of their own in cgroup v2.
	Kernel    eventEntry        `json:"kernel"`
	KernelTCP eventEntry        `json:"kernelTCP"`
	Raw       map[string]uint64 `json:"raw,omitempty"`
	Pressure  *eventPressure    `json:"psi,omitempty"`
	Events    struct {
		Low       uint64 `json:"low"`
		High      uint64 `json:"high"`
		Max       uint64 `json:"max"`
		OOM       uint64 `json:"oom"`
		Kill      uint64 `json:"oom_kill"`
		GroupKill uint64 `json:"oom_group_kill"`
	} `json:"event_count"`
}

type eventPids struct {
	Current uint64 `json:"current,omitempty"`
	Limit   uint64 `json:"limit,omitempty"` // 0 where there is none
}

type eventBlockIO struct {
	Bytes      []eventIO      `json:"ioServiceBytesRecursive,omitempty"`
	Operations []eventIO      `json:"ioServicedRecursive,omitempty"`
	Pressure   *eventPressure `json:"psi,omitempty"`
}

type eventIO struct {
	Major uint32 `json:"major,omitempty"`
	Minor uint32 `json:"minor,omitempty"`
	Op    string `json:"op"`
	Value uint64 `json:"value,omitempty"`
}

type eventMapped struct {
	Usage    uint64 `json:"usage,omitempty"`
	Max      uint64 `json:"max,omitempty"`
	Failures uint64 `json:"failcnt"`
}

type eventPressure struct {
	Some eventStall `json:"some"`
	Full eventStall `json:"full"`
}

type eventStall struct {
	Avg10  float64 `json:"avg10"` // percent
	Avg60  float64 `json:"avg60"`
	Avg300 float64 `json:"avg300"`
	Total  int64   `json:"total"` // microseconds
}

// dataOf are statistics in the words of an event.
func dataOf(s *container.Stats) *eventData {
	d := &eventData{Hugetlb: map[string]eventMapped{}, Interfaces: s.Interfaces}
	d.CPU.Usage.Total, d.CPU.Usage.Kernel, d.CPU.Usage.User = s.CPU.Usage.Nanoseconds(), s.CPU.System.Nanoseconds(), s.CPU.User.Nanoseconds()
	d.CPU.Throttling.Periods, d.CPU.Throttling.ThrottledPeriods = s.CPU.Periods, s.CPU.Throttled
	d.CPU.Throttling.ThrottledTime = s.CPU.ThrottledTime.Nanoseconds()
	d.CPU.Pressure, d.Memory.Pressure, d.BlockIO.Pressure = pressureOf(s.CPUPressure), pressureOf(s.MemoryPressure), pressureOf(s.IOPressure)
	if m := s.Memory; m != nil {
		d.Memory.set(m)
	}
	if s.Pids != nil {
		d.Pids.Current = s.Pids.Current
		if s.Pids.Max != cgroupv2.Max {
			d.Pids.Limit = s.Pids.Max
		}
	}
	d.BlockIO.set(s.IO)
	for size, h := range s.Hugepages {
		d.Hugetlb[size] = eventMapped{Usage: h.Current, Failures: h.Failures} // the most that it ever was is not counted in v2
	}
	return d
}

func (e *eventMemory) set(m *cgroupv2.MemoryStats) {
	e.Cache, e.Raw = m.Stat["file"], m.Stat
	e.Usage = eventEntry{Limit: m.Max, Usage: m.Current, Max: m.Peak}
	e.Swap = eventEntry{Limit: cgroupv2.Max, Usage: m.Current + m.SwapCurrent}
	if m.Max != cgroupv2.Max && m.SwapMax != cgroupv2.Max {
		e.Swap.Limit = m.Max + m.SwapMax
	}
	c := &e.Events
	c.Low, c.High, c.Max = m.Events.Low, m.Events.High, m.Events.Max
	c.OOM, c.Kill, c.GroupKill = m.Events.OOM, m.Events.OOMKill, m.Events.OOMGroupKill
}

// set lists disks in the order of their numbers.
func (b *eventBlockIO) set(disks map[cgroupv2.DeviceID]cgroupv2.IOStats) {
	ids := slices.SortedFunc(maps.Keys(disks), func(a, b cgroupv2.DeviceID) int {
		return int(int64(a.Major)<<32|int64(a.Minor)) - int(int64(b.Major)<<32|int64(b.Minor))
	})
	for _, id := range ids {
		s := disks[id]
		for _, v := range []struct {
			op                string
			bytes, operations uint64
		}{{"Read", s.ReadBytes, s.Reads}, {"Write", s.WriteBytes, s.Writes}, {"Discard", s.DiscardBytes, s.Discards}} {
			b.Bytes = append(b.Bytes, eventIO{id.Major, id.Minor, v.op, v.bytes})
			b.Operations = append(b.Operations, eventIO{id.Major, id.Minor, v.op, v.operations})
		}
	}
}

func pressureOf(p *cgroupv2.Pressure) *eventPressure {
	if p == nil {
		return nil
	}
	stall := func(s cgroupv2.Stall) eventStall {
		return eventStall{Avg10: s.Avg10, Avg60: s.Avg60, Avg300: s.Avg300, Total: s.Total.Microseconds()}
	}
	return &eventPressure{Some: stall(p.Some), Full: stall(p.Full)}
}
