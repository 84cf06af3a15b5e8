package container_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"testing"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestDebian runs programs of a Debian system, with its dynamic linker, its users and its
// package manager.
func TestDebian(t *testing.T) {
	nstest.Root(t)
	if os.Getenv("NSTEST_GUEST") != "" {
		t.Skip("skipped: a guest has no network for debootstrap; this runs on the host")
	}
	if testing.Short() {
		t.Skip("skipped: debootstrap takes a minute the first time; not with -short")
	}
	spec := with(debian(t), func(s *container.Spec) {
		s.Root.Readonly = true
		s.Process.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"}
	})
	rows := []struct {
		script string
		want   string
	}{
		{"apt-get --version", `^apt [0-9.]+ \(\w+\)\n`},
		{"dpkg -l | wc -l", `^[0-9]{2,3}\n$`},
		{"cat /etc/debian_version", `^12\.[0-9]+\n$`},
		{"perl -e 'print 6 * 7'", `^42$`},
		{"id", `^uid=0\(root\) gid=0\(root\) groups=0\(root\)\n$`},
		{"df / /dev /dev/shm | wc -l", `^4\n$`},
		{"script=$(mktemp -p /dev/shm) && echo 'echo run' >$script && bash $script", `^run\n$`},
		{"tty; echo $?", `^not a tty\n1\n$`},
	}
	for _, row := range rows {
		t.Run(row.script, func(t *testing.T) {
			spec.Process.Args = []string{"bash", "-c", row.script}
			if out, status := run(t, spec); !regexp.MustCompile(row.want).MatchString(out) || status != exited(0) {
				t.Errorf("status %#x, output %q, want %s", int(status), out, row.want)
			}
		})
	}
}

// debian is the root directory of a Debian 12, which is made once and kept in the user's
// cache directory. Containers have it read-only.
func debian(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(cache, "selfcontain", "debian-bookworm-"+runtime.GOARCH)
	if _, err := os.Stat(root); err == nil {
		return root
	}
	debootstrap, err := nstest.Tool("debootstrap")
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
