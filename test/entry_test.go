package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// linkFlags are those of the Makefile: the command begins at an entry point of its own.
const linkFlags = "-ldflags=-s -w -E selfcontain_entry"

// linked is the command as the Makefile builds it, for an architecture.
func linked(t *testing.T, arch string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "selfcontain")
	build := exec.Command("go", "build", linkFlags, "-o", path, "./cmd/selfcontain")
	build.Dir = ".."
	build.Env = append(os.Environ(), "GOARCH="+arch, "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// TestEntry is about what the entry point does, and that the container does not notice.
func TestEntry(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil || !strings.Contains(string(makefile), strings.TrimPrefix(linkFlags, "-ldflags=")) {
		t.Errorf("the Makefile links otherwise than this test (%v)", err)
	}
	runtime.LockOSThread() // whose slack the command inherits
	defer runtime.UnlockOSThread()
	own, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err == nil {
		err = unix.Prctl(unix.PR_SET_TIMERSLACK, 123456, 0, 0, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(own), 0, 0, 0); err != nil {
			t.Error(err)
		}
	}()
	command := linked(t, runtime.GOARCH)
	for _, row := range []struct{ set, want string }{{"", "gomaxprocs=1 "}, {"GOMAXPROCS=2", "gomaxprocs=2 "}} {
		box := exec.Command("sh", "-c", `ulimit -S -n 77; exec "$0" "$@"`, command, "box", "--", "sh", "-c", "cat /proc/self/timerslack_ns; ulimit -S -n; exec sleep 0.3")
		box.Env = append(os.Environ(), "GODEBUG=schedtrace=20", row.set)
		var said strings.Builder
		box.Stderr = &said
		out, err := box.Output()
		if err != nil || string(out) != "123456\n77\n" {
			t.Errorf("%s: in the box timers may be late, and files open, by %q (%v), want 123456 and 77 as here", row.set, out, err)
		}
		if !strings.Contains(said.String(), row.want) {
			t.Errorf("%s: Go's scheduler does not say %q:\n%s", row.set, row.want, said.String())
		}
	}
	for _, about := range []string{"ulimit -n 2", "ulimit -S -n 0", "exec <&-", "exec <&- >&- 2>&-"} {
		if out, err := exec.Command("sh", "-c", about+`; "$0" version`, command).CombinedOutput(); err != nil {
			t.Errorf("behind %s: %v, %s", about, err, out)
		}
	}
}

// TestBootEntry does so on the other architecture.
func TestBootEntry(t *testing.T) {
	if os.Getenv("VMRUN_BOOT") == "" {
		t.Skip("skipped: boots a guest, for make test-vm (VMRUN_BOOT=1)")
	}
	vmrun := filepath.Join(t.TempDir(), "vmrun")
	if out, err := exec.Command("go", "build", "-o", vmrun, "./vmrun").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	guest := exec.Command(vmrun, "-suite", "bookworm", "-arch", "arm64", "-smp", "1", "-f", linked(t, "arm64")+":/selfcontain",
		"--", "sh", "-c", "ulimit -S -n 77; exec /selfcontain box -- sh -c 'cat /proc/self/timerslack_ns; ulimit -S -n; exit 3'")
	out, err := guest.Output()
	if guest.ProcessState == nil || guest.ProcessState.ExitCode() != 3 || string(out) != "50000\n77\n" {
		t.Errorf("%v, %q; want exit status 3, the slack that a process begins with, and its limit of files", err, out)
	}
}
