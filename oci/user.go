package oci

import (
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
)

// idMap reads the map of a user namespace, or of an id-mapped mount.
func (d *decoder) idMap() (m clone.IDMaps) {
	for range d.elements() {
		var line clone.IDMap
		size := false
		for name := range d.members() {
			switch name {
			case "containerID":
				line.ContainerID = d.id()
			case "hostID":
				line.HostID = d.id()
			case "size":
				size = true
				line.Size = uint32(d.unsigned(1<<32 - 1))
			default:
				d.skip()
			}
		}
		if !size {
			d.missing("size")
		}
		m = append(m, line)
	}
	return m
}

// timeOffsets reads the clocks of a time namespace. Which there are is up to the kernel.
func (d *decoder) timeOffsets() {
	const most = 1<<63 - 1
	offsets := map[string]container.TimeOffset{}
	for clock := range d.members() {
		var o container.TimeOffset
		for name := range d.members() {
			switch name {
			case "secs":
				o.Secs = d.signed(-most-1, most)
			case "nanosecs":
				o.Nanosecs = uint32(d.unsigned(999_999_999))
			default:
				d.skip()
			}
		}
		offsets[clock] = o
	}
	if len(offsets) > 0 {
		d.spec.TimeOffsets = offsets
	}
}
