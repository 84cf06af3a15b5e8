package nstest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// Debian returns the root directory of a Debian 12, which debootstrap makes once and
// which is kept in the user's cache directory. It is shared: nobody may change it. The
// test is skipped in a guest, which has no network, and with -short, because the
// first time takes a minute.
func Debian(t *testing.T) string {
	t.Helper()
	if os.Getenv(guestEnv) != "" {
		t.Skip("skipped: a guest has no network for debootstrap; this runs on the host")
	}
	if testing.Short() {
		t.Skip("skipped: debootstrap takes a minute the first time; not with -short")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(cache, "selfcontain", "debian-bookworm-"+runtime.GOARCH)
	if _, err := os.Stat(root); err == nil {
		return root
	}
	debootstrap, err := Tool("debootstrap")
	if err != nil {
		t.Fatal("debootstrap is not installed: apt-get install debootstrap debian-archive-keyring")
	}
	if err := os.MkdirAll(filepath.Dir(root), 0o755); err != nil {
		t.Fatal(err)
	}
	// It takes its name when it is whole.
	part := fmt.Sprintf("%s.%d", root, os.Getpid())
	defer os.RemoveAll(part)
	t.Logf("debootstrap to %s, once", root)
	cmd := exec.CommandContext(t.Context(), debootstrap, "--variant=minbase", "bookworm", part)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS} // it mounts a procfs
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("debootstrap: %v\n%s", err, out)
	}
	if err := os.Rename(part, root); err != nil {
		t.Fatal(err)
	}
	return root
}
