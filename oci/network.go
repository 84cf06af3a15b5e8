package oci

import "github.com/selfcontain/runtime/container"

// netDevices reads the interfaces of the host that are moved, by their names there, each with
// the name that it gets.
//
// https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config-linux.md#network-devices
func (d *decoder) netDevices() {
	for host := range d.members() {
		n := container.Network{Type: "device", HostInterfaceName: host}
		for name := range d.members() {
			switch name {
			case "name":
				n.Name = d.text()
			default:
				d.skip()
			}
		}
		if host == "" {
			d.fail("the name of an interface is empty")
		}
		d.spec.Networks = append(d.spec.Networks, n)
	}
}
