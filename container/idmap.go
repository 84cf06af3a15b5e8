package container

import (
	"strconv"

	"github.com/selfcontain/runtime/clone"
)

// IDMappings are the ids that a caller can have in a user namespace of its own: itself
// as 0, and behind that, from 1 on, whatever newuidmap(1) and newgidmap(1) let it give
// away. Without these programs, or without lines for it in subuid(5) and subgid(5), it
// is the caller alone.
//
// Files of a root file system belong to many users, so it is worth having more than
// one id: with a single one every chown fails.
func IDMappings(host Host) (uid, gid clone.IDMaps) {
	uid = clone.IDMaps{{ContainerID: 0, HostID: uint32(host.UID), Size: 1}}
	gid = clone.IDMaps{{ContainerID: 0, HostID: uint32(host.GID), Size: 1}}
	if host.mapsIDs() || host.NewUIDMap == "" || host.NewGIDMap == "" || len(host.SubUIDs) == 0 || len(host.SubGIDs) == 0 {
		return uid, gid
	}
	return withRanges(uid, host.SubUIDs), withRanges(gid, host.SubGIDs)
}

// withRanges maps ranges one behind the other, behind what is mapped already. A range
// that overlaps with one before is left out: the kernel would refuse the whole map.
func withRanges(m clone.IDMaps, ranges []IDRange) clone.IDMaps {
	next := uint64(m[len(m)-1].ContainerID) + uint64(m[len(m)-1].Size)
	for _, r := range ranges {
		longer := append(m[:len(m):len(m)], clone.IDMap{ContainerID: uint32(next), HostID: r.First, Size: r.Count})
		if next > 1<<32-2 || longer.Validate() != nil {
			continue
		}
		m, next = longer, next+uint64(r.Count)
	}
	return m
}

// mapArgs are a map as arguments of newuidmap(1).
func mapArgs(m clone.IDMaps) (args []string) {
	for _, l := range m {
		for _, n := range [...]uint32{l.ContainerID, l.HostID, l.Size} {
			args = append(args, strconv.FormatUint(uint64(n), 10))
		}
	}
	return args
}
