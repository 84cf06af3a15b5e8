package mounts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// prints runs a tree that makes its root itself and compares what the script printed.
func prints(t *testing.T, tree mounts.Tree, script, want string) {
	t.Helper()
	got, err := run(t, tree, script, nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("the script\n%s\nprinted\n%s\nwant\n%s", script, got, want)
	}
}

// TestOwnRoot gives nothing to the program but paths. As an ordinary user there is no
// other way.
func TestOwnRoot(t *testing.T) {
	tree := func(root string) mounts.Tree {
		return mounts.Tree{
			RootPath: root + "/.", Mounts: []mounts.Mount{proc, dev, sysfs}, DefaultDevices: true, BindDevices: true,
			Devices: []mounts.Device{{Path: "/dev/in/fifo", Type: "p"}, {Path: "/dev/full", Type: "c", Major: 1, Minor: 7}},
			Masked:  []string{"/proc/version", "/proc/bus"}, ReadOnlyPaths: []string{"/proc/sys"},
		}
	}
	const script = `
		echo text >/dev/null && head -c 3 /dev/zero | wc -c
		stat -c "%n %t:%T %F" /dev/null /dev/full /dev/random /dev/urandom /dev/zero /dev/tty /dev/in/fifo /proc/version
		ls -A /proc/bus | wc -l; echo x >/proc/sys/kernel/hostname || echo read-only
		ls /; echo >/file && echo writable`
	const want = `3
/dev/null 1:3 character special file
/dev/full 1:7 character special file
/dev/random 1:8 character special file
/dev/urandom 1:9 character special file
/dev/zero 1:5 character special file
/dev/tty 5:0 character special file
/dev/in/fifo 0:0 fifo
/proc/version 1:3 character special file
0
sh: can't create /proc/sys/kernel/hostname: Read-only file system
read-only
bin
dev
etc
home
proc
root
run
sys
tmp
usr
var
writable`
	t.Run("as root", func(t *testing.T) {
		nstest.Root(t)
		prints(t, tree(nstest.RootFS(t)), script, want)
	})
	t.Run("as a user", func(t *testing.T) {
		if asUser(t) {
			prints(t, tree(nstest.RootFS(t)), script, want)
		}
	})
}

// TestBoundDevicesInTheRoot has files of the root where devices are to be, and one that
// is missing.
func TestBoundDevicesInTheRoot(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	write(t, filepath.Join(root, "dev/null"), "a file")
	symlink(t, "/etc/passwd", filepath.Join(root, "dev/zero"))
	prints(t, mounts.Tree{RootPath: root, BindDevices: true, DefaultDevices: true},
		"stat -c '%n %t:%T' /dev/null /dev/zero /dev/full; wc -l </etc/passwd", "/dev/null 1:3\n/dev/zero 1:5\n/dev/full 1:7\n2")
}

func TestOwnRootThatIsMissing(t *testing.T) {
	nstest.Root(t)
	root := filepath.Join(t.TempDir(), "nowhere")
	_, err := run(t, mounts.Tree{RootPath: root}, "", nil)
	if want := `root.path): no such file or directory: ENOENT: there is no such directory on the host`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

// TestAnotherDevice has something else on the host where a device is asked for.
func TestAnotherDevice(t *testing.T) {
	nstest.Root(t)
	tree := mounts.Tree{
		RootPath: nstest.RootFS(t), BindDevices: true,
		Devices: []mounts.Device{{Path: "/dev/full", Type: "c", Major: 1, Minor: 3}},
	}
	_, err := run(t, tree, "", nil)
	if want := "linux.devices[0]): resource temporarily unavailable: EAGAIN: the host's /dev/full is another device"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

// TestNoPivot changes into the root instead of exchanging it.
func TestNoPivot(t *testing.T) {
	const script = `
		echo text >/file; cat /file; pwd; awk '$5 == "/"' /proc/self/mountinfo | wc -l
		mkdir -p /sub; chroot /sub true 2>/dev/null; ls -d /proc/1/root/../../bin /../bin`
	const want = "text\n/\n1\n/../bin\n/proc/1/root/../../bin"
	tree := func(root string) mounts.Tree {
		return mounts.Tree{RootPath: root, NoPivot: true, ReadOnly: false, Mounts: []mounts.Mount{proc}}
	}
	t.Run("as root", func(t *testing.T) {
		nstest.Root(t)
		root := nstest.RootFS(t)
		prints(t, tree(root), script, want)
		if _, err := os.Stat(filepath.Join(root, "file")); err != nil {
			t.Error(err)
		}
	})
	t.Run("as a user", func(t *testing.T) {
		if asUser(t) {
			prints(t, tree(nstest.RootFS(t)), script, want)
		}
	})
}
