package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
)

// subreaper makes this process get the orphans of its children, as the monitors of
// engines do, so that they can wait for a container. PR_SET_CHILD_SUBREAPER(2const)
func subreaper(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
}

// userBundle is a bundle that the caller can run, who may be an ordinary user.
func userBundle(t *testing.T, changes ...string) string {
	t.Helper()
	if os.Getuid() == 0 {
		return bundle(t, changes...)
	}
	dir := filepath.Dir(nstest.RootFS(t))
	if r := do(t, command(t, "spec", "--rootless", "-b", dir)); r != (result{}) {
		t.Fatalf("%+v", r)
	}
	file := filepath.Join(dir, "config.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.NewReplacer(changes...).Replace(string(text))), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// monitored starts a command as conmon does: all signals but those that cannot be are
// blocked, the command dies with its caller's thread, and its streams are pipes.
func monitored(t *testing.T, out *os.File, args ...string) error {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, before unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^uint64(0)
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &before); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil); err != nil {
			t.Error(err)
		}
	}()
	c := command(t, args...)
	c.Stdout, c.Stderr = out, out
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c.Run()
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// The way of podman's monitor: create with a pid file, start, wait for the process whose
// number is in the file, delete.
func TestAsConmonCalls(t *testing.T) { nstest.Root(t); testAsConmonCalls(t) }
func TestAsConmonCallsAsUser(t *testing.T) {
	nstest.AnyProcessor(t)
	testAsConmonCalls(t, nstest.As(nstest.User{Name: "monitor", ID: 4201}))
}

func testAsConmonCalls(t *testing.T, options ...nstest.Option) {
	if !nstest.Subprocess(t, options...) {
		return
	}
	subreaper(t)
	dir := userBundle(t, shell("grep -E 'Sig(Blk|Ign)' /proc/self/status | grep -v 0000000000000000; echo has run; trap 'exit 7' USR1; echo ready; while :; do sleep 0.01; done")...)
	tmp := t.TempDir()
	file, log := filepath.Join(tmp, "pidfile"), filepath.Join(tmp, "oci-log")
	global := []string{"--root", filepath.Join(tmp, "state"), "--log-format=json", "--log", log}
	call := func(args ...string) []string { return append(global[:len(global):len(global)], args...) }
	r, w := pipe(t)
	if err := monitored(t, w, call("create", "--bundle", dir, "--pid-file", file, "--no-new-keyring", "ctr")...); err != nil {
		text, _ := os.ReadFile(log)
		t.Fatalf("create: %v %s", err, text)
	}
	w.Close()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); n != 0 || err != nil {
		t.Fatalf("process %d is not a child of ours that runs: %d, %v", pid, n, err)
	}
	if r := do(t, command(t, call("state", "ctr")...)); !strings.Contains(r.stdout, `"status": "created"`) {
		t.Errorf("%+v", r)
	}
	if r := do(t, command(t, call("start", "ctr")...)); r != (result{}) {
		t.Fatalf("start: %+v", r)
	}
	// Nobody but the program has the pipe: what comes is the program's.
	output := make([]byte, 64)
	n, err := io.ReadAtLeast(r, output, len("has run\nready\n"))
	if string(output[:n]) != "has run\nready\n" {
		t.Errorf("%q, %v", output[:n], err)
	}
	if r := do(t, command(t, call("kill", "ctr", "10")...)); r != (result{}) {
		t.Errorf("kill: %+v", r)
	}
	var status unix.WaitStatus
	if n, err := unix.Wait4(pid, &status, 0, nil); n != pid || err != nil || status.ExitStatus() != 7 {
		t.Errorf("%d, %v, status %d", n, err, status.ExitStatus())
	}
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
	for range 2 { // the second time there is nothing
		if r := do(t, command(t, call("delete", "--force", "ctr")...)); r != (result{}) {
			t.Errorf("delete: %+v", r)
		}
	}
	if text, err := os.ReadFile(log); err != nil || len(text) > 0 {
		t.Errorf("the log has %s, %v", text, err)
	}
	if r := do(t, command(t, call("state", "ctr")...)); r.status == 0 || !strings.Contains(r.stderr, "does not exist") {
		t.Errorf("%+v", r)
	}
}

// goRunc is the client that containerd uses: flags of its own in front, and the last line
// of the log in the error.
type goRunc struct {
	t         *testing.T
	root, log string
}

