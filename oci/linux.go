package oci

import (
	"strings"

	"github.com/selfcontain/runtime/clone"
)

func (d *decoder) linux() {
	for name := range d.members() {
		switch name {
		case "namespaces":
			for range d.elements() {
				d.namespace()
			}
		case "uidMappings":
			d.spec.UIDMappings = d.idMap()
		case "gidMappings":
			d.spec.GIDMappings = d.idMap()
		case "timeOffsets":
			d.timeOffsets()
		case "devices":
			for range d.elements() {
				d.device()
			}
		case "sysctl":
			d.spec.Sysctl = d.pairs()
		case "maskedPaths":
			d.spec.MaskedPaths = d.paths()
		case "readonlyPaths":
			d.spec.ReadonlyPaths = d.paths()
		case "rootfsPropagation":
			d.propagation()
		case "cgroupsPath":
			d.cgroupsPath = d.text()
		case "resources":
			d.resources = d.limits()
		case "mountLabel":
			d.spec.MountLabel = d.text()
		case "netDevices":
			d.netDevices()
		case "personality":
			d.personality()
		case "memoryPolicy":
			d.memoryPolicy()
		default:
			d.other("linux", name)
		}
	}
}

// namespaceTypes are the specification's names.
var namespaceTypes = [...]struct {
	name string
	typ  clone.NamespaceType
}{
	{"pid", clone.NEWPID},
	{"network", clone.NEWNET},
	{"mount", clone.NEWNS},
	{"ipc", clone.NEWIPC},
	{"uts", clone.NEWUTS},
	{"user", clone.NEWUSER},
	{"cgroup", clone.NEWCGROUP},
	{"time", clone.NEWTIME},
}

func (d *decoder) namespace() {
	var ns clone.Namespace
	for name := range d.members() {
		switch name {
		case "type":
			ns.Type = d.namespaceType()
		case "path":
			ns.Path = d.text()
			if ns.Path != "" && !strings.HasPrefix(ns.Path, "/") {
				d.fail("%q is not an absolute path", ns.Path)
			}
		default:
			d.skip()
		}
	}
	if ns.Type == "" {
		d.missing("type")
	}
	d.spec.Namespaces = append(d.spec.Namespaces, ns)
}

func (d *decoder) namespaceType() clone.NamespaceType {
	name := d.text()
	for _, row := range namespaceTypes {
		switch {
		case row.name != name:
			continue
		case d.spec.Namespaces.Contains(row.typ):
			d.fail("%s stands twice", name)
		}
		return row.typ
	}
	d.fail("%q is not a type of namespace", name)
	return ""
}

// paths reads an array of paths in the container.
func (d *decoder) paths() []string {
	list := []string{}
	for range d.elements() {
		list = append(list, d.absolute())
	}
	return list
}

func (d *decoder) propagation() {
	d.spec.Root.Propagation = d.text()
	switch d.spec.Root.Propagation {
	case "", "private", "slave", "shared", "unbindable", "rprivate", "rslave", "rshared", "runbindable":
	default:
		d.fail("%q is not private, slave, shared or unbindable, or one of them with an r in front", d.spec.Root.Propagation)
	}
}
