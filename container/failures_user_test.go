package container_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestWhyInAUserNamespace is [TestWhyItCannotBeExecuted] for containers with a user
// namespace, of root and of ordinary users: they can look into theirs as well, at what
// nobody sees outside of it.
func TestWhyInAUserNamespace(t *testing.T) {
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		root, host := rootFSFor(t), t.TempDir()
		for _, dir := range []string{host, filepath.Dir(host)} {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		programs := makeDir(t, host, "programs")
		program(t, filepath.Join(programs, "script"), "#!/usr/bin/perl\n", 0o755)
		program(t, filepath.Join(programs, "plain"), "", 0o644)
		here := func(options ...string) func(*container.Spec) {
			return func(s *container.Spec) { s.Mounts = append(s.Mounts, mountOf("/mnt", programs, options...)) }
		}
		for _, row := range []struct {
			name    string
			program string
			change  func(*container.Spec)
			want    string
		}{
			{"nothing of this name", "/bin/none", here(), "no such file or directory: there is no such file in the root file system"},
			{"a script on a mount", "/mnt/script", here(), "no such file or directory: /mnt/script is a script, and its interpreter /usr/bin/perl is not in the root file system"},
			{"a file on a mount", "/mnt/plain", here(), "permission denied: /mnt/plain is not executable (mode 0644): chmod +x"},
			{"a mount without programs", "/mnt/script", here("noexec"), "permission denied: /mnt/script lies on a mount with the option noexec"},
			{"a name that is nowhere", "none", here(), `no such file or directory: "none": executable file not found in $PATH`},
		} {
			t.Run(row.name, func(t *testing.T) {
				plan := compile(t, with(root, inUser(t), row.change, func(s *container.Spec) { s.Process.Args = []string{row.program} }))
				_, _, err := runPlan(t, plan)
				if err == nil {
					t.Fatal("the container runs")
				}
				_, got, _ := strings.Cut(err.Error(), " (process.args[0]): ")
				if got != row.want {
					t.Errorf("got  %v\nwant %s", err, row.want)
				}
			})
		}
	})
}