func (g goRunc) do(args ...string) result {
	g.t.Helper()
	c := command(g.t, append([]string{"--root", g.root, "--log", g.log, "--log-format", "json"}, args...)...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return do(g.t, c)
}

// lastError is what go-runc makes of the log.
func (g goRunc) lastError() string {
	g.t.Helper()
	text, err := os.ReadFile(g.log)
	if err != nil {
		g.t.Fatal(err)
	}
	var last string
	for line := range strings.Lines(string(text)) {
		var entry struct{ Level, Msg, Time string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			g.t.Fatalf("%s: %v", line, err)
		}
		if entry.Level == "error" {
			last = entry.Msg
		}
	}
	return last
}

func TestAsGoRuncCalls(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	if !nstest.Subprocess(t) {
		return
	}
	subreaper(t)
	base := bundle(t)
	dir := sibling(t, base, withTerminal(shell("echo up; sleep 1000 & read x; echo got $x; wait")...)...)
	g := goRunc{t, filepath.Join(t.TempDir(), "state"), filepath.Join(dir, "log.json")}
	if r := g.do("list", "--format=json"); r != (result{stdout: "[]\n"}) {
		t.Errorf("%+v", r)
	}
	socket := filepath.Join(dir, "pty.sock")
	l := listen(t, socket)
	pidfds := filepath.Join(dir, "pidfd.sock")
	second := listen(t, pidfds)
	file := filepath.Join(dir, "init.pid")
	if r := g.do("create", "--bundle", dir, "--pid-file", file, "--console-socket", socket, "--pidfd-socket", pidfds, "ctr"); r != (result{}) {
		t.Fatalf("create: %+v", r)
	}
	master, name := receive(t, l)
	if name != "/dev/ptmx" {
		t.Errorf("a descriptor of the name %q", name)
	}
	pidfd, name := receive(t, second)
	if name != "standard" {
		t.Errorf("a descriptor of the name %q", name)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(int(pidfd.Fd())))
	if err != nil || !bytes.Contains(info, []byte("\nPid:\t"+string(text)+"\n")) {
		t.Errorf("the pidfd is not one of %s: %s", text, info)
	}
	var state []struct {
		ID, Status, Bundle, Rootfs, Owner, Created string
		Pid                                        int
	}
	if r := g.do("list", "--format=json"); json.Unmarshal([]byte(r.stdout), &state) != nil || len(state) != 1 || state[0].ID != "ctr" ||
		state[0].Status != "created" || state[0].Bundle != dir || strconv.Itoa(state[0].Pid) != string(text) {
		t.Errorf("%+v", r)
	}
	if r := g.do("list", "-q"); r != (result{stdout: "ctr\n"}) {
		t.Errorf("%+v", r)
	}
	if r := g.do("create", "--bundle", dir, "--console-socket", socket, "ctr"); r.status != 1 || !strings.Contains(g.lastError(), "exists") {
		t.Errorf("%+v, %q", r, g.lastError())
	}
	if r := g.do("start", "ctr"); r != (result{}) {
		t.Fatalf("start: %+v", r)
	}
	if line := make([]byte, 3); readFull(master, line) != nil || string(line) != "up\n" {
		t.Errorf("%q", line)
	}
	if r := g.do("start", "ctr"); r.status != 1 || !strings.Contains(g.lastError(), "container not stopped") {
		t.Errorf("%+v, %q", r, g.lastError())
	}
	var pids []int
	if r := g.do("ps", "--format", "json", "ctr"); json.Unmarshal([]byte(r.stdout), &pids) != nil || len(pids) != 2 {
		t.Errorf("%+v", r)
	}
	if r := g.do("ps", "-f", "table", "ctr", "-e", "-o", "pid,args"); strings.Count(r.stdout, "\n") != 3 || !strings.Contains(r.stdout, "sleep 1000") {
		t.Errorf("%+v", r)
	}
	if r := g.do("delete", "ctr"); r.status != 1 || !strings.Contains(g.lastError(), "container not stopped") {
		t.Errorf("%+v, %q", r, g.lastError())
	}
	if r := g.do("kill", "--all", "ctr", "9"); r != (result{}) {
		t.Errorf("kill: %+v", r)
	}
	pid := pids[0]
	var status unix.WaitStatus
	if n, err := unix.Wait4(pid, &status, 0, nil); n != pid || err != nil || status.Signal() != unix.SIGKILL {
		t.Errorf("%d, %v, %v", n, err, status)
	}
	if r := g.do("state", "ctr"); !strings.Contains(r.stdout, `"pid": 0,`) || !strings.Contains(r.stdout, `"status": "stopped"`) {
		t.Errorf("%+v", r)
	}
	if r := g.do("kill", "ctr", "9"); r.status != 1 || !strings.Contains(g.lastError(), "container not running") {
		t.Errorf("%+v, %q", r, g.lastError())
	}
	if r := g.do("kill", "--all", "ctr", "9"); r != (result{}) {
		t.Errorf("kill --all of what has ended: %+v", r)
	}
	if r := g.do("delete", "ctr"); r != (result{}) {
		t.Errorf("delete: %+v", r)
	}
	for _, args := range []string{"delete", "state", "start", "kill", "ps"} {
		if r := g.do(args, "ctr"); r.status != 1 || !strings.Contains(g.lastError(), "container does not exist") {
			t.Errorf("%s: %+v, %q", args, r, g.lastError())
		}
	}
}

func readFull(f *os.File, b []byte) error {
	_, err := io.ReadFull(f, b)
	return err
}

// A creation that fails leaves nothing, says why in the log and on standard error, and
// can be deleted by force.
func TestCreateFails(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	base := bundle(t)
	missing := sibling(t, base, `"args": ["sh"]`, `"args": ["nothing"]`)
	tty := sibling(t, base, withTerminal()...)
	plain := sibling(t, base)
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"no program", []string{"-b", missing}, "executable file not found in $PATH"},
		{"nobody takes the terminal", []string{"-b", tty}, "--console-socket"},
		{"the pid file cannot be written", []string{"-b", plain, "--pid-file", base + "/none/pid"}, "--pid-file " + base + "/none/pid: no such file or directory"},
		{"nobody waits for the pidfd", []string{"-b", plain, "--pidfd-socket", base + "/none"}, "--pidfd-socket " + base + "/none: no such file or directory"},
		{"there is no terminal to send", []string{"-b", plain, "--console-socket", base + "/none"}, "there is nothing to send"},
	} {
		g := goRunc{t, filepath.Join(t.TempDir(), "state"), filepath.Join(t.TempDir(), "log")}
		r := g.do(append(append([]string{"create"}, row.args...), "ctr")...)
		if r.status != 1 || r.stdout != "" || !strings.Contains(g.lastError(), row.want) || r.stderr != "selfcontain: "+g.lastError()+"\n" {
			t.Errorf("%s: %+v, %q", row.name, r, g.lastError())
		}
		if left, err := os.ReadDir(g.root); err == nil && len(left) > 0 {
			t.Errorf("%s: left %v", row.name, left)
		}
		if r := g.do("delete", "--force", "ctr"); r != (result{}) {
			t.Errorf("%s: %+v", row.name, r)
		}
	}
}

