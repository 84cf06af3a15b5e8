package mounts_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

var (
	rootFD = prog.FD{Num: 3, Name: "root"}
	nullFD = prog.FD{Num: 4, Name: "null"}
)

func one(m mounts.Mount) mounts.Tree { return mounts.Tree{Mounts: []mounts.Mount{m}} }

func TestTreesThatAreRefused(t *testing.T) {
	tmpfs := func(at string) mounts.Tree { return one(mounts.Mount{Destination: at, Type: "tmpfs"}) }
	device := func(d mounts.Device) mounts.Tree { return mounts.Tree{Devices: []mounts.Device{d}} }
	long := strings.Repeat("x", 256)
	for _, row := range []struct {
		sentence string
		tree     mounts.Tree
		want     string
	}{
		{"the root as a destination", tmpfs("/"), "mounts[0]: destination: /: this is the root of the container"},
		{"the root in other words", tmpfs("//./"), "mounts[0]: destination: //./: this is the root of the container"},
		{"no destination", tmpfs(""), "mounts[0]: destination: the path is empty"},
		{"a destination that goes up", tmpfs("/a/../b"), `mounts[0]: destination: /a/../b: the path goes up with ".."`},
		{"a destination with a NUL", tmpfs("/a\x00b"), `mounts[0]: destination: "/a\x00b": the path holds a NUL`},
		{"a name that is too long", tmpfs("/a/" + long), "mounts[0]: destination: a name of the path is 256 bytes long, the kernel takes at most 255"},
		{"a path that is too long", tmpfs(strings.Repeat("/abc", 1024)), "mounts[0]: destination: the path is 4096 bytes long, the kernel takes at most 4095"},
		{"ids that nobody has mapped", one(mounts.Mount{Destination: "/a", Source: "/b", Options: []string{"rbind", "ridmap"}}), "mounts[0]: option idmap: nobody has made the mount with its own ids (Mount.From)"},
		{"ids of a file system", one(mounts.Mount{Destination: "/a", Type: "tmpfs", Options: []string{"idmap"}}), "mounts[0]: option idmap: only a bind mount can have ids of its own"},
		{"a copy of what a disk covers", one(mounts.Mount{Destination: "/a", Type: "ext4", Options: []string{"tmpcopyup"}}), "mounts[0]: option tmpcopyup: only a new tmpfs can have a copy of what it covers"},
		{"a copy with a mode that is none", one(mounts.Mount{Destination: "/a", Type: "tmpfs", Options: []string{"tmpcopyup", "mode=rwx"}}), "mounts[0]: option mode=rwx: this is no mode"},
		{"a link that is copied and bound", one(mounts.Mount{Destination: "/a", Source: "/b", Options: []string{"bind", "copy-symlink", "src-nofollow"}}), "mounts[0]: options copy-symlink and src-nofollow: a link is copied or bound, and not both"},
		{"a link of a file system", one(mounts.Mount{Destination: "/a", Type: "tmpfs", Options: []string{"src-nofollow"}}), "mounts[0]: option copy-symlink or src-nofollow: only a bind mount has a source that may be a link"},
		{"no type", one(mounts.Mount{Destination: "/a"}), "mounts[0]: the type of the file system is missing, and it is no bind mount"},
		{"a type with a NUL", one(mounts.Mount{Destination: "/a", Type: "x\x00"}), `mounts[0]: type "x\x00" or source "": there is a NUL in it`},
		{"a relative source", one(mounts.Mount{Destination: "/a", Type: "bind", Source: "b"}), `mounts[0]: source "b": what is bound must be an absolute path of the host`},
		{"options that are more than a page", one(mounts.Mount{Destination: "/a", Type: "overlay", Options: []string{"lowerdir=" + strings.Repeat("a", 4096)}}), "mounts[0]: the options have 4105 bytes, the kernel takes at most 4095 (mount(2))"},
		{"a long option beside one with a comma", one(mounts.Mount{Destination: "/a", Type: "ext4", Options: []string{"x=" + long, "y=1,2"}}), "mounts[0]: option y: a value with a comma cannot stand beside one of more than 255 bytes (fsconfig(2), mount(2))"},
		{"a name that is too long", one(mounts.Mount{Destination: "/a", Type: "ext4", Options: []string{long}}), "mounts[0]: option " + long[:32] + "...: the kernel takes at most 255 bytes of a name"},
		{"an overlay of nothing", one(mounts.Mount{Destination: "/a", Overlay: &mounts.Overlay{}}), "mounts[0]: overlay: it has no layers: what is empty is a tmpfs"},
		{"an overlay with half of what it needs", one(mounts.Mount{Destination: "/a", Overlay: &mounts.Overlay{Lower: []string{"/a"}, Upper: "/b"}}), "mounts[0]: overlay: an overlay has both an upper directory and one to work in, or neither"},
		{"an overlay of a relative path", one(mounts.Mount{Destination: "/a", Overlay: &mounts.Overlay{Lower: []string{"a"}}}), `mounts[0]: overlay: "a": want an absolute path of the host`},
		{"an overlay of more than a page", one(mounts.Mount{Destination: "/a", Overlay: &mounts.Overlay{Lower: []string{"/" + strings.Repeat("a", 4000), "/" + strings.Repeat("b", 50)}}}), "mounts[0]: overlay: the options have 4146 bytes, the kernel takes at most 4095 (mount(2))"},
		{"a mount of two kinds", one(mounts.Mount{Destination: "/a", Type: "tmpfs", Overlay: &mounts.Overlay{Lower: []string{"/a"}}}), `mounts[0]: type "tmpfs": with layers it is an overlay`},
		{"a remount of a file system", one(mounts.Mount{Destination: "/a", Type: "tmpfs", Options: []string{"remount", "size=1"}}), "mounts[0]: option size=1: a remount changes the mount, not its file system; say it where that is mounted"},
		{"no procfs on /proc", tmpfs("/proc"), "mounts[0]: a tmpfs cannot be mounted on /proc: only a procfs can"},
		{"anything inside /proc", tmpfs("/proc/sys"), "mounts[0]: nothing may be mounted on /proc/sys, which is inside /proc"},
		{"anything inside /proc, in other words", tmpfs("proc//./self/attr"), "mounts[0]: nothing may be mounted on /proc/self/attr, which is inside /proc"},
		{"an origin of its own", one(mounts.Mount{Destination: "/", Type: "tmpfs", Origin: "volumes[7]"}), "volumes[7]: destination: /: this is the root of the container"},
		{"a propagation that is none", mounts.Tree{Propagation: "public"}, `linux.rootfsPropagation: "public" is none of private, slave, shared, unbindable, nor one of these with an r in front`},
		{"an r alone", mounts.Tree{Propagation: "r"}, `linux.rootfsPropagation: "r" is none of private, slave, shared, unbindable, nor one of these with an r in front`},
		{"a relative device", device(mounts.Device{Path: "dev/x", Type: "c"}), "linux.devices[0]: dev/x: the path is not absolute"},
		{"a type of device that is none", device(mounts.Device{Path: "/dev/x", Type: "d"}), `linux.devices[0]: type "d": want c, b, u or p`},
		{"a device number that is cut off", device(mounts.Device{Path: "/dev/x", Type: "b", Major: 4096}), "linux.devices[0]: device 4096:0: the kernel has 12 bits for the first number and 20 for the second"},
		{"a pipe with a number", device(mounts.Device{Path: "/dev/x", Type: "p", Minor: 1}), "linux.devices[0]: a named pipe has no device number"},
		{"a mode that is none", device(mounts.Device{Path: "/dev/x", Type: "c", FileMode: 0o200666}), "linux.devices[0]: mode 0200666 is none"},
		{"an owner that is none", device(mounts.Device{Path: "/dev/x", Type: "c", UID: 1<<32 - 1}), "linux.devices[0]: owner 4294967295:0: 4294967295 is no id"},
		{"one place for two devices", mounts.Tree{Devices: []mounts.Device{{Path: "/x", Type: "p"}, {Path: "//x", Type: "c"}}}, "linux.devices[1]: //x is made by linux.devices[0] already"},
		{"a relative working directory", mounts.Tree{Cwd: "work"}, "process.cwd: work: the path is not absolute"},
		{"a relative masked path", mounts.Tree{Masked: []string{"proc/x"}}, "linux.maskedPaths[0]: proc/x: the path is not absolute"},
		{"the root masked", mounts.Tree{Masked: []string{"/"}}, "linux.maskedPaths[0]: /: this is the root of the container"},
		{"a read-only path that goes up", mounts.Tree{ReadOnlyPaths: []string{"/etc", "/.."}}, `linux.readonlyPaths[1]: /..: the path goes up with ".."`},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			row.tree.Root, row.tree.Null = rootFD, nullFD
			_, err := row.tree.Validate()
			if err == nil || err.Error() != row.want {
				t.Errorf("error\n%v\nwant\n%s", err, row.want)
			}
			var b prog.Builder
			if _, err := mounts.EmitTree(&b, &row.tree); err == nil || b.Len() != 0 {
				t.Errorf("EmitTree has added %d operations, error %v", b.Len(), err)
			}
		})
	}
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) {
	tree := mounts.Tree{
		Mounts: []mounts.Mount{{Destination: "/", Type: "tmpfs"}, {Destination: "/a"}}, Masked: []string{"/x", "y"},
	}
	_, err := tree.Validate()
	want := `root: there is none: a detached mount, a directory or an overlay is needed
mounts[0]: destination: /: this is the root of the container
mounts[1]: the type of the file system is missing, and it is no bind mount
linux.maskedPaths[1]: y: the path is not absolute`
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
}

