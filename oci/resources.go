package oci

import (
	"errors"
	"math"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/container"
)

// DecodeResources reads limits by themselves, as "update" of a runtime takes them: the
// value of the member linux.resources of a configuration whose ociVersion is version. The
// zero value of a field says that nothing was asked of it, and a limit that is to be taken
// away is -1. What cgroup v2 cannot express is not looked at: [cgroupv2.Resources.Files]
// says so, when what is missing here has been added.
func DecodeResources(data []byte, version string) (cgroupv2.Resources, error) {
	d := decoder{cursor: newCursor(data)}
	r := d.limits()
	d.end()
	if d.err != nil {
		d.err.document = "resources"
		return cgroupv2.Resources{}, d.err
	}
	return AsOf(r, version), nil
}

// AsOf is r with the meaning that its numbers have in a configuration whose ociVersion is
// version, for limits that come from elsewhere, such as flags. That a limit of 0 processes means
// what it says is new in release 1.3 of the specification: before it was no limit.
func AsOf(r cgroupv2.Resources, version string) cgroupv2.Resources {
	if r.Pids != nil && *r.Pids <= 0 && before13(version) {
		r.Pids = pointer(int64(-1))
	}
	return r
}

// cgroup asks for one where the configuration names it, or has limits or rules. It is called
// when the whole document has been read: what a limit means may depend on its version. What
// cgroup v2 does not have is refused.
func (d *decoder) cgroup(version, path string, r *cgroupv2.Resources) {
	if d.err != nil {
		return
	}
	*r = AsOf(*r, version)
	_, err := r.Files()
	var wrong *cgroupv2.LimitError
	if errors.As(err, &wrong) { // the first of them
		d.err = &Error{Path: wrong.Origin, Problem: wrong.Problem, unsupported: wrong.Unsupported}
		return
	}
	if path != "" || r.Asks() || len(r.Devices) > 0 {
		d.spec.Cgroup = &container.Cgroup{Path: path, Resources: *r}
	}
}

func (d *decoder) limits() (r cgroupv2.Resources) {
	for name := range d.members() {
		switch name {
		case "devices":
			for range d.elements() {
				r.Devices = append(r.Devices, d.deviceRule())
			}
		case "memory":
			d.memory(&r.Memory)
		case "cpu":
			d.cpu(&r.CPU)
		case "pids":
			for name := range d.members() {
				if name == "limit" {
					r.Pids = pointer(d.limit())
				} else {
					d.skip()
				}
			}
		case "blockIO":
			d.blockIO(&r.BlockIO)
		case "hugepageLimits":
			for range d.elements() {
				r.Hugepages = append(r.Hugepages, d.hugepages())
			}
		case "network":
			d.network(&r.Network)
		case "rdma":
			d.rdma(&r)
		case "unified":
			r.Unified = d.pairs()
		default:
			d.skip()
		}
	}
	return r
}

func (d *decoder) memory(m *cgroupv2.Memory) {
	for name := range d.members() {
		switch name {
		case "limit":
			m.Limit = d.limit()
		case "reservation":
			m.Reservation = d.limit()
		case "swap":
			m.Swap = d.limit()
		case "kernel":
			m.Kernel = d.limit()
		case "kernelTCP":
			m.KernelTCP = d.limit()
		case "swappiness":
			m.Swappiness = pointer(d.unsigned(math.MaxUint64))
		case "disableOOMKiller":
			m.DisableOOMKiller = d.flag()
		case "useHierarchy":
			m.UseHierarchy = d.flag()
		case "checkBeforeUpdate":
			m.CheckBeforeUpdate = d.flag()
		default:
			d.skip()
		}
	}
}

func (d *decoder) cpu(c *cgroupv2.CPU) {
	for name := range d.members() {
		switch name {
		case "shares":
			c.Shares = d.unsigned(math.MaxUint64)
		case "quota":
			c.Quota = d.limit()
		case "period":
			c.Period = d.unsigned(math.MaxUint64)
		case "burst":
			c.Burst = pointer(d.unsigned(math.MaxUint64))
		case "idle":
			c.Idle = pointer(d.signed(0, 1))
		case "cpus":
			c.Cpus = d.text()
		case "mems":
			c.Mems = d.text()
		case "realtimeRuntime":
			c.RealtimeRuntime = d.signed(math.MinInt64, math.MaxInt64)
		case "realtimePeriod":
			c.RealtimePeriod = d.unsigned(math.MaxUint64)
		default:
			d.skip()
		}
	}
}

func (d *decoder) hugepages() (h cgroupv2.Hugepages) {
	size, limit := false, false
	for name := range d.members() {
		switch name {
		case "pageSize":
			size, h.PageSize = true, d.text()
		case "limit":
			limit, h.Limit = true, d.unsigned(math.MaxUint64)
		default:
			d.skip()
		}
	}
	switch {
	case !size:
		d.missing("pageSize")
	case !limit:
		d.missing("limit")
	}
	return h
}

func (d *decoder) network(n *cgroupv2.Network) {
	for name := range d.members() {
		switch name {
		case "classID":
			n.ClassID = uint32(d.unsigned(math.MaxUint32))
		case "priorities":
			for range d.elements() {
				d.priority(n)
			}
		default:
			d.skip()
		}
	}
}

func (d *decoder) priority(n *cgroupv2.Network) {
	device, priority := "", uint32(0)
	for name := range d.members() {
		switch name {
		case "name":
			device = d.text()
		case "priority":
			priority = uint32(d.unsigned(math.MaxUint32))
		default:
			d.skip()
		}
	}
	if device == "" {
		d.missing("name")
	}
	if n.Priorities == nil {
		n.Priorities = map[string]uint32{}
	}
	n.Priorities[device] = priority
}

func (d *decoder) rdma(r *cgroupv2.Resources) {
	for device := range d.members() {
		var limits cgroupv2.RDMA
		for name := range d.members() {
			switch name {
			case "hcaHandles":
				limits.HCAHandles = pointer(uint32(d.unsigned(math.MaxUint32)))
			case "hcaObjects":
				limits.HCAObjects = pointer(uint32(d.unsigned(math.MaxUint32)))
			default:
				d.skip()
			}
		}
		if r.RDMA == nil {
			r.RDMA = map[string]cgroupv2.RDMA{}
		}
		r.RDMA[device] = limits
	}
}

// limit reads a number of which -1 is no limit.
func (c *cursor) limit() int64 { return c.signed(-1, math.MaxInt64) }

func pointer[T any](v T) *T { return &v }
