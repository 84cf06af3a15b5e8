package mounts_test

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

func TestUsualMounts(t *testing.T) {
	nstest.Root(t)
	tree := mounts.Tree{Mounts: usual(), DefaultDevices: true, ReadOnly: true}
	out, err := look(t, nstest.RootFS(t), tree, mountinfo)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitN(out, "\n", 2)
	if !strings.HasPrefix(lines[0], "/ ro") {
		t.Errorf("the root is mounted as %q, want read-only", lines[0])
	}
	want := `/proc rw,nosuid,nodev,noexec,relatime proc proc
/dev rw,nosuid tmpfs tmpfs
/dev/pts rw,nosuid,noexec,relatime devpts devpts
/dev/shm rw,nosuid,nodev,noexec,relatime tmpfs shm
/dev/mqueue rw,nosuid,nodev,noexec,relatime mqueue mqueue
/sys ro,nosuid,nodev,noexec,relatime sysfs sysfs
/sys/fs/cgroup ro,nosuid,nodev,noexec,relatime cgroup2 cgroup
`
	if lines[1] != want {
		t.Errorf("mounts:\n%s\nwant:\n%s", lines[1], want)
	}
}

func TestDevices(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	tree := mounts.Tree{
		Mounts: usual(), DefaultDevices: true, ReadOnly: true,
		Devices: []mounts.Device{
			{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229, FileMode: 0o640, UID: 7, GID: 8},
			{Path: "/dev/net/tun", Type: "u", Major: 10, Minor: 200},
			{Path: "/dev/loop0", Type: "b", Major: 7, FileMode: unix.S_IFBLK | 0o660},
			{Path: "/run/pipe", Type: "p", FileMode: 0o600},
			{Path: "/dev/tty", Type: "c", Major: 5, FileMode: 0o620, GID: 5},
		},
	}
	expect(t, root, tree, `cd /dev; for i in null zero full random urandom tty fuse net/tun loop0 /run/pipe; do stat -c '%n %F %a %t:%T %u:%g' $i; done
		for i in fd stdin stdout stderr ptmx; do readlink $i; done
		head -c 3 zero | wc -c; echo lost >null; stat -c %a net`, `
null character special file 666 1:3 0:0
zero character special file 666 1:5 0:0
full character special file 666 1:7 0:0
random character special file 666 1:8 0:0
urandom character special file 666 1:9 0:0
tty character special file 620 5:0 0:5
fuse character special file 640 a:e5 7:8
net/tun character special file 666 a:c8 0:0
loop0 block special file 660 7:0 0:0
/run/pipe fifo 600 0:0 0:0
/proc/self/fd
/proc/self/fd/0
/proc/self/fd/1
/proc/self/fd/2
pts/ptmx
3
755`)
}

func TestDevicesOfARootWithADevOfItsOwn(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	tree := mounts.Tree{Mounts: []mounts.Mount{proc}, DefaultDevices: true}
	script := `cd /dev; stat -c '%n %a %t:%T' null; readlink fd; readlink ptmx; ls | tr '\n' ' '`
	want := "null 666 1:3\n/proc/self/fd\npts/ptmx\nfd full null ptmx random stderr stdin stdout tty urandom zero"
	for range 2 { // the second time they are there
		expect(t, root, tree, script, want)
	}
	tree.Devices = []mounts.Device{{Path: "/etc/passwd", Type: "p"}}
	refused(t, root, tree, "file exists")
}

func TestRelativeDestination(t *testing.T) {
	nstest.Root(t)
	expect(t, nstest.RootFS(t), mounts.Tree{Mounts: []mounts.Mount{proc, {Destination: "run/./deep//er", Type: "tmpfs", Source: "x"}}},
		"grep -o ' /run/[^ ]*' /proc/self/mountinfo", "/run/deep/er")
}