func TestWarnings(t *testing.T) {
	tree := mounts.Tree{
		Root: rootFD,
		Mounts: []mounts.Mount{
			{Destination: "data/x", Type: "tmpfs"},
			{Destination: "/dev/fuse", Type: "bind", Source: "/dev/fuse", Options: []string{"bind", "sync", "size=1"}},
			{Destination: "/proc/cpuinfo", Type: "bind", Source: "/x"},
		},
		Devices: []mounts.Device{{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229}},
	}
	warnings, err := tree.Validate()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"mounts[0]: the destination data/x is relative, which is deprecated; it is taken for /data/x",
		"mounts[1]: the option sync belongs to a file system and does nothing to a bind mount",
		"mounts[1]: the option size=1 belongs to a file system and does nothing to a bind mount",
		"linux.devices[0]: /dev/fuse is not made: mounts[1] is mounted there",
	}
	if got := fmt.Sprint(warnings); got != fmt.Sprint(want) {
		t.Errorf("warnings\n%v\nwant\n%v", got, want)
	}
}

// program completes a tree's operations to a program.
func program(t testing.TB, tree mounts.Tree) *prog.Program {
	t.Helper()
	tree.Root, tree.Null = rootFD, nullFD
	var b prog.Builder
	b.Add(prog.Op{Call: prog.Setsid}) // a label may not stand for the first operation
	if _, err := mounts.EmitTree(&b, &tree); err != nil {
		t.Fatal(err)
	}
	if err := mounts.EmitPivot(&b, tree); err != nil {
		t.Fatal(err)
	}
	b.Add(prog.Op{Call: prog.Exit, Args: prog.Args{prog.Int(0)}})
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEveryOperationSaysWhy(t *testing.T) {
	tree := mounts.Tree{
		ReadOnly: true, Propagation: "rshared", DefaultDevices: true, Cwd: "/srv/deep",
		Mounts: append(usual(),
			bind("/srv", "rbind", "rro", "rw"),
			mounts.Mount{Destination: "/data/deep/tmp", Type: "tmpfs", Options: []string{"ro", "shared", "sync"}},
			mounts.Mount{Destination: "/data/deep/tmp/disk", Type: "ext4", Source: "/dev/sda1", Options: []string{"ro"}},
			mounts.Mount{Destination: "/elsewhere", Options: []string{"remount", "ro", "rnoexec"}},
			mounts.Mount{Destination: "/proc/cpuinfo", Type: "bind", Source: "/x"},
		),
		Devices: []mounts.Device{{Path: "/dev/net/tun", Type: "c", UID: 1}},
		Masked:  []string{"/proc/kcore", "/etc/shadow"}, ReadOnlyPaths: []string{"/proc/sys", "/etc"},
	}
	p := program(t, tree)
	for i := 1; i < p.Len()-1; i++ {
		op := p.Op(i)
		if op.Why == "" || op.Origin == "" {
			t.Errorf("op %d %v: why %q, origin %q", i, op, op.Why, op.Origin)
		}
	}
}

// paper runs a program with the errors that answer says, by the call's text; every
// other call succeeds. It returns the text of what was made.
func paper(t *testing.T, p *prog.Program, answer func(text string, n int) unix.Errno) ([]string, unix.Errno) {
	t.Helper()
	var made []string
	seen := map[string]int{}
	m := prog.Machine{Kernel: func(i int, op prog.Op, _ [6]uint64) (uint64, unix.Errno) {
		text := op.String()
		made = append(made, text)
		seen[text]++
		switch op.Call {
		case prog.Openat2, prog.OpenTree, prog.Fsopen, prog.Fsmount, prog.Gettid:
			return 7, answer(text, seen[text])
		case prog.Futex:
			return 0, unix.EAGAIN
		}
		return 0, answer(text, seen[text])
	}}
	run, err := m.Run(p)
	if err != nil {
		t.Fatal(err)
	}
	return made, run.Errno
}

func count(made []string, part string) (n int) {
	for _, text := range made {
		if strings.Contains(text, part) {
			n++
		}
	}
	return n
}

func TestLookupsAreTriedThreeTimes(t *testing.T) {
	required := program(t, one(mounts.Mount{Destination: "/data", Type: "tmpfs"}))
	optional := program(t, mounts.Tree{Masked: []string{"/data"}})
	for _, row := range []struct {
		sentence string
		program  *prog.Program
		errors   []unix.Errno // of the lookups, in order
		lookups  int
		stops    unix.Errno
		attached int // move_mount calls to the place
	}{
		{"a path that is there is looked up once", required, nil, 1, 0, 1},
		{"again after EAGAIN", required, []unix.Errno{unix.EAGAIN}, 2, 0, 1},
		{"and a third time", required, []unix.Errno{unix.EAGAIN, unix.EAGAIN}, 3, 0, 1},
		{"and not a fourth time", required, []unix.Errno{unix.EAGAIN, unix.EAGAIN, unix.EAGAIN}, 3, unix.EAGAIN, 0},
		{"any other error stops", required, []unix.Errno{unix.ENOENT}, 1, unix.ENOENT, 0},
		{"a masked path that is a directory is looked up once", optional, nil, 1, 0, 1},
		{"one that is no directory is looked up again", optional, []unix.Errno{unix.ENOTDIR}, 3, 0, 1},
		{"a masked path after EAGAIN", optional, []unix.Errno{unix.EAGAIN, unix.EAGAIN}, 4, 0, 1},
		{"a masked path that is missing", optional, []unix.Errno{unix.ENOENT, unix.ENOENT}, 3, 0, 0},
		{"a masked path that is missing after EAGAIN", optional, []unix.Errno{unix.EAGAIN, unix.ENOENT, unix.ENOENT}, 4, 0, 0},
		{"a masked path that cannot be reached is not taken for missing", optional, []unix.Errno{unix.EACCES, unix.EACCES}, 3, unix.EACCES, 0},
		{"a masked path that stays unsure", optional, []unix.Errno{unix.EAGAIN, unix.EAGAIN, unix.EAGAIN}, 4, unix.EAGAIN, 0},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			made, errno := paper(t, row.program, func(text string, n int) unix.Errno {
				if strings.Contains(text, `"data"`) && strings.HasPrefix(text, "openat2") && n <= len(row.errors) {
					return row.errors[n-1]
				}
				return 0
			})
			if errno != row.stops {
				t.Errorf("the program stopped with %v, want %v", errno, row.stops)
			}
			if n := count(made, `openat2(3<root>, "data"`); n != row.lookups {
				t.Errorf("%d lookups, want %d", n, row.lookups)
			}
			if n := count(made, `"", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH`); n != row.attached {
				t.Errorf("%d mounts attached, want %d", n, row.attached)
			}
		})
	}
}

