package container

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// TestExplainedFromOutside is about a container that was gone before anybody could look
// into it: the root directory tells what it can, and nothing is said of what the
// container had mounted over it.
func TestExplainedFromOutside(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{"script": "#!/none/sh\n", "mounted/script": "#!/none/sh\n", "over": "#!/mounted/script\n"} {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("mounted", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	const said = "/script is a script, and its interpreter /none/sh is not in the root file system"
	for _, row := range []struct{ program, path, want string }{
		{"/script", "", said},
		{"script", "PATH=/none:/", said},
		{"/mounted/script", "", ""},
		{"/link/script", "", ""},
		{"/over", "", ""},
		{"script", "PATH=/mounted:/", ""},
	} {
		p := &Plan{host: &Host{Arch: "amd64"}, wanted: &Spec{
			Root:    Root{Path: root},
			Mounts:  []mounts.Mount{{Destination: "/mounted/", Type: "tmpfs"}},
			Process: Process{Args: []string{row.program}, Env: []string{row.path}},
		}}
		failed := &nsexec.OpError{Op: prog.Op{Call: prog.Execve}, Origin: programOrigin, Errno: unix.ENOENT}
		p.explain(-1, failed)
		if failed.Cause != row.want {
			t.Errorf("%s %s: got %q, want %q", row.program, row.path, failed.Cause, row.want)
		}
	}
}
