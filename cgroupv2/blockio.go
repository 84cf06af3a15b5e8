package cgroupv2

import (
	"fmt"
	"strconv"
)

// BlockIO are shares and limits of disks.
type BlockIO struct {
	// Weight is the group's share, 10 to 1000; 0 leaves it alone. It is
	// io.bfq.weight where the BFQ scheduler is loaded, and otherwise io.weight, which
	// has 1 to 10000.
	Weight uint16
	// WeightDevices are shares of single disks.
	WeightDevices []WeightDevice
	// LeafWeight is a share that cgroup v2 does not have. 0 asks for nothing.
	LeafWeight uint16
	// Limits of single disks, in bytes and in operations a second. io.max
	ReadBps, WriteBps, ReadIOPS, WriteIOPS []Throttle
}

// WeightDevice is a share of one disk, of which 0 asks for nothing.
type WeightDevice struct {
	Major, Minor       int64
	Weight, LeafWeight uint16
}

// Throttle is a limit of one disk, not of its partitions. A Rate of 0 takes it away.
type Throttle struct {
	Major, Minor int64
	Rate         uint64
}

func (b *BlockIO) list(l *lister) {
	if b.Weight != 0 {
		b.addWeight(l, "blockIO.weight", "default", b.Weight)
	}
	if b.LeafWeight != 0 {
		l.cannot("blockIO.leafWeight", "cgroup v2 has no weight of a group's own processes: they are in a group without children")
	}
	for i, d := range b.WeightDevices {
		property := fmt.Sprintf("blockIO.weightDevice[%d]", i)
		if d.LeafWeight != 0 {
			l.cannot(property+".leafWeight", "cgroup v2 has no weight of a group's own processes: they are in a group without children")
		}
		if device, ok := deviceNumber(l, property, d.Major, d.Minor); ok && d.Weight != 0 {
			b.addWeight(l, property+".weight", device, d.Weight)
		}
	}
	for _, t := range []struct {
		property, key string
		devices       []Throttle
	}{
		{"blockIO.throttleReadBpsDevice", "rbps", b.ReadBps},
		{"blockIO.throttleWriteBpsDevice", "wbps", b.WriteBps},
		{"blockIO.throttleReadIOPSDevice", "riops", b.ReadIOPS},
		{"blockIO.throttleWriteIOPSDevice", "wiops", b.WriteIOPS},
	} {
		for i, d := range t.devices {
			property := fmt.Sprintf("%s[%d]", t.property, i)
			device, ok := deviceNumber(l, property, d.Major, d.Minor)
			if !ok {
				continue
			}
			rate := "max" // the kernel takes no 0
			if d.Rate != 0 {
				rate = strconv.FormatUint(d.Rate, 10)
			}
			l.add(property, "io.max", device+" "+t.key+"="+rate)
		}
	}
}

// addWeight writes the number as it is for BFQ, whose weights are 1 to 1000, and
// stretched to 1 to 10000 for io.weight.
func (b *BlockIO) addWeight(l *lister, property, key string, weight uint16) {
	if !inRange(l, property, weight, 10, 1000) {
		return
	}
	bfq := file(property, "io.bfq.weight", key+" "+strconv.Itoa(int(weight)))
	cost := file(property, "io.weight", key+" "+strconv.Itoa(1+(int(weight)-10)*9999/990))
	bfq.Instead = &cost
	l.files = append(l.files, bfq)
}

// deviceNumber is a device as the files of the controller io have it.
func deviceNumber(l *lister, property string, major, minor int64) (string, bool) {
	if !inRange(l, property+".major", major, 0, majorMax) || !inRange(l, property+".minor", minor, 0, minorMax) {
		return "", false
	}
	return strconv.FormatInt(major, 10) + ":" + strconv.FormatInt(minor, 10), true
}

// The numbers that a device has room for in the kernel: 12 and 20 bits, kdev_t.h.
const (
	majorMax = 1<<12 - 1
	minorMax = 1<<20 - 1
)
