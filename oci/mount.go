package oci

import (
	"slices"
	"strconv"

	"github.com/selfcontain/runtime/mounts"
)

func (d *decoder) mount() {
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
	d.spec.Mounts = append(d.spec.Mounts, m)
}
