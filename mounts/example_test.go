package mounts_test

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// show prints the operations of a builder from the first one up that comes from a
// line of the configuration.
func show(b *prog.Builder, origin string) {
	b.Add(prog.Op{Call: prog.Exit, Args: prog.Args{prog.Int(0)}})
	p, err := b.Program()
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range p.Len() {
		if p.Op(i).Origin == origin {
			fmt.Printf("%d  %s\n", i, p.Text(i))
		}
	}
}

// The root file system comes as a detached mount and is put on top of /.
func ExampleEmitTree() {
	var b prog.Builder
	_, err := mounts.EmitTree(&b, &mounts.Tree{Root: prog.FD{Num: 3, Name: "root"}})
	if err != nil {
		fmt.Println(err)
	}
	show(&b, "root")
	// Output:
	// 0  mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, {attr_set=0, attr_clr=0, propagation=MS_PRIVATE, userns_fd=0}, 32)
	// 1  mount_setattr(3<root>, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set=0, attr_clr=0, propagation=MS_PRIVATE, userns_fd=0}, 32)
	// 2  move_mount(3<root>, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH)
}

// A procfs is made detached and attached to a directory, not to a path.
func ExampleEmitTree_filesystem() {
	var b prog.Builder
	_, err := mounts.EmitTree(&b, &mounts.Tree{
		Root:   prog.FD{Num: 3, Name: "root"},
		Mounts: []mounts.Mount{{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "ro"}}},
	})
	if err != nil {
		fmt.Println(err)
	}
	show(&b, "mounts[0]")
	// Output:
	// 3  $proc = fsopen("proc", FSOPEN_CLOEXEC)
	// 4  fsconfig($proc, FSCONFIG_SET_STRING, "source", "proc", 0)
	// 5  fsconfig($proc, FSCONFIG_CMD_CREATE, NULL, NULL, 0)
	// 6  $/proc = fsmount($proc, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID)
	// 7  mkdirat(3<root>, "proc", 0755); EEXIST is fine
	// 8  $point = openat2(3<root>, "proc", {flags=O_RDONLY|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC|O_PATH, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH}, 24)
	// 9  move_mount($/proc, "", $point, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
}

// The mount point of a bind mount is a directory or a file, whatever is bound. A link
// there that leads nowhere is mounted on itself.
func ExampleEmitTree_bind() {
	var b prog.Builder
	_, err := mounts.EmitTree(&b, &mounts.Tree{
		Root:   prog.FD{Num: 3, Name: "root"},
		Mounts: []mounts.Mount{{Destination: "/hosts", Type: "bind", Source: "/etc/hosts", Options: []string{"rbind", "rro"}}},
	})
	if err != nil {
		fmt.Println(err)
	}
	show(&b, "mounts[0]")
	// Output:
	// 0  $source:/hosts = open_tree(AT_FDCWD, "/etc/hosts", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)
	// 4  mount_setattr($source:/hosts, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set=MOUNT_ATTR_RDONLY, attr_clr=0, propagation=MS_PRIVATE, userns_fd=0}, 32)
	// 5  openat2($source:/hosts, ".", {flags=O_RDONLY|O_DIRECTORY|O_CLOEXEC|O_PATH, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH}, 24); error: go to 7
	// 6  mkdirat(3<root>, "hosts", 0755); EEXIST is fine
	// 7  mknodat(3<root>, "hosts", S_IFREG|0644, makedev(0, 0)); EEXIST is fine
	// 8  $point = openat2(3<root>, "hosts", {flags=O_RDONLY|O_CLOEXEC|O_PATH, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT}, 24); EAGAIN is fine; error: go to 10; result: go to 12
	// 9  $point = openat2(3<root>, "hosts", {flags=O_RDONLY|O_CLOEXEC|O_PATH, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT}, 24); EAGAIN is fine; error: go to 10; result: go to 12
	// 10  $point = openat2(3<root>, "hosts", {flags=O_RDONLY|O_CLOEXEC|O_PATH, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT}, 24); ENOENT is fine; result: go to 12
	// 11  $point = openat2(3<root>, "hosts", {flags=O_RDONLY|O_NOFOLLOW|O_CLOEXEC|O_PATH, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH}, 24)
	// 12  move_mount($source:/hosts, "", $point, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
}

