package cgroupv2

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"strings"
)

// Merge is what a group has when r has been set where old was: what r leaves alone stays.
func (r Resources) Merge(old Resources) Resources {
	m := r
	m.Memory = r.Memory.merge(old.Memory)
	m.CPU = r.CPU.merge(old.CPU)
	if r.Pids == nil {
		m.Pids = old.Pids
	}
	m.BlockIO = r.BlockIO.merge(old.BlockIO)
	m.Hugepages = mergeBy(old.Hugepages, r.Hugepages, func(h Hugepages) string { return h.PageSize })
	m.RDMA = mergeRDMA(old.RDMA, r.RDMA)
	if r.Network.ClassID == 0 {
		m.Network.ClassID = old.Network.ClassID
	}
	m.Network.Priorities = mergeMaps(old.Network.Priorities, r.Network.Priorities)
	m.Unified = mergeMaps(old.Unified, r.Unified)
	if len(r.Devices) == 0 {
		m.Devices = old.Devices
	}
	return m
}

// Changes are the files to be written for r in a group that has the limits old, see
// [Group.Now]. A file of the group may be made of several limits: Memory.Swap holds the memory too,
// and its file does not; a CPU.Period alone would take the quota away; and the kernel takes
// no weight of a group that is idle. What nobody has asked for is not written.
func (r Resources) Changes(old Resources) ([]File, error) {
	whole := r
	m, c := &whole.Memory, &whole.CPU
	switch {
	case m.Limit == 0 && m.Swap > 0:
		m.Limit = old.Memory.Limit
	case m.Limit > 0 && m.Swap == 0:
		m.Swap = max(old.Memory.Swap, 0) // without a limit of both nothing changes
	}
	m.CheckBeforeUpdate = m.CheckBeforeUpdate || old.Memory.CheckBeforeUpdate
	if c.Period != 0 && c.Quota == 0 {
		c.Quota = old.CPU.Quota
	}
	if c.Shares != 0 && c.Idle == nil {
		c.Idle = old.CPU.Idle
	}
	files, err := whole.Files()
	if r.Memory.Limit == 0 {
		files = slices.DeleteFunc(files, func(f File) bool { return f.Origin == origin+memoryLimit })
	}
	return files, err
}

// Now is old with what the group's files say by now of the limits that others are written
// together with: somebody else may have set them since. Numbers that the kernel has only rounded to
// pages are as they were.
func (g *Group) Now(old Resources) (Resources, error) {
	r := &reader{dir: g.fd}
	m, c := &old.Memory, &old.CPU
	pages := func(n int64) uint64 { return uint64(n) &^ uint64(os.Getpagesize()-1) }
	limit, hasLimit := r.limit("memory.max")
	swap, hasSwap := r.limit("memory.swap.max")
	same := m.Limit > 0 && limit == pages(m.Limit) || m.Limit <= 0 && limit == Max
	if hasSwap && m.Swap > 0 && !(same && swap == pages(m.Swap-max(m.Limit, 0))) {
		m.Swap = 0
		if limit != Max && swap != Max { // or there is no sum of both
			m.Swap = int64(limit + swap)
		}
	}
	if hasLimit && !same {
		m.Limit = 0
		if limit != Max {
			m.Limit = int64(limit)
		}
	}
	if text, ok := r.text("cpu.max"); ok {
		quota, _, _ := strings.Cut(text, " ")
		n, err := parseNumber(quota)
		r.note("cpu.max", err)
		c.Quota = 0
		if n != Max {
			c.Quota = int64(n)
		}
	}
	if idle, ok := r.limit("cpu.idle"); ok {
		c.Idle = nil
		if idle == 1 {
			one := int64(1)
			c.Idle = &one
		}
	}
	return old, g.failed(r.failed, r.err)
}

// limit reads a file with one number, if the group has it.
func (r *reader) limit(name string) (n uint64, ok bool) {
	text, ok := r.text(name)
	if !ok {
		return 0, false
	}
	n, err := parseNumber(text)
	r.note(name, err)
	return n, err == nil
}

func (m Memory) merge(old Memory) Memory {
	if m.Limit == -1 {
		m.Swap = cmp.Or(m.Swap, -1) // as listSwap has it
	}
	m.Limit = cmp.Or(m.Limit, old.Limit)
	m.Reservation = cmp.Or(m.Reservation, old.Reservation)
	m.Swap = cmp.Or(m.Swap, old.Swap)
	m.CheckBeforeUpdate = m.CheckBeforeUpdate || old.CheckBeforeUpdate
	m.UseHierarchy = m.UseHierarchy || old.UseHierarchy
	m.Kernel, m.KernelTCP = cmp.Or(m.Kernel, old.Kernel), cmp.Or(m.KernelTCP, old.KernelTCP)
	m.Swappiness = cmp.Or(m.Swappiness, old.Swappiness)
	m.DisableOOMKiller = m.DisableOOMKiller || old.DisableOOMKiller
	return m
}

func (c CPU) merge(old CPU) CPU {
	return CPU{
		Shares: cmp.Or(c.Shares, old.Shares),
		Quota:  cmp.Or(c.Quota, old.Quota), Period: cmp.Or(c.Period, old.Period),
		Burst: cmp.Or(c.Burst, old.Burst), Idle: cmp.Or(c.Idle, old.Idle),
		Cpus: cmp.Or(c.Cpus, old.Cpus), Mems: cmp.Or(c.Mems, old.Mems),
		RealtimeRuntime: cmp.Or(c.RealtimeRuntime, old.RealtimeRuntime),
		RealtimePeriod:  cmp.Or(c.RealtimePeriod, old.RealtimePeriod),
	}
}

func (b BlockIO) merge(old BlockIO) BlockIO {
	disk := func(t Throttle) [2]int64 { return [2]int64{t.Major, t.Minor} }
	return BlockIO{
		Weight: cmp.Or(b.Weight, old.Weight), LeafWeight: cmp.Or(b.LeafWeight, old.LeafWeight),
		WeightDevices: mergeBy(old.WeightDevices, b.WeightDevices, func(d WeightDevice) [2]int64 { return [2]int64{d.Major, d.Minor} }),
		ReadBps:       mergeBy(old.ReadBps, b.ReadBps, disk), WriteBps: mergeBy(old.WriteBps, b.WriteBps, disk),
		ReadIOPS: mergeBy(old.ReadIOPS, b.ReadIOPS, disk), WriteIOPS: mergeBy(old.WriteIOPS, b.WriteIOPS, disk),
	}
}

// mergeBy is a list with those of another one behind it; of two with the same key the
// newer one counts.
func mergeBy[T any, K comparable](old, list []T, key func(T) K) []T {
	merged := slices.DeleteFunc(slices.Clone(old), func(o T) bool {
		return slices.ContainsFunc(list, func(n T) bool { return key(n) == key(o) })
	})
	return append(merged, list...)
}

func mergeMaps[V any](old, newer map[string]V) map[string]V {
	if len(old) == 0 {
		return newer
	}
	merged := maps.Clone(old)
	maps.Copy(merged, newer)
	return merged
}

func mergeRDMA(old, newer map[string]RDMA) map[string]RDMA {
	merged := mergeMaps(old, newer)
	for name, n := range newer {
		o := old[name]
		merged[name] = RDMA{HCAHandles: cmp.Or(n.HCAHandles, o.HCAHandles), HCAObjects: cmp.Or(n.HCAObjects, o.HCAObjects)}
	}
	return merged
}
