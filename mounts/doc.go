// Package mounts describes the file system tree of a container: its root, what is
// mounted in it, its devices, and what of it is hidden.
//
// [EmitTree] and [EmitPivot] turn a [Tree] into operations of a program
// ([github.com/selfcontain/runtime/nsexec/prog]); the package itself makes no system
// call. The program runs in the container's new mount namespace, with umask 0.
//
// # The order
//
//	open_tree       a copy of the root, if it comes as a path, of every bind source, and
//	                of devices that are bound, while / is still what the host shows
//	mount_setattr   / private: from here on nothing that happens is seen outside
//	fsopen ...      overlays, whose layers are directories of the host
//	move_mount      the root, on top of /
//	...             the mounts, in the order in which they are listed
//	mknodat         devices and links of /dev
//	mkdirat         the working directory
//	...             masked and read-only paths
//	mount_setattr   a read-only root
//	pivot_root      the root becomes /, and the host's tree goes away
//
// The root comes as a mount that is attached nowhere ([Tree].Root, made by the caller
// with open_tree(2)), so that no call has a string with its path; a program of an
// ordinary user makes it itself, once, and uses the descriptor as well. It is attached on
// top of /: the calling process still has the host's tree as its /, since the root of
// a process stays where it was when something is mounted on it.
//
// The same is true of the other way into what is mounted on top: /.. arrives there. An
// overlay whose changes go to memory has its upper directory on a tmpfs that lies on top
// of / while the overlay is made, covers nothing there, and is taken off again.
//
// # Paths
//
// Whoever made the container's root file system may have put a symbolic link
// anywhere, and may exchange it at any moment. So a path inside is looked up once, by
// openat2(2) with RESOLVE_IN_ROOT, for which the root is / and magic links do not
// exist, and what it leads to is then used as a descriptor. A new mount is made
// detached (fsopen(2), fsmount(2), open_tree(2)) and attached from descriptor to
// descriptor (move_mount(2)). Below a file system that the program itself has just
// made there is nobody else's link, and one lookup from that mount's own descriptor
// is enough, with symbolic links refused altogether.
//
// No descriptor is closed: each is close-on-exec, and the program ends in an exec.
// Closing them one by one would be a call each and change nothing.
//
// The calls are those of Linux 5.12 and newer (mount_setattr(2) is the youngest).
package mounts
