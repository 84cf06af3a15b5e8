// Package cgroupv2 limits, counts, freezes and ends the processes of a container
// together: a control group of version 2, cgroups(7).
//
// [Resources] are the limits as the OCI runtime specification writes them, and
// [Resources.Files] turns them into writes, without a look at the machine.
// [Find] finds the hierarchy, where it is mounted alone as well as beside version 1;
// [Hierarchy.Create] makes a [Group] in it, and [Group.Set] writes:
//
//	files, err := resources.Files()
//	h, err := cgroupv2.Find()
//	g, err := h.Create("/selfcontain/box")
//	err = g.Set(files)
//	// clone3 with CLONE_INTO_CGROUP and g.FD()
//	err = g.Kill(ctx)
//	err = g.Remove(ctx)
//
// # Controllers
//
// A file such as memory.max is there only if the controller memory is enabled in
// every group above. Set enables those that it needs, from the top down, and no
// other. The kernel enables none in a group that has processes of its own ("no
// internal processes", which the root alone is free of). [Hierarchy.Evacuate] moves
// them into a group below.
//
// # Paths
//
// A path of a group is absolute and starts at the mount's own directory. It is looked
// up from a descriptor of that, with openat2, never outside, never through a link.
//
// # Devices
//
// Version 2 has no files for devices. A [Filter] of a few eBPF instructions decides
// about each open and mknod; [Group.SetFilter] attaches it, in the place of the one before.
package cgroupv2
