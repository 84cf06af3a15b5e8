package oci

import (
	"slices"
	"strconv"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
)

func (d *decoder) mount() {
	var ids container.MountIDs
	m := mounts.Mount{Origin: "mounts[" + strconv.Itoa(len(d.spec.Mounts)) + "]"}
	for name := range d.members() {
		switch name {
		case "destination":
			m.Destination = d.text()
		case "type":
			m.Type = d.text()
		case "source":
			m.Source = d.text()
		case "options":
			m.Options = d.texts()
		case "uidMappings":
			ids.UIDs = d.idMap()
		case "gidMappings":
			ids.GIDs = d.idMap()
		default:
			d.other("mounts[]", name)
		}
	}
	if m.Destination == "" {
		d.missing("destination")
	}
	// Only the source of a bind mount is a path; that of a tmpfs may look like one.
	if m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind") {
		m.Source = d.inBundle(m.Source)
	}
	if len(ids.UIDs)+len(ids.GIDs) > 0 {
		if d.spec.MountIDs == nil {
			d.spec.MountIDs = map[int]container.MountIDs{}
		}
		d.spec.MountIDs[len(d.spec.Mounts)] = ids
	}
	d.spec.Mounts = append(d.spec.Mounts, m)
}