// A throwaway copy of the machine's own root: what is changed goes to memory.
func ExampleOverlay() {
	var b prog.Builder
	_, err := mounts.EmitTree(&b, &mounts.Tree{Overlay: &mounts.Overlay{Lower: []string{"/"}}})
	if err != nil {
		fmt.Println(err)
	}
	show(&b, "root.overlay")
	// Output:
	// 1  $tmpfs = fsopen("tmpfs", FSOPEN_CLOEXEC)
	// 2  fsconfig($tmpfs, FSCONFIG_SET_STRING, "mode", "0755", 0)
	// 3  fsconfig($tmpfs, FSCONFIG_CMD_CREATE, NULL, NULL, 0)
	// 4  $changes = fsmount($tmpfs, FSMOUNT_CLOEXEC, 0)
	// 5  move_mount($changes, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH)
	// 6  mkdirat($changes, "upper0", 0755)
	// 7  mkdirat($changes, "work0", 0700)
	// 8  $overlay = fsopen("overlay", FSOPEN_CLOEXEC)
	// 9  fsconfig($overlay, FSCONFIG_SET_STRING, "source", "overlay", 0)
	// 10  fsconfig($overlay, FSCONFIG_SET_STRING, "lowerdir", "/", 0)
	// 11  fsconfig($overlay, FSCONFIG_SET_STRING, "upperdir", "/../upper0", 0)
	// 12  fsconfig($overlay, FSCONFIG_SET_STRING, "workdir", "/../work0", 0)
	// 13  fsconfig($overlay, FSCONFIG_CMD_CREATE, NULL, NULL, 0)
	// 14  $root = fsmount($overlay, FSMOUNT_CLOEXEC, 0)
	// 15  umount2("/..", MNT_DETACH)
}

// In a user namespace / is no lower directory: an overlay for each directory, in a root
// that is made of nothing. The first one keeps its changes.
func ExampleOverlay_user() {
	layer := func(path string, mode uint32) *mounts.Overlay {
		return &mounts.Overlay{Lower: []string{path}, Mode: mode, UserXattr: true}
	}
	home := layer("/home", 0)
	home.Upper, home.Work = "/srv/kept/home", "/srv/kept/.work"
	tree := mounts.Tree{
		Overlay: &mounts.Overlay{},
		Mounts: []mounts.Mount{
			{Destination: "/home", Overlay: home},
			{Destination: "/root", Overlay: layer("/root", 0o700)},
			{Destination: "/mnt", Source: "/mnt", Options: []string{"rbind", "rro"}},
			{Destination: "/bin", Source: "/bin", Options: []string{"bind", "copy-symlink"}},
		},
	}
	warnings, err := tree.Validate()
	fmt.Println(warnings, err)
	// Output: [] <nil>
}

// In a tmpfs that the program itself has made, a mount point is a name and no path.
func ExampleEmitTree_nested() {
	var b prog.Builder
	_, err := mounts.EmitTree(&b, &mounts.Tree{
		Root: prog.FD{Num: 3, Name: "root"},
		Mounts: []mounts.Mount{
			{Destination: "/dev", Type: "tmpfs", Options: []string{"mode=755"}},
			{Destination: "/dev/mqueue", Type: "mqueue"},
		},
		Devices: []mounts.Device{{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229}},
	})
	if err != nil {
		fmt.Println(err)
	}
	var devices prog.Builder
	_, _ = mounts.EmitTree(&devices, &mounts.Tree{
		Root:    prog.FD{Num: 3, Name: "root"},
		Mounts:  []mounts.Mount{{Destination: "/dev", Type: "tmpfs"}},
		Devices: []mounts.Device{{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229, FileMode: 0o660, GID: 8}},
	})
	show(&b, "mounts[1]")
	show(&devices, "linux.devices[0]")
	// Output:
	// 10  $mqueue = fsopen("mqueue", FSOPEN_CLOEXEC)
	// 11  fsconfig($mqueue, FSCONFIG_CMD_CREATE, NULL, NULL, 0)
	// 12  $/dev/mqueue = fsmount($mqueue, FSMOUNT_CLOEXEC, 0)
	// 13  mkdirat($/dev, "mqueue", 0755); EEXIST is fine
	// 14  move_mount($/dev/mqueue, "", $/dev, "mqueue", MOVE_MOUNT_F_EMPTY_PATH)
	// 9  mknodat($/dev, "fuse", S_IFCHR|0660, makedev(0xa, 0xe5))
	// 10  fchownat($/dev, "fuse", 0, 8, AT_SYMLINK_NOFOLLOW)
}

