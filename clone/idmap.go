package clone

import (
	"errors"
	"fmt"
	"strconv"
)

// IDMap maps Size consecutive user or group ids, one line of /proc/PID/uid_map or
// gid_map. See user_namespaces(7).
type IDMap struct {
	// ContainerID is the first id inside of the user namespace.
	ContainerID uint32 `json:"containerID"`
	// HostID is the first id outside, in the user namespace of the process that
	// opens the map, mostly the parent's.
	HostID uint32 `json:"hostID"`
	// Size is the number of ids. 0 is refused by the kernel.
	Size uint32 `json:"size"`
}

// IDMaps is the whole map of a user namespace for user ids, or for group ids. It
// can be written once.
type IDMaps []IDMap

// What the kernel takes, kernel/user_namespace.c.
const (
	// maxLines is UID_GID_MAP_MAX_EXTENTS; before Linux 4.15 it was 5.
	maxLines = 340
	// maxBytes is one less than a page, in which the whole map is written at once.
	// Some arm64 kernels have larger pages; this is what all take.
	maxBytes = 4095
	// noID is -1, "leave this id alone" in setresuid(2), so it cannot be mapped.
	noID = 1<<32 - 1
)

// Format is the text for /proc/PID/uid_map or gid_map, to be written by a single
// write(2).
func (m IDMaps) Format() string {
	b := make([]byte, 0, 24*len(m))
	for _, l := range m {
		b = append(strconv.AppendUint(b, uint64(l.ContainerID), 10), ' ')
		b = append(strconv.AppendUint(b, uint64(l.HostID), 10), ' ')
		b = append(strconv.AppendUint(b, uint64(l.Size), 10), '\n')
	}
	return string(b)
}

// Validate returns, all at once, why the kernel would answer a write of the map
// with EINVAL. Whether the writer may use the ids outside is not looked at: for
// that see newuidmap(1) and subuid(5).
func (m IDMaps) Validate() error {
	var errs []error
	wrong := func(format string, v ...any) { errs = append(errs, fmt.Errorf("id map: "+format, v...)) }
	if len(m) == 0 {
		wrong("it has no line")
	}
	if len(m) > maxLines {
		wrong("%d lines, the kernel takes %d", len(m), maxLines)
		return errors.Join(errs...)
	}
	if n := len(m.Format()); n > maxBytes {
		wrong("%d bytes of text, the kernel takes %d", n, maxBytes)
	}
	for i, l := range m {
		if l.Size == 0 {
			wrong("line %d maps no id", i)
			continue
		}
		if end(l.ContainerID, l.Size) > noID {
			wrong("line %d: container ids from %d to %d: the last one is %d", i, l.ContainerID, end(l.ContainerID, l.Size)-1, uint32(noID-1))
		}
		if end(l.HostID, l.Size) > noID {
			wrong("line %d: host ids from %d to %d: the last one is %d", i, l.HostID, end(l.HostID, l.Size)-1, uint32(noID-1))
		}
		for k, other := range m[:i] {
			if overlap(l.ContainerID, l.Size, other.ContainerID, other.Size) {
				wrong("lines %d and %d: container ids overlap", k, i)
			}
			if overlap(l.HostID, l.Size, other.HostID, other.Size) {
				wrong("lines %d and %d: host ids overlap", k, i)
			}
		}
	}
	return errors.Join(errs...)
}

// ToHost is the id outside that an id inside stands for, and false for one that
// is not mapped.
func (m IDMaps) ToHost(id uint32) (uint32, bool) {
	for _, l := range m {
		if id >= l.ContainerID && uint64(id) < end(l.ContainerID, l.Size) {
			return l.HostID + (id - l.ContainerID), true
		}
	}
	return 0, false
}

// ToContainer is the id inside under which an id outside appears, and false for
// one that is not mapped: a process inside sees it as the overflow id, 65534.
func (m IDMaps) ToContainer(id uint32) (uint32, bool) {
	for _, l := range m {
		if id >= l.HostID && uint64(id) < end(l.HostID, l.Size) {
			return l.ContainerID + (id - l.HostID), true
		}
	}
	return 0, false
}

// end is the id behind the last one.
func end(first, size uint32) uint64 { return uint64(first) + uint64(size) }

func overlap(a, na, b, nb uint32) bool {
	return uint64(a) < end(b, nb) && uint64(b) < end(a, na)
}
