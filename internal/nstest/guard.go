package nstest

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Root skips the test when it does not run as root.
func Root(t testing.TB) {
	t.Helper()
	if uid := os.Geteuid(); uid != 0 {
		t.Skipf("skipped: needs root, this is uid %d", uid)
	}
}

// UserNS skips the test when this process may not make a user namespace. It
// asks the kernel by making one: the settings that forbid it
// (user.max_user_namespaces, Debian's kernel.unprivileged_userns_clone,
// AppArmor's restriction) differ between distributions.
func UserNS(t testing.TB) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), stageEnv+"="+stageNothing)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Credential:  &syscall.Credential{NoSetGroups: true},
	}
	if err := cmd.Run(); err != nil {
		t.Skipf("skipped: needs a user namespace: %v", err)
	}
}

// Soak skips the test unless this is `make soak`, which sets NSTEST_SOAK.
func Soak(t testing.TB) {
	t.Helper()
	if os.Getenv(soakEnv) == "" {
		t.Skipf("skipped: a long run, for make soak (%s=1)", soakEnv)
	}
}

// Kernel skips the test on a kernel older than major.minor, which brought
// what the test is about. On that kernel and on newer ones the test runs, so
// that a feature which ought to be there and is not makes it fail.
func Kernel(t testing.TB, major, minor int, what string) {
	t.Helper()
	release := kernelRelease(t)
	older, err := releaseOlder(release, major, minor)
	if err != nil {
		t.Fatal(err)
	}
	if older {
		t.Skipf("skipped: %s needs Linux %d.%d, this is %s", what, major, minor, release)
	}
}

func kernelRelease(t testing.TB) string {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatalf("uname: %v", err)
	}
	return unix.ByteSliceToString(u.Release[:])
}

// releaseOlder reports whether a release such as "6.1.0-40-cloud-amd64" is
// older than major.minor.
func releaseOlder(release string, major, minor int) (bool, error) {
	var a, b int
	if n, _ := fmt.Sscanf(release, "%d.%d", &a, &b); n != 2 {
		return false, fmt.Errorf("kernel release %q does not start with two numbers", release)
	}
	return a < major || a == major && b < minor, nil
}

// Module skips the test when the running kernel has no module of this name,
// neither loaded nor built in. In a guest of the test bed it fails: there
// [Needs].Modules has loaded it. A module that the kernel would load by itself
// on first use, but has not, counts as missing.
func Module(t testing.TB, name string) {
	t.Helper()
	name = strings.ReplaceAll(name, "-", "_")
	if _, err := os.Stat("/sys/module/" + name); err == nil {
		return
	}
	// What is built in and has no parameters is not in /sys/module.
	list, err := os.ReadFile("/lib/modules/" + kernelRelease(t) + "/modules.builtin")
	if err == nil && builtin(string(list), name) {
		return
	}
	if os.Getenv(guestEnv) != "" {
		t.Fatalf("kernel module %s is not loaded: add it to Needs.Modules", name)
	}
	t.Skipf("skipped: kernel module %s is not loaded", name)
}

// builtin looks a module up in the text of modules.builtin, where
// "kernel/fs/overlayfs/overlay.ko" stands for overlay.
func builtin(list, name string) bool {
	for line := range strings.Lines(list) {
		base := strings.TrimSuffix(path.Base(strings.TrimSpace(line)), ".ko")
		if strings.ReplaceAll(base, "-", "_") == name {
			return true
		}
	}
	return false
}

// Slower is a time that is long enough for something, and in a guest, whose processors are
// emulated and may not even run for a while, many times as long. What is measured is measured
// elsewhere.
func Slower(d time.Duration) time.Duration {
	if os.Getenv(guestEnv) != "" {
		return 15 * d
	}
	return d
}

// AnyProcessor says that a test is the same on every processor, and on every kernel that has
// what it needs. Of all guests it runs in that of the oldest kernel alone, for its time:
// the newest is this machine's own.
func AnyProcessor(t testing.TB) {
	t.Helper()
	if os.Getenv(guestEnv) == guestAgain {
		t.Skipf("skipped: it is the same on every processor, and the first guest runs it")
	}
}
