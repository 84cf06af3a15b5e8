package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

const env = `"TERM=xterm"`

// HOME is that of the container's own passwd file, where config.json has none.
func TestHome(t *testing.T) {
	nstest.Root(t)
	base := bundle(t)
	passwd := filepath.Join(base, "passwd")
	if err := os.WriteFile(passwd, []byte("x:x:4711:0::/of/the/host:\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	user := func(uid int) []string { return []string{`"uid": 0`, fmt.Sprintf(`"uid": %d`, uid)} }
	const usual = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	mount := func(text string) []string { return []string{`"mounts": [`, `"mounts": [` + text + `,`} }
	bind := mount(fmt.Sprintf(`{ "destination": "/etc/passwd", "source": %q, "options": ["bind", "ro"] }`, passwd))
	for _, row := range []struct {
		name    string
		changes []string
		want    string
	}{
		{"root's", nil, usual + " TERM=xterm HOME=/root"},
		{"of a user without a directory", user(65534), usual + " TERM=xterm HOME=/"},
		{"of a user without an account", user(4711), usual + " TERM=xterm HOME=/"},
		{"of config.json, which is not touched", []string{env, `"HOME=/x"`}, usual + " HOME=/x"},
		{"of config.json, even if it is empty", []string{env, `"HOME="`}, usual + " HOME="},
		{"of a file that is bound over it", append(bind, user(4711)...), usual + " TERM=xterm HOME=/of/the/host"},
		{"of a new file system over it", mount(`{ "destination": "/etc", "type": "tmpfs" }`), usual + " TERM=xterm HOME=/"},
	} {
		t.Run(row.name, func(t *testing.T) {
			changes := append([]string{`"args": ["sh"]`, `"args": ["cat", "/proc/self/environ"]`}, row.changes...)
			c := command(t, "run", "-b", sibling(t, base, changes...), "box")
			r := do(t, c)
			if got := strings.TrimSpace(strings.ReplaceAll(r.stdout, "\x00", " ")); r.status != 0 || strings.Contains(r.stderr, "HOME") || got != row.want {
				t.Errorf("got  %s (%+v)\nwant %s", got, r, row.want)
			}
		})
	}
}

// A passwd file that cannot be read is a warning, and the container runs.
func TestHomeNotReadable(t *testing.T) {
	nstest.Root(t)
	dir := bundle(t, shell("echo $HOME")...)
	passwd := filepath.Join(dir, "rootfs/etc/passwd")
	if err := os.Remove(passwd); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(passwd, 0o755); err != nil {
		t.Fatal(err)
	}
	want := result{stdout: "/\n", stderr: "selfcontain: warning: process.env: HOME is /: etc/passwd of the root file system: it is not a regular file\n"}
	if r := do(t, command(t, "run", "-b", dir, "box")); r != want {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
}

// The keyring has the container's name. An ordinary user sees his own and no other.
func TestKeyring(t *testing.T) {
	nstest.Root(t)
	id := "keyring-" + strings.ToLower(filepath.Base(t.TempDir())) + fmt.Sprint(os.Getpid())
	changes := append(shell("cat /proc/keys"), `"uid": 0`, `"uid": 1000`, `"/proc/keys",`, "")
	dir := bundle(t, changes...)
	if r := do(t, command(t, "run", "-b", dir, id)); r.status != 0 || !strings.Contains(r.stdout, " keyring   _ses."+id+": ") {
		t.Errorf("%+v: want _ses.%s", r, id)
	}
	if r := do(t, command(t, "run", "--no-new-keyring", "-b", dir, id)); r.status != 0 || strings.Contains(r.stdout, id) {
		t.Errorf("with --no-new-keyring: %+v", r)
	}
}

// withFiles gives a command three files from descriptor 3 on.
func withFiles(t *testing.T, c *exec.Cmd) *exec.Cmd {
	t.Helper()
	for i := range 3 {
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, fmt.Appendf(nil, "word %d\n", 3+i), 0o644); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		c.ExtraFiles = append(c.ExtraFiles, file)
	}
	return c
}

// openFiles says which descriptors are open and what is in those behind the standard ones.
const openFiles = "ls /proc/1/fd; for i in 3 4 5; do test ! -e /proc/1/fd/$i || cat /proc/1/fd/$i; done"

func TestPreservedDescriptors(t *testing.T) {
	nstest.Root(t)
	base := bundle(t)
	dir := sibling(t, base, shell(openFiles)...)
	for _, row := range []struct {
		flags []string
		want  string
	}{
		{nil, "0\n1\n2\n"},
		{[]string{"--preserve-fds", "0"}, "0\n1\n2\n"},
		{[]string{"--preserve-fds", "1"}, "0\n1\n2\n3\nword 3\n"},
		{[]string{"--preserve-fds=3"}, "0\n1\n2\n3\n4\n5\nword 3\nword 4\nword 5\n"},
	} {
		c := withFiles(t, command(t, append(append([]string{"run"}, row.flags...), "-b", dir, "box")...))
		if r := do(t, c); (r != result{stdout: row.want}) {
			t.Errorf("%q: got %+v, want %q", row.flags, r, row.want)
		}
	}
	for _, row := range []struct{ count, want string }{
		{"4", "selfcontain: run: descriptor 6 is not open: the program is to have all from 3 to 6 (--preserve-fds, LISTEN_FDS)\n"},
		{"65536", "selfcontain: run: descriptor 6 is not open: the program is to have all from 3 to 65538 (--preserve-fds, LISTEN_FDS)\n"},
		{"65537", "selfcontain: run: descriptor 6 is not open: the program is to have all from 3 to 65539 (--preserve-fds, LISTEN_FDS)\n"},
		{"9999999999999", "selfcontain: run: descriptor 6 is not open: the program is to have all from 3 to 1073741826 (--preserve-fds, LISTEN_FDS)\n"},
		{"-1", `selfcontain: run: invalid value "-1" for flag -preserve-fds: parse error` + "\n"},
	} {
		c := withFiles(t, command(t, "run", "--preserve-fds", row.count, "-b", dir, "box"))
		if r := do(t, c); (r != result{stderr: row.want, status: 1}) {
			t.Errorf("%s: got %+v, want %s", row.count, r, row.want)
		}
	}
}

// Sockets of systemd's reach the program, and it is told so.
func TestListenFDs(t *testing.T) {
	nstest.Root(t)
	base := bundle(t)
	script := "ls /proc/1/fd; echo $LISTEN_FDS-$LISTEN_PID-$LISTEN_FDNAMES"
	dir := sibling(t, base, shell(script)...)
	own := sibling(t, base, append(shell(script), env, env+`, "LISTEN_FDS=7", "LISTEN_PID=8", "LISTEN_FDNAMES=own"`)...)
	shared := sibling(t, base, append(shell("echo $LISTEN_FDS-$LISTEN_PID"), noPidNamespace, "")...)
	for _, row := range []struct {
		name, env, flags, dir string
		want                  result
	}{
		{"none", "", "", dir, result{stdout: "0\n1\n2\n--\n"}},
		{"two", "LISTEN_PID=$$ LISTEN_FDS=2", "", dir, result{stdout: "0\n1\n2\n3\n4\n2-1-\n"}},
		{"two with names", "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=a:b", "", dir, result{stdout: "0\n1\n2\n3\n4\n2-1-a:b\n"}},
		{"one, and two that are preserved behind it", "LISTEN_PID=$$ LISTEN_FDS=1", "--preserve-fds 2", dir, result{stdout: "0\n1\n2\n3\n4\n5\n1-1-\n"}},
		{"another process's", "LISTEN_PID=1 LISTEN_FDS=2", "", dir, result{stdout: "0\n1\n2\n--\n"}},
		{"what config.json says is not about these", "LISTEN_PID=$$ LISTEN_FDS=1", "", own, result{stdout: "0\n1\n2\n3\n1-1-\n"}},
		{"what config.json says stays without them", "", "", own, result{stdout: "0\n1\n2\n7-8-own\n"}},
		{"the program's number is not known", "LISTEN_PID=$$ LISTEN_FDS=1", "", shared, result{stdout: "1-1\n",
			stderr: "selfcontain: warning: LISTEN_PID: it is 1 in the container, which the program's number will not be without a new pid namespace\n"}},
		{"more than there are", "LISTEN_PID=$$ LISTEN_FDS=5", "", dir, result{status: 1, stderr: "selfcontain: run: descriptor 6 is not open: the program is to have all from 3 to 7 (--preserve-fds, LISTEN_FDS)\n"}},
		{"no number", "LISTEN_PID=$$ LISTEN_FDS=some", "", dir, result{status: 1, stderr: "selfcontain: LISTEN_FDS=\"some\": want a number of descriptors\n"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inner := command(t, "run")
			line := fmt.Sprintf("%s exec /proc/%d/exe run %s -b %s box", row.env, os.Getpid(), row.flags, row.dir)
			c := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
			c.Env = inner.Env
			if r := do(t, withFiles(t, c)); r != row.want {
				t.Errorf("got  %+v\nwant %+v", r, row.want)
			}
		})
	}
}

// A plan shows what run would do with the same flags.
func TestPlanOfProcessFlags(t *testing.T) {
	nstest.Root(t)
	dir := bundle(t)
	r := do(t, command(t, "plan", "--preserve-fds", "2", "-b", dir, "box"))
	for _, want := range []string{`KEYCTL_JOIN_SESSION_KEYRING, "_ses.box"`, "4<preserved4>", "close_range(5, ~0U, CLOSE_RANGE_CLOEXEC)", `"HOME=/root"`} {
		if r.status != 0 || !strings.Contains(r.stdout, want) {
			t.Errorf("the plan has no %s: %+v", want, r)
		}
	}
	if r := do(t, command(t, "plan", "--no-new-keyring", "-b", dir, "box")); r.status != 0 || strings.Contains(r.stdout, "keyctl") {
		t.Errorf("there is a keyring: %+v", r)
	}
}
