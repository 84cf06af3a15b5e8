package mounts_test

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

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

// fails runs a tree that makes its root itself and expects an error that says want.
func fails(t *testing.T, tree mounts.Tree, want string) {
	t.Helper()
	out, err := run(t, tree, "echo the container runs", nil)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q; output %q", err, want, out)
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
	fails(t, mounts.Tree{RootPath: filepath.Join(t.TempDir(), "nowhere")},
		"(root.path): no such file or directory: there is no such directory on the host")
}

// TestAnotherDevice has something else on the host where a device is asked for.
func TestAnotherDevice(t *testing.T) {
	nstest.Root(t)
	tree := mounts.Tree{
		RootPath: nstest.RootFS(t), BindDevices: true,
		Devices: []mounts.Device{{Path: "/dev/full", Type: "c", Major: 1, Minor: 3}},
	}
	fails(t, tree, "(linux.devices[0]): resource temporarily unavailable: the host's /dev/full is another device")
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

// TestRootOfTheNamespace has nothing mounted above the initial root of the machine, which
// is a ramfs or tmpfs that pivot_root(2) does not exchange: an initramfs that has not
// been left. A thread goes there, in a mount namespace of its own, and ends there.
func TestRootOfTheNamespace(t *testing.T) {
	nstest.Root(t)
	fds := []int{detached(t, nstest.RootFS(t)), detached(t, "/dev/null")}
	in, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	onInitialRoot(t, func() {
		tree := mounts.Tree{Root: rootFD, Null: nullFD, Mounts: []mounts.Mount{proc}}
		_, _, err := start(t, tree, "", in, fds)
		if want := "pivot_root \".\" \".\" (root): invalid argument: the root of this mount namespace is the initramfs"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	})
	fds[0] = detached(t, nstest.RootFS(t))
	onInitialRoot(t, func() {
		// The container has every capability, and takes the way up: a directory outside
		// of a chroot, and from there. It ends where it began.
		const script = `
			awk '$5 == "/"' /proc/self/mountinfo | wc -l; ls / | head -n 3; ls -d /../../bin
			echo >/here; mkdir -p /sub/proc; cp /bin/busybox /sub; mount -o bind /proc /sub/proc; exec 3</
			chroot /sub /busybox sh -c 'cd -P /proc/self/fd/3/../.. && /busybox ls -d here'`
		tree := mounts.Tree{Root: rootFD, Null: nullFD, NoPivot: true, Mounts: []mounts.Mount{proc}}
		process, out, err := start(t, tree, script, in, fds)
		if err != nil {
			t.Error(err)
			return
		}
		defer process.Close()
		defer out.Close()
		text, _ := io.ReadAll(out)
		if _, err := process.Wait(); err != nil {
			t.Error(err)
		}
		if got, want := string(text), "1\nbin\ndev\netc\n/../../bin\nhere\n"; got != want {
			t.Errorf("printed %q, want %q", got, want)
		}
	})
}

// onInitialRoot does something where the root of a mount namespace is /.
func onInitialRoot(t *testing.T, do func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock it
		done <- func() error {
			if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
				return err
			}
			own, err := unix.Open("/proc/thread-self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(own)
			if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
				return err
			}
			if err := unix.Unmount("/", unix.MNT_DETACH); err != nil {
				return err
			}
			if err := unix.Setns(own, unix.CLONE_NEWNS); err != nil { // to what is below
				return err
			}
			do()
			return nil
		}()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
