package oci

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/mounts"
)

// A device number has 12 bits for the major and 20 for the minor number. mknod(2) would
// make another device of what is above.
const (
	maxMajor = 1<<12 - 1
	maxMinor = 1<<20 - 1
)

func (d *decoder) device() {
	dev := mounts.Device{Origin: "linux.devices[" + strconv.Itoa(len(d.spec.Devices)) + "]"}
	major, minor := false, false
	for name := range d.members() {
		switch name {
		case "type":
			dev.Type = d.text()
			switch dev.Type {
			case "c", "u", "b", "p":
			default:
				d.fail("%q is not a type of device: c, u, b or p", dev.Type)
			}
		case "path":
			dev.Path = d.absolute()
		case "major":
			major = true
			dev.Major = uint32(d.signed(0, maxMajor))
		case "minor":
			minor = true
			dev.Minor = uint32(d.signed(0, maxMinor))
		case "fileMode":
			// With the bits of the file type, as stat(2) has it, or without.
			dev.FileMode = uint32(d.unsigned(unix.S_IFMT | 0o7777))
			if dev.FileMode&^unix.S_IFMT == 0 {
				d.unsupported("a device that nobody may open is")
			}
		case "uid":
			dev.UID = d.id()
		case "gid":
			dev.GID = d.id()
		default:
			d.skip()
		}
	}
	switch {
	case dev.Path == "":
		d.missing("path")
	case dev.Type == "":
		d.missing("type")
	case dev.Type == "p": // whatever numbers it has
		dev.Major, dev.Minor = 0, 0
	case !major:
		d.missing("major")
	case !minor:
		d.missing("minor")
	}
	d.spec.Devices = append(d.spec.Devices, dev)
}