func TestMountPointsSideBySideCostOneWalk(t *testing.T) {
	var tree mounts.Tree
	for _, name := range []string{"hosts", "hostname", "resolv.conf"} {
		tree.Mounts = append(tree.Mounts, mounts.Mount{Destination: "/etc/" + name, Type: "bind", Source: "/srv/" + name})
	}
	made, errno := paper(t, program(t, tree), func(string, int) unix.Errno { return 0 })
	if n := count(made, `openat2(3<root>, "etc",`); n != 1 || errno != 0 {
		t.Errorf("/etc was looked up %d times (error %v), want once", n, errno)
	}
}

func FuzzDestination(f *testing.F) {
	for _, p := range []string{"/", "/proc", "/proc/../etc", "proc/self", "//dev//pts/", "/a/./b", "..", "/a\x00", "/proc/cpuinfo", "/dev/x/y/z"} {
		f.Add(p, "/dev/shm")
	}
	f.Fuzz(func(t *testing.T, destination, second string) {
		tree := mounts.Tree{
			Root: rootFD, Null: nullFD, DefaultDevices: true, Cwd: second, Masked: []string{second}, ReadOnlyPaths: []string{destination},
			Mounts: []mounts.Mount{
				proc, dev, {Destination: destination, Type: "tmpfs"}, {Destination: second, Type: "bind", Source: "/srv"},
				{Destination: destination + "/" + second, Type: "tmpfs", Options: []string{"ro"}},
			},
		}
		if _, err := tree.Validate(); err != nil {
			return
		}
		p := program(t, tree) // checks itself: slots, labels, NULs
		for i := range p.Len() {
			op := p.Op(i)
			for _, a := range op.Args {
				s, ok := a.(prog.Str)
				if !ok || op.Call == prog.Fsconfig || op.Call == prog.Symlinkat {
					continue
				}
				for name := range strings.SplitSeq(string(s), "/") {
					if name == ".." {
						t.Errorf("op %d %v goes up", i, op)
					}
				}
				if op.Call == prog.Mkdirat || op.Call == prog.Mknodat {
					if s == "" || s == "." || strings.Contains(string(s), "/") {
						t.Errorf("op %d %v: the last component must be a name alone", i, op)
					}
				}
				if op.Call == prog.Openat2 && (s == "" || s[0] == '/') {
					t.Errorf("op %d %v: the path must be relative", i, op)
				}
			}
		}
	})
}
