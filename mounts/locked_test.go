package mounts_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// TestLockedAttributes binds a mount whose attributes a user may not change, because it
// comes from another user namespace.
func TestLockedAttributes(t *testing.T) {
	nstest.AnyProcessor(t)
	const variable = "MOUNTS_TEST_LOCKED"
	if os.Getenv(variable) == "" {
		nstest.Root(t)
		dir := t.TempDir()
		for _, d := range []string{dir, dir + "/in"} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mount("locked", d, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOATIME, ""); err != nil {
				t.Fatal(err)
			}
		}
		defer func() {
			if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		}()
		if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOATIME, ""); err != nil {
			t.Fatal(err)
		}
		t.Setenv(variable, dir)
	}
	if !asUser(t) {
		return
	}
	source := os.Getenv(variable)
	root := nstest.RootFS(t)
	tree := func(options ...string) mounts.Tree {
		return mounts.Tree{RootPath: root, Mounts: []mounts.Mount{proc, bind(source, options...)}}
	}
	for _, row := range []struct {
		sentence string
		options  []string
		want     string
	}{
		{"as it is", []string{"rbind"}, "/data ro,nosuid,nodev,noatime\n/data/in rw,nosuid,nodev,noatime"},
		{"what is not granted is not asked for", []string{"rbind", "rw", "suid", "dev", "exec"}, "/data ro,nosuid,nodev,noatime\n/data/in rw,nosuid,nodev,noatime"},
		{"less", []string{"rbind", "rro", "noexec"}, "/data ro,nosuid,nodev,noexec,noatime\n/data/in ro,nosuid,nodev,noatime"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			prints(t, tree(row.options...), `sed -n 's/.* \(\/data[^ ]*\) \([^ ]*\) .*/\1 \2/p' /proc/self/mountinfo`, row.want)
		})
	}
	for _, row := range []struct {
		sentence string
		options  []string
		want     string
	}{
		{"more", []string{"rbind", "rrw"}, "operation not permitted: the attribute is locked, because the mount was made in another user namespace"},
		{"other access times", []string{"rbind", "relatime"}, "operation not permitted: the attribute is locked, because the mount was made in another user namespace"},
		{"what lies below a mount", []string{"bind"}, "invalid argument: it is unbindable, or has mounts below that are locked: rbind takes them along"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			fails(t, tree(row.options...), row.want)
		})
	}
}
