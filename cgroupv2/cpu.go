package cgroupv2

import (
	"math"
	"strconv"
	"strings"
)

// CPU are shares and limits of processor time. 0, nil and "" leave one as it is.
type CPU struct {
	// Shares are those of cgroup v1, 2 to 262144, of which 1024 is usual. They become
	// cpu.weight, see [Weight].
	Shares uint64
	// Quota is the time in microseconds that all of the group's processes together may
	// run in a Period; -1 is no limit. Period is in microseconds; a new group has
	// 100000. Together they are cpu.max: a Period alone takes the quota away.
	Quota  int64
	Period uint64
	// Burst is what may be saved of unused quota, in microseconds; 0 is nothing.
	// cpu.max.burst, Linux 5.14
	Burst *uint64
	// Idle 1 runs the group only when nothing else wants to, and then it has no
	// weight; 0 is usual. cpu.idle, Linux 5.15
	Idle *int64
	// Cpus and Mems are lists of processors and of memory nodes, such as "0-3,8".
	Cpus, Mems string

	// RealtimeRuntime and RealtimePeriod are limits that cgroup v2 does not have.
	RealtimeRuntime int64
	RealtimePeriod  uint64
}

// Weight converts shares of cgroup v1 to a weight of cgroup v2, 1 to 10000. It has
// the two ends and the usual value of both: 2, 1024, 262144 to 1, 100, 10000, and is
// quadratic in their logarithms between. So do runc since 1.3.2 and crun since 1.23; older
// ones have a straight line, on which the usual 1024 becomes 39, less than any
// process outside of a container has.
func Weight(shares uint64) uint64 {
	switch {
	case shares <= 2:
		return 1
	case shares >= 262144:
		return 10000
	}
	l := math.Log2(float64(shares))
	exponent := (l*l+125*l)/612 - 7.0/34
	// Rounded up, but not because of the last bit, in which machines differ.
	return uint64(math.Ceil(math.Pow(10, exponent) - 1e-9))
}

func (c *CPU) list(l *lister) {
	c.listWeight(l)
	c.listMax(l)
	if c.RealtimeRuntime != 0 {
		l.cannot("cpu.realtimeRuntime", "cgroup v2 has no limit of real-time processes")
	}
	if c.RealtimePeriod != 0 {
		l.cannot("cpu.realtimePeriod", "cgroup v2 has no limit of real-time processes")
	}
	for _, s := range []struct{ property, name, list string }{
		{"cpu.cpus", "cpuset.cpus", c.Cpus},
		{"cpu.mems", "cpuset.mems", c.Mems},
	} {
		switch list := strings.TrimSpace(s.list); { // as it is read from a file
		case s.list == "":
		case list == "", strings.Trim(list, "0123456789,-") != "":
			l.wrong(s.property, "%q is no list of numbers such as 0-3,8", s.list)
		default:
			l.add(s.property, s.name, list)
		}
	}
}

// listWeight has the weight and whether the group is idle. The kernel refuses to
// write the weight of an idle group, so it stops being one for a moment.
func (c *CPU) listWeight(l *lister) {
	idle := c.Idle != nil && inRange(l, "cpu.idle", *c.Idle, 0, 1)
	if idle && (*c.Idle == 0 || c.Shares != 0) {
		l.add("cpu.idle", "cpu.idle", "0")
	}
	if c.Shares != 0 {
		l.add("cpu.shares", "cpu.weight", strconv.FormatUint(Weight(c.Shares), 10))
	}
	if idle && *c.Idle == 1 {
		l.add("cpu.idle", "cpu.idle", "1")
	}
}

// listMax has the quota and the burst. The kernel refuses a burst above the quota, of
// which the older may still be in place.
func (c *CPU) listMax(l *lister) {
	limited := c.Quota != 0 || c.Period != 0
	if c.Burst != nil && limited && *c.Burst != 0 {
		l.add("cpu.burst", "cpu.max.burst", "0")
	}
	if limited {
		property, value := "cpu.quota", "max"
		switch {
		case c.Quota < -1:
			l.wrong(property, "%d is below 0: -1 takes the limit away", c.Quota)
		case c.Quota > 0:
			value = strconv.FormatInt(c.Quota, 10)
		case c.Quota == 0:
			property = "cpu.period"
		}
		if c.Period != 0 && inRange(l, "cpu.period", c.Period, 1000, 1_000_000) {
			value += " " + strconv.FormatUint(c.Period, 10)
		}
		l.add(property, "cpu.max", value)
	}
	if c.Burst != nil {
		l.add("cpu.burst", "cpu.max.burst", strconv.FormatUint(*c.Burst, 10))
	}
}
