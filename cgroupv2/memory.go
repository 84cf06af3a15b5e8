package cgroupv2

import "strconv"

// Memory are limits in bytes; 0 leaves one as it is and -1 takes it away.
type Memory struct {
	// Limit is memory.max. What is above is reclaimed, and if that is not possible a
	// process of the group is killed.
	Limit int64
	// Reservation is memory.low: below it the group's memory is left alone while
	// other groups have some to give.
	Reservation int64
	// Swap is memory and swap together, as in cgroup v1, so it needs Limit and is not
	// below it. The difference is memory.swap.max. 0 with a Limit of -1 is -1.
	Swap int64
	// CheckBeforeUpdate refuses a Limit below what the group has already.
	CheckBeforeUpdate bool
	// UseHierarchy is how cgroup v2 always is.
	UseHierarchy bool

	// What cgroup v2 does not have: 0 and -1 ask for nothing, all else is an error.
	Kernel, KernelTCP int64
	// Swappiness of one group; nil asks for nothing, and so does the largest number,
	// which is the -1 of engines.
	Swappiness *uint64
	// DisableOOMKiller cannot be had: a group over its limit does not wait.
	DisableOOMKiller bool
}

// memoryLimit is the property of Limit.
const memoryLimit = "memory.limit"

func (m *Memory) list(l *lister) {
	if m.Limit != 0 {
		l.limit(memoryLimit, "memory.max", m.Limit)
		if n := len(l.files); m.CheckBeforeUpdate && m.Limit > 0 {
			l.files[n-1].NotBelow = "memory.current"
		}
	}
	if m.Reservation != 0 {
		l.limit("memory.reservation", "memory.low", m.Reservation)
	}
	m.listSwap(l)
	for _, k := range []struct {
		property string
		value    int64
	}{{"memory.kernel", m.Kernel}, {"memory.kernelTCP", m.KernelTCP}} {
		if k.value != 0 && k.value != -1 {
			l.cannot(k.property, "cgroup v2 has no limit of its own for this: it is part of memory.limit")
		}
	}
	if m.Swappiness != nil && *m.Swappiness != 1<<64-1 {
		l.cannot("memory.swappiness", "cgroup v2 has no swappiness of a group: set memory.swap, or vm.swappiness of the host")
	}
	if m.DisableOOMKiller {
		l.cannot("memory.disableOOMKiller", "cgroup v2 cannot do without it: take memory.limit away, or set the processes' oomScoreAdj")
	}
}

// listSwap converts memory and swap together into swap alone.
func (m *Memory) listSwap(l *lister) {
	const property = "memory.swap"
	swap := m.Swap
	if swap == 0 && m.Limit == -1 {
		swap = -1 // whoever takes away the limit of memory means both
	}
	switch {
	case swap == 0:
		return
	case swap < -1:
		l.wrong(property, "%d is below 0: -1 takes the limit away", swap)
		return
	case swap == -1 || m.Limit == -1:
		l.limit(property, "memory.swap.max", swap)
	case m.Limit == 0:
		l.wrong(property, "it is memory and swap together, and memory.limit is not set: set both")
		return
	case swap < m.Limit:
		l.wrong(property, "%d is below memory.limit %d, and is memory and swap together", swap, m.Limit)
		return
	default:
		l.add(property, "memory.swap.max", strconv.FormatInt(swap-m.Limit, 10))
	}
	// A kernel without swap, or booted with swapaccount=0, has no such file. No swap at all
	// and no limit are what it has then.
	last := &l.files[len(l.files)-1]
	last.Optional = last.Value == "max" || last.Value == "0"
}
