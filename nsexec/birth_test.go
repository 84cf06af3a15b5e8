package nsexec_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// TestChildInItsParentsMemory stops the child of clone3 at the end of the dangerous
// region, by a listener that must allow the image to be executed, and looks at it: no
// signal can reach it, and no handler of Go's is left to run.
func TestChildInItsParentsMemory(t *testing.T) {
	nstest.Root(t)
	// The thread that makes the child keeps its P meanwhile, and cannot be stopped for a
	// collection: the listener must be able to run beside it.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0))))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, 0) //nolint:errcheck // who does not is found by TestMain
	t.Setenv("XDG_RUNTIME_DIR", dir)
	listener, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	if err := unix.FanotifyMark(listener, unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, unix.FAN_OPEN_EXEC_PERM, unix.AT_FDCWD, dir); err != nil {
		t.Fatal(err)
	}
	seen := make(chan error, 1)
	var status string
	go func() {
		seen <- allow(listener, func(pid int) error {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			status = string(text)
			return err
		})
	}()
	p := start(t, nsexec.Config{Image: image(t, 0, func(b *prog.Builder, _ prog.FD) { exit(b, 0) }), Store: nsexec.StoreFile})
	if err := <-seen; err != nil {
		t.Fatal(err)
	}
	const all = ^uint64(1<<(unix.SIGKILL-1) | 1<<(unix.SIGSTOP-1))
	for _, line := range []string{
		fmt.Sprintf("Pid:\t%d\n", p.Pid()),
		fmt.Sprintf("SigBlk:\t%016x\n", all),
		fmt.Sprintf("SigCgt:\t%016x\n", 0),
	} {
		if !strings.Contains(status, line) {
			t.Errorf("the child's /proc/PID/status has no line %q:\n%s", line, status)
		}
	}
	if status := wait(t, p); status != exited(0) {
		t.Errorf("status %#x", int(status))
	}
}

// allow waits for one question of fanotify(7), calls look with the process that is
// about to execute a file, and lets it.
func allow(listener int, look func(pid int) error) error {
	event := make([]byte, 24) // struct fanotify_event_metadata
	if n, err := unix.Read(listener, event); err != nil || n != len(event) {
		return fmt.Errorf("fanotify: %d bytes: %w", n, err)
	}
	file, pid := event[16:20], int(binary.NativeEndian.Uint32(event[20:]))
	err := look(pid)
	answer := binary.NativeEndian.AppendUint32(append([]byte(nil), file...), unix.FAN_ALLOW)
	_, errWrite := unix.Write(listener, answer) // struct fanotify_response
	return errors.Join(err, errWrite, unix.Close(int(binary.NativeEndian.Uint32(file))))
}