// run can be left to itself, found by others, and be kept when it has ended.
func TestRunDetachedAndKept(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	if !nstest.Subprocess(t) {
		return
	}
	subreaper(t)
	base := bundle(t)
	root := filepath.Join(t.TempDir(), "state")
	call := func(args ...string) *exec.Cmd { return command(t, append([]string{"--root", root}, args...)...) }
	dir := sibling(t, base, shell("exit 3")...)
	if r := do(t, call("run", "--keep", "-b", dir, "kept")); r != (result{status: 3}) {
		t.Errorf("%+v", r)
	}
	if r := do(t, call("state", "kept")); !strings.Contains(r.stdout, `"status": "stopped"`) {
		t.Errorf("%+v", r)
	}
	if r := do(t, call("run", "-b", dir, "gone")); r != (result{status: 3}) {
		t.Errorf("%+v", r)
	}
	file := filepath.Join(t.TempDir(), "pid")
	if r := do(t, call("run", "-d", "--pid-file", file, "-b", sibling(t, base, shell("exec sleep 1000 >/dev/null 2>&1")...), "left")); r != (result{}) {
		t.Errorf("%+v", r)
	}
	if r := do(t, call("list", "-q")); r.stdout != "kept\nleft\n" {
		t.Errorf("%+v", r)
	}
	if r := do(t, call("delete", "--force", "--regex", "^(kept|left)$")); r != (result{}) {
		t.Errorf("%+v", r)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Wait4(pid, nil, 0, nil); n != pid || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// Who has no XDG_RUNTIME_DIR keeps his containers in a directory of his own below /tmp,
// and in nobody else's.
func TestWithoutRuntimeDirectory(t *testing.T) {
	nstest.AnyProcessor(t)
	if !nstest.Subprocess(t, nstest.As(nstest.User{Name: "homeless", ID: 4202}), nstest.PrivateMounts()) {
		return
	}
	dir := userBundle(t, shell("exit 4")...)
	home := "/tmp/selfcontain-4202"
	defer os.RemoveAll(home)
	call := func(args ...string) *exec.Cmd { return command(t, append([]string{"--log-level=error"}, args...)...) }
	if r := do(t, call("run", "--keep", "-b", dir, "a")); r != (result{status: 4}) {
		t.Errorf("%+v", r)
	}
	if r := do(t, call("list", "-q")); r != (result{stdout: "a\n"}) {
		t.Errorf("%+v", r)
	}
	if err := os.Chmod(home, 0o777); err != nil {
		t.Fatal(err)
	}
	if r := do(t, call("list", "-q")); r.status != 1 || !strings.Contains(r.stderr, home+": it is not a directory of this user alone") {
		t.Errorf("%+v", r)
	}
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if r := do(t, call("delete", "a")); r != (result{}) {
		t.Errorf("%+v", r)
	}
}
