package container

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// A device node is a hole in every wall of a container, and whoever has CAP_MKNOD makes
// the node of any device. So a container with a cgroup has a filter of devices in any
// case, of what every container may use and what its configuration allows; unless its
// caller may not load one, as who has no right on the host never may.

// deviceRules are the rules of a filter: the devices that the configuration wants made,
// and its rules, in their order. Nothing is allowed before them, so rules that begin with
// "deny everything", as those of engines do, take back the devices that they do not list.
// [cgroupv2.DeviceFilter] adds the default devices behind them.
func deviceRules(devices []mounts.Device, rules []cgroupv2.DeviceRule) []cgroupv2.DeviceRule {
	all := make([]cgroupv2.DeviceRule, 0, len(devices)+len(rules))
	for _, d := range devices {
		r := cgroupv2.DeviceRule{Allow: true, Type: d.Type, Major: int64(d.Major), Minor: int64(d.Minor)}
		switch d.Type {
		case "c", "b":
		case "u": // a character device without a buffer, which Linux does not have
			r.Type = "c"
		default:
			continue // a fifo is no device
		}
		all = append(all, r)
	}
	return append(all, rules...)
}

// filterStep is the step that attaches the filter of a spec.
func filterStep(s *Spec, at string) Step {
	return Step{
		Action: FilterDevices, Path: at, Devices: deviceRules(s.Devices, s.Cgroup.Resources.Devices),
		Why: "which devices may be opened and made", Origin: "linux.resources.devices",
	}
}

// checkDevices refuses rules that cannot be followed where they could be expected to be: by
// who has every right on the host.
func (c *compiler) checkDevices(wrong complaint) {
	g := c.spec.Cgroup
	if _, err := cgroupv2.DeviceFilter(deviceRules(c.spec.Devices, g.Resources.Devices)); err != nil {
		wrong("", "%v", err)
	}
	if len(g.Resources.Devices) > 0 && !c.host.DeviceFilters && c.host.Capabilities.Effective.Has(caps.SYS_ADMIN) && !c.host.Inside {
		wrong("linux.resources.devices", "this kernel loads no filter of devices, or something around this process keeps it from that (bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE): without rules the container has none")
	}
}

// beforeDevices attaches the filter, if the caller may.
func (c *compiler) beforeDevices(step func(Step) prog.FD, at string) {
	switch {
	case c.host.DeviceFilters:
		step(filterStep(&c.spec, at))
	case len(c.spec.Cgroup.Resources.Devices) > 0:
		c.warn("linux.resources.devices: not enforced: to load a filter takes CAP_SYS_ADMIN on the host; what the container may not open by its ids stays closed")
	}
}

// attachFilter attaches the filter of a step to a group.
func (s Step) attachFilter(g *cgroupv2.Group) error {
	filter, err := cgroupv2.DeviceFilter(s.Devices)
	if err != nil {
		return err
	}
	return g.SetFilter(filter)
}

// filterText is a step that attaches a filter.
func (s Step) filterText() string {
	var b strings.Builder
	count := "no"
	if f, err := cgroupv2.DeviceFilter(s.Devices); err == nil {
		count = strconv.Itoa(len(f))
	}
	fmt.Fprintf(&b, "bpf(BPF_PROG_LOAD, BPF_PROG_TYPE_CGROUP_DEVICE, %s instructions), bpf(BPF_PROG_ATTACH, BPF_CGROUP_DEVICE) to cgroup %s: ", count, s.Path)
	for _, r := range s.Devices {
		b.WriteString(r.String() + ", ")
	}
	b.WriteString("default devices")
	return b.String()
}