// TestDeviceThatIsThere has a device of the configuration in the root already, or nearly.
func TestDeviceThatIsThere(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	want := mounts.Device{Path: "/dev/x", Type: "c", Major: 10, Minor: 229, FileMode: 0o640, UID: 7, GID: 8}
	fifo := mounts.Device{Path: "/dev/deep/fifo", Type: "p", FileMode: 0o600}
	tree := mounts.Tree{Devices: []mounts.Device{want, fifo}}
	for range 2 {
		expect(t, root, tree, "stat -c '%t:%T %a %u:%g %F' /dev/x /dev/deep/fifo", "a:e5 640 7:8 character special file\n0:0 600 0:0 fifo")
	}
	for _, row := range []struct {
		sentence string
		change   func(*mounts.Device)
	}{
		{"a block device of the same numbers", func(d *mounts.Device) { d.Type = "b" }},
		{"another first number", func(d *mounts.Device) { d.Major++ }},
		{"another second number", func(d *mounts.Device) { d.Minor++ }},
		{"another mode", func(d *mounts.Device) { d.FileMode = 0o666 }},
		{"another owner", func(d *mounts.Device) { d.UID = 0 }},
		{"another group", func(d *mounts.Device) { d.GID = 0 }},
		{"a pipe", func(d *mounts.Device) { *d = mounts.Device{Path: "/dev/x", Type: "p"} }},
		{"a link", func(*mounts.Device) { symlink(t, "fuse", filepath.Join(root, "dev/x")) }},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			d := want
			row.change(&d)
			refused(t, root, mounts.Tree{Devices: []mounts.Device{d}},
				"(linux.devices[0]): file exists: there is a file at this place already, and not the same device")
			expect(t, root, mounts.Tree{}, "stat -c %a /etc/passwd", "644")
		})
	}
}

func TestDevIsABindMount(t *testing.T) {
	nstest.Root(t)
	source := t.TempDir()
	write(t, source+"/mine", "")
	tree := mounts.Tree{DefaultDevices: true, Mounts: []mounts.Mount{{Destination: "/dev", Type: "bind", Source: source}}}
	expect(t, nstest.RootFS(t), tree, "ls /dev", "mine")
}

func TestDevIsReadOnlyOnceItIsFilled(t *testing.T) {
	nstest.Root(t)
	readOnly := dev
	readOnly.Options = []string{"ro", "nosuid", "mode=755"}
	tree := mounts.Tree{DefaultDevices: true, Mounts: []mounts.Mount{
		proc, readOnly, {Destination: "/dev/shm", Type: "tmpfs"}, {Destination: "/run", Type: "tmpfs", Options: []string{"ro"}},
	}}
	expect(t, nstest.RootFS(t), tree, `test -c /dev/null && touch /dev/shm/x && touch /dev/x /run/x 2>&1`,
		"touch: /dev/x: Read-only file system\ntouch: /run/x: Read-only file system")
}

func TestWorkingDirectoryIsMadeBeforeTheRootBecomesReadOnly(t *testing.T) {
	nstest.Root(t)
	expect(t, nstest.RootFS(t), mounts.Tree{Cwd: "/srv/deep/work", ReadOnly: true},
		`stat -c '%F %a' /srv/deep/work; touch /srv/x 2>&1`, "directory 755\ntouch: /srv/x: Read-only file system")
}

func TestRootPropagation(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	for propagation, want := range map[string]string{
		"": "", "private": "", "slave": "master", "rslave": "master", "shared": "shared", "rshared": "shared shared",
		"unbindable": "unbindable", "runbindable": "unbindable unbindable",
	} {
		t.Run(propagation, func(t *testing.T) {
			got, err := look(t, root, mounts.Tree{Propagation: propagation, Mounts: []mounts.Mount{proc}, ReadOnlyPaths: []string{"/etc"}},
				`cut -d ' ' -f 5,7 /proc/self/mountinfo | grep -E '^/(proc)? ' | grep -oE 'shared|master|unbindable'`)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(strings.Fields(got), " "); got != want {
				t.Errorf("the root and /proc are %q, want %q", got, want)
			}
		})
	}
}

func TestPrivateProcfs(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	write(t, root+"/lie", "untouched\n")
	// What the container has at this place is a file of its own.
	tree := mounts.Tree{Mounts: []mounts.Mount{proc, {Destination: "/proc/loadavg", Type: "bind", Source: root + "/lie"}}}
	set := func(b *prog.Builder) {
		fd := mounts.OpenProc(b, mounts.EmitProcfs(b), "self/oom_score_adj", unix.O_WRONLY)
		b.Add(prog.Op{Call: prog.Write, Args: prog.Args{fd, prog.Str("321"), prog.Int(3)}})
	}
	got, err := look(t, root, tree, "cat /proc/self/oom_score_adj /proc/loadavg; grep -c ' proc ' /proc/self/mountinfo", set)
	if err != nil {
		t.Fatal(err)
	}
	if want := "321\nuntouched\n1\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