// A file is covered with the null device, a directory with an empty one.
func ExampleEmitTree_mask() {
	var b prog.Builder
	_, err := mounts.EmitTree(&b, &mounts.Tree{
		Root: prog.FD{Num: 3, Name: "root"}, Null: prog.FD{Num: 4, Name: "null"},
		Mounts: []mounts.Mount{{Destination: "/proc", Type: "proc"}},
		Masked: []string{"/proc/kcore"},
	})
	if err != nil {
		fmt.Println(err)
	}
	show(&b, "linux.maskedPaths[0]")
	// Output:
	// 16  $place = openat2($/proc, "kcore", {flags=O_RDONLY|O_DIRECTORY|O_CLOEXEC|O_PATH, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH}, 24); error: go to 17; result: go to 22
	// 17  $place2 = openat2($/proc, "kcore", {flags=O_RDONLY|O_CLOEXEC|O_PATH, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH}, 24); ENOENT is fine; result: go to 19
	// 18  gettid(); result: go to 24
	// 19  $mask = open_tree(4<null>, "", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH)
	// 20  move_mount($mask, "", $place2, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
	// 21  gettid(); result: go to 24
	// 22  $mask2 = open_tree($empty, "", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH)
	// 23  move_mount($mask2, "", $place, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
}

// A read-only path is covered with a read-only copy of itself.
func ExampleEmitTree_readOnly() {
	var b prog.Builder
	_, err := mounts.EmitTree(&b, &mounts.Tree{
		Root:          prog.FD{Num: 3, Name: "root"},
		Mounts:        []mounts.Mount{{Destination: "/proc", Type: "proc"}},
		ReadOnlyPaths: []string{"/proc/sys"},
	})
	if err != nil {
		fmt.Println(err)
	}
	show(&b, "linux.readonlyPaths[0]")
	// Output:
	// 9  $place = openat2($/proc, "sys", {flags=O_RDONLY|O_CLOEXEC|O_PATH, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH}, 24); ENOENT is fine; result: go to 11
	// 10  gettid(); result: go to 14
	// 11  $copy = open_tree($place, "", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH|AT_RECURSIVE)
	// 12  mount_setattr($copy, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set=MOUNT_ATTR_RDONLY, attr_clr=0, propagation=0, userns_fd=0}, 32)
	// 13  move_mount($copy, "", $place, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)
}

func ExampleEmitPivot() {
	var b prog.Builder
	if err := mounts.EmitPivot(&b, mounts.Tree{Root: prog.FD{Num: 3, Name: "root"}}); err != nil {
		fmt.Println(err)
	}
	show(&b, "root")
	// Output:
	// 0  fchdir(3<root>)
	// 1  pivot_root(".", ".")
	// 2  umount2(".", MNT_DETACH)
	// 3  chdir("/")
}

// The kernel's parameters are written through a procfs that is nobody else's.
func ExampleOpenProc() {
	var b prog.Builder
	procfs := mounts.EmitProcfs(&b)
	fd := mounts.OpenProc(&b, procfs, "sys/net/ipv4/ip_forward", unix.O_WRONLY)
	b.Add(prog.Op{Call: prog.Write, Args: prog.Args{fd, prog.Str("1"), prog.Int(1)}})
	show(&b, "")
	// Output:
	// 0  $proc = fsopen("proc", FSOPEN_CLOEXEC)
	// 1  fsconfig($proc, FSCONFIG_CMD_CREATE, NULL, NULL, 0)
	// 2  $procfs = fsmount($proc, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV|MOUNT_ATTR_NOEXEC)
	// 3  $file = openat2($procfs, "sys/net/ipv4/ip_forward", {flags=O_WRONLY|O_CLOEXEC, resolve=RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS|RESOLVE_BENEATH}, 24)
	// 4  write($file, "1", 1)
	// 5  exit(0)
}

func ExampleParseOptions() {
	o, err := mounts.ParseOptions([]string{"nosuid", "ro", "rw", "rprivate", "size=64m"})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println("nosuid:", o.Set == unix.MOUNT_ATTR_NOSUID)
	fmt.Println("for the file system:", o.Data)

	_, err = mounts.ParseOptions([]string{"idmap=uids=0-1000-1"})
	fmt.Println(err)
	// Output:
	// nosuid: true
	// for the file system: [size=64m]
	// option idmap=uids=0-1000-1: ids are given as uidMappings and gidMappings of the mount
}
