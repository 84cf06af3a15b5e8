package nstest

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// busybox is the path of a static busybox and those of usual's names that it answers to.
type busybox struct {
	path    string
	applets []string
}

// usual are the names of busybox that a root file system has links for. All of them would
// be three times as many, and to make and remove links is what most of the time of
// a short test goes to in a guest. Its shell finds the others where there is a /proc.
const usual = `[ [[ ar arch ash awk base64 basename cat chgrp chmod chown chroot chrt clear cmp cp cut date dd df diff
	dirname dmesg dpkg dpkg-deb du echo egrep env expr false fgrep find flock free fsync getopt grep groups gunzip gzip head
	hexdump hostname id ifconfig init ionice ip kill killall last less link ln logger login losetup ls md5sum
	mkdir mkfifo mknod mktemp modprobe more mount mountpoint mv nc nice nohup nologin nproc nsenter od passwd pgrep
	pidof ping pivot_root pkill printf ps pwd readlink realpath reboot renice reset resume rm rmdir sed seq setpriv
	setsid sh sha256sum sleep sort stat strings stty su sync sysctl tail tar taskset tee test time timeout top
	touch tr true truncate ts tty uevent umount uname uniq unlink unshare uptime usleep vi w watch watchdog wc which
	who whoami xargs xxd yes`

var findBusybox = sync.OnceValues(func() (busybox, error) {
	p, err := Tool("busybox")
	if err != nil {
		return busybox{}, errors.New("busybox is not installed: apt-get install busybox-static")
	}
	f, err := elf.Open(p)
	if err != nil {
		return busybox{}, fmt.Errorf("%s: %w", p, err)
	}
	defer f.Close()
	for _, prog := range f.Progs {
		if prog.Type == elf.PT_INTERP {
			return busybox{}, fmt.Errorf("%s is not static: apt-get install busybox-static", p)
		}
	}
	out, err := exec.Command(p, "--list").Output()
	if err != nil {
		return busybox{}, fmt.Errorf("%s --list: %w", p, err)
	}
	wanted := strings.Fields(usual)
	applets := slices.DeleteFunc(strings.Fields(string(out)), func(a string) bool { return !slices.Contains(wanted, a) })
	return busybox{p, applets}, nil
})

// RootFS makes a root file system below t.TempDir() and returns its path:
// busybox with a link for each of its usual names in /bin, empty mount points, and
// an /etc with root, nobody and their groups. It is writable, belongs to the
// caller, and every directory on the way to it can be passed by any user. The
// test fails when busybox-static is not installed.
func RootFS(t testing.TB) string {
	t.Helper()
	bb, err := findBusybox()
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	// The directory above is 0700; a container of another uid must get through.
	for _, d := range []string{filepath.Dir(tmp), tmp} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	root := filepath.Join(tmp, "rootfs")
	if err := fillRootFS(root, bb); err != nil {
		t.Fatal(err)
	}
	return root
}

func fillRootFS(root string, bb busybox) error {
	for _, d := range []string{"", "bin", "dev", "etc", "home", "proc", "root", "run", "sys", "usr", "var", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			return err
		}
	}
	if err := os.Chmod(filepath.Join(root, "tmp"), os.ModeSticky|0o777); err != nil {
		return err
	}
	if err := copyProgram(bb.path, filepath.Join(root, "bin/busybox")); err != nil {
		return err
	}
	for _, a := range bb.applets {
		if a == "busybox" {
			continue
		}
		if err := os.Symlink("busybox", filepath.Join(root, "bin", a)); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
		"etc/group":  "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// copyProgram copies rather than links: a test may overwrite what it got, and
// a hard link would overwrite the machine's own busybox with it.
func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
