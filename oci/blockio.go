package oci

import (
	"math"

	"github.com/selfcontain/runtime/cgroupv2"
)

func (d *decoder) blockIO(b *cgroupv2.BlockIO) {
	for name := range d.members() {
		switch name {
		case "weight":
			b.Weight = uint16(d.unsigned(math.MaxUint16))
		case "leafWeight":
			b.LeafWeight = uint16(d.unsigned(math.MaxUint16))
		case "weightDevice":
			for range d.elements() {
				b.WeightDevices = append(b.WeightDevices, d.weightDevice())
			}
		case "throttleReadBpsDevice":
			b.ReadBps = d.throttles()
		case "throttleWriteBpsDevice":
			b.WriteBps = d.throttles()
		case "throttleReadIOPSDevice":
			b.ReadIOPS = d.throttles()
		case "throttleWriteIOPSDevice":
			b.WriteIOPS = d.throttles()
		default:
			d.skip()
		}
	}
}

func (d *decoder) weightDevice() (w cgroupv2.WeightDevice) {
	disk := diskNumbers{decoder: d}
	for name := range d.members() {
		switch name {
		case "weight":
			w.Weight = uint16(d.unsigned(math.MaxUint16))
		case "leafWeight":
			w.LeafWeight = uint16(d.unsigned(math.MaxUint16))
		default:
			disk.member(name)
		}
	}
	w.Major, w.Minor = disk.all()
	return w
}

func (d *decoder) throttles() (list []cgroupv2.Throttle) {
	for range d.elements() {
		t, disk, rate := cgroupv2.Throttle{}, diskNumbers{decoder: d}, false
		for name := range d.members() {
			if name == "rate" {
				rate, t.Rate = true, d.unsigned(math.MaxUint64)
			} else {
				disk.member(name)
			}
		}
		t.Major, t.Minor = disk.all()
		if !rate {
			d.missing("rate")
		}
		list = append(list, t)
	}
	return list
}

// diskNumbers reads the members major and minor, both of which there must be.
type diskNumbers struct {
	*decoder
	major, minor       int64
	hasMajor, hasMinor bool
}

func (n *diskNumbers) member(name string) {
	switch name {
	case "major":
		n.hasMajor, n.major = true, n.signed(0, maxMajor)
	case "minor":
		n.hasMinor, n.minor = true, n.signed(0, maxMinor)
	default:
		n.skip()
	}
}

func (n *diskNumbers) all() (major, minor int64) {
	switch {
	case !n.hasMajor:
		n.missing("major")
	case !n.hasMinor:
		n.missing("minor")
	}
	return n.major, n.minor
}

// deviceRule reads a rule of the device controller. Numbers that are not there are any. One that
// denies and has no access denies all.
func (d *decoder) deviceRule() cgroupv2.DeviceRule {
	r, allow := cgroupv2.DeviceRule{Major: cgroupv2.Any, Minor: cgroupv2.Any}, false
	for name := range d.members() {
		switch name {
		case "allow":
			allow, r.Allow = true, d.flag()
		case "type":
			r.Type = d.text()
			switch r.Type {
			case "", "a", "b", "c":
			default:
				d.fail("%q is not a type of device: a, b or c", r.Type)
			}
		case "major":
			r.Major = d.signed(cgroupv2.Any, maxMajor)
		case "minor":
			r.Minor = d.signed(cgroupv2.Any, maxMinor)
		case "access":
			r.Access = d.access()
		default:
			d.skip()
		}
	}
	switch {
	case !allow:
		d.missing("allow")
	case r.Allow && r.Access == "": // in other runtimes it allows nothing
		d.fail(`access is missing: "rwm" allows to read, to write and to make`)
	}
	return r
}

// access reads what a rule is about: some of the letters r, w and m.
func (d *decoder) access() string {
	s := d.text()
	for _, letter := range s {
		if letter != 'r' && letter != 'w' && letter != 'm' {
			d.fail("%q is not made of the letters r, w and m", s)
			break
		}
	}
	return s
}
