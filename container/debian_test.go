package container_test

import (
	"regexp"
	"testing"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestDebian runs programs of a Debian system, with its dynamic linker, its users and its
// package manager.
func TestDebian(t *testing.T) {
	nstest.Root(t)
	spec := with(nstest.Debian(t), func(s *container.Spec) {
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
