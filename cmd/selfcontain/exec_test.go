package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
)

// alive starts a container that does nothing, and returns the flags by which it is found,
// and what ends it.
func alive(t *testing.T, dir string) (global []string, end func()) {
	t.Helper()
	global = []string{"--root", filepath.Join(t.TempDir(), "state")}
	if r := do(t, command(t, append(global, "run", "-d", "-b", dir, "ctr")...)); r != (result{}) {
		t.Fatalf("%+v", r)
	}
	return global, func() {
		if r := do(t, command(t, append(global, "delete", "--force", "ctr")...)); r != (result{}) {
			t.Errorf("%+v", r)
		}
	}
}

// TestExec is what a person gets who executes something in a container.
func TestExec(t *testing.T)       { nstest.Root(t); testExec(t) }
func TestExecAsUser(t *testing.T) { testExec(t, nstest.As(nstest.User{Name: "monitor", ID: 4201})) }

func testExec(t *testing.T, options ...nstest.Option) {
	if !nstest.Subprocess(t, options...) {
		return
	}
	dir := userBundle(t, append(shell("exec sleep 1000 </dev/null >/dev/null 2>&1"), `"process": {`, `"process": { "oomScoreAdj": 300,`)...)
	for name, text := range map[string]string{
		"passwd": "root:x:0:0::/root:/bin/sh\nbox:x:0:0::/there:/bin/sh\n", "group": "root:x:0:\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, "rootfs/etc", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	process := filepath.Join(dir, "process.json")
	if err := os.WriteFile(process, []byte(`{"args": ["sh", "-c", "echo $A; pwd; exit 9"], "env": ["A=file", "PATH=/bin"], "cwd": "/etc"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	global, end := alive(t, dir)
	defer end()
	bare := filepath.Join(dir, "bare.json") // has what a process must have
	const show = `{"args": ["sh", "-c", "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | cut -f 2; cat /proc/self/oom_score_adj"], "env": ["PATH=/bin"], "cwd": "/"`
	if err := os.WriteFile(bare, []byte(show+"}"), 0o644); err != nil {
		t.Fatal(err)
	}
	stated := filepath.Join(dir, "stated.json")
	if err := os.WriteFile(stated, []byte(show+`, "capabilities": {}, "oomScoreAdj": 400}`), 0o644); err != nil {
		t.Fatal(err)
	}
	const none, three = "0000000000000000\n", "0000000020000420\n"
	script := func(s string) []string { return []string{"ctr", "sh", "-c", s} }
	for _, row := range []struct {
		about string
		args  []string
		want  result
	}{
		{"a program", script("hostname; cat /proc/1/comm"), result{stdout: "selfcontain\nsleep\n"}},
		{"its status", script("exit 7"), result{status: 7}},
		{"a signal", script("kill -KILL $$"), result{status: 128 + 9}},
		{"a variable, in the place of that of config.json", append([]string{"-e", "TERM=none", "--env", "B=b"}, script("echo $TERM $B; env | grep -c TERM")...), result{stdout: "none b\n1\n"}},
		{"a directory", append([]string{"--cwd", "/etc"}, script("pwd")...), result{stdout: "/etc\n"}},
		{"a user by his name, with his home", append([]string{"-u", "box"}, script("id -u; echo $HOME")...), result{stdout: "0\n/there\n"}},
		{"a user nobody knows", append([]string{"-u", "nobody"}, script("true")...), result{status: 255, stderr: "selfcontain: exec: --user \"nobody\": etc/passwd has no such user\n"}},
		{"a capability", append([]string{"--cap", "CAP_CHOWN"}, script("grep CapEff /proc/self/status | cut -f 2")...), result{stdout: "0000000020000421\n"}},
		{"several", append([]string{"--cap", "CAP_CHOWN,CAP_FOWNER", "-c", "CAP_FSETID"}, script("grep CapEff /proc/self/status | cut -f 2")...), result{stdout: "0000000020000439\n"}},
		{"a terminal", append([]string{"--tty"}, script("tty")...), result{stdout: "/dev/pts/0\n"}},
		{"the same in short", append([]string{"-t"}, script("tty")...), result{stdout: "/dev/pts/0\n"}},
		{"no terminal", append([]string{"-t=false"}, script("tty >/dev/null")...), result{status: 1}},
		{"a terminal of which nobody has the other end", append([]string{"-t", "-d"}, script("true")...), result{status: 255, stderr: "selfcontain: exec: process.terminal: nobody would take the other end of the terminal: --console-socket says who does\n"}},
		{"a file without capabilities", []string{"-p", bare, "ctr"}, result{stdout: none + three + three + three + none + "300\n"}},
		{"a file with none, and with another score", []string{"-p", stated, "ctr"}, result{stdout: none + none + none + none + none + "400\n"}},
		{"one that there is not", append([]string{"--cap", "CAP_NONE"}, script("true")...), result{status: 255, stderr: "selfcontain: exec: --cap: bounding capabilities: \"CAP_NONE\" is not a capability\n"}},
		{"new privileges", append([]string{"--no-new-privs=false"}, script("grep NoNewPrivs /proc/self/status | cut -f 2")...), result{stdout: "0\n"}},
		{"a file", []string{"--process", process, "ctr"}, result{stdout: "file\n/etc\n", status: 9}},
		{"a file and a program", []string{"-p", process, "ctr", "true"}, result{status: 255, stderr: "selfcontain: exec: \"true\": the program is that of --process\n"}},
		{"no program", []string{"ctr"}, result{status: 255, stderr: "selfcontain: exec: the program is missing\n"}},
		{"no container", []string{"other", "true"}, result{status: 255, stderr: "selfcontain: other: container does not exist\n"}},
		{"no id", nil, result{status: 255, stderr: "selfcontain: exec: the id of the container is missing\n"}},
		{"an unknown flag", []string{"--none", "ctr", "true"}, result{status: 255, stderr: "selfcontain: exec: flag provided but not defined: -none\n"}},
		{"a label that nobody enforces", append([]string{"--apparmor", "x"}, script("true")...), result{status: 255, stderr: "selfcontain: process.apparmorProfile: \"x\": this kernel does not run AppArmor, so nothing would enforce it\n"}},
		{"another that nobody enforces", append([]string{"--process-label", "x"}, script("true")...), result{status: 255, stderr: "selfcontain: process.selinuxLabel: \"x\": this kernel does not run SELinux, so nothing would enforce it\n"}},
	} {
		t.Run(row.about, func(t *testing.T) {
			if strings.Contains(row.about, "label") || strings.Contains(row.about, "another that") {
				if _, err := os.Stat("/sys/module/apparmor/parameters/enabled"); err == nil {
					t.Skip("skipped: this kernel has security modules")
				}
			}
			if r := do(t, command(t, append(append(global[:2:2], "exec"), row.args...)...)); r != row.want {
				t.Errorf("got  %+v\nwant %+v", r, row.want)
			}
		})
	}
	r := do(t, command(t, append(global, "exec", "ctr", "there-is-none")...))
	if r.status != 255 || !strings.Contains(r.stderr, `"there-is-none": executable file not found in $PATH`) {
		t.Errorf("%+v", r)
	}
}

// TestExecIsPlanned: plan says what exec would do, and does nothing; trace does it, and
// shows the same calls.
func TestExecIsPlanned(t *testing.T) { nstest.Root(t); testExecIsPlanned(t) }
func TestExecIsPlannedAsUser(t *testing.T) {
	testExecIsPlanned(t, nstest.As(nstest.User{Name: "monitor", ID: 4201}))
}

func testExecIsPlanned(t *testing.T, options ...nstest.Option) {
	nstest.AnyProcessor(t)
	if !nstest.Subprocess(t, options...) {
		return
	}
	dir := userBundle(t, shell("exec sleep 1000 </dev/null >/dev/null 2>&1")...)
	global, end := alive(t, dir)
	defer end()
	touch := []string{"exec", "--cwd", "/etc", "-e", "A=b", "ctr", "/bin/sh", "-c", "echo $A >/dev/shm/made"}
	made := func() result { return do(t, command(t, append(global, "exec", "ctr", "cat", "/dev/shm/made")...)) }
	verb := func(args ...string) []string { return append(append(append([]string{}, global...), args...), touch...) }
	plan := do(t, command(t, verb("plan")...))
	if r := made(); plan.status != 0 || plan.stderr != "" || r.status == 0 {
		t.Fatalf("plan: %+v, and then %+v", plan, r)
	}
	calls := []string{"setns(", `"etc"`, `execve("/bin/sh", ["/bin/sh", "-c", "echo $A >/dev/shm/made"]`}
	for _, call := range calls {
		if !strings.Contains(plan.stdout, call) {
			t.Errorf("the plan has no %s:\n%s", call, plan.stdout)
		}
	}
	for _, form := range [][]string{{"plan", "--brief"}, {"plan", "--digest"}, {"plan", "--format", "json"}} {
		if r := do(t, command(t, verb(form...)...)); r.status != 0 || r.stdout == "" {
			t.Errorf("%q: %+v", form, r)
		}
	}
	if r := do(t, command(t, append(global, "plan", "exec", "--preserve-fds", "2", "ctr", "true")...)); !strings.Contains(r.stdout, "preserved4") {
		t.Errorf("with descriptors: %+v", r)
	}
	trace := do(t, command(t, verb("trace")...))
	if r := made(); trace.status != 0 || r != (result{stdout: "b\n"}) {
		t.Fatalf("trace: %+v, and then %+v", trace, r)
	}
	for _, call := range calls {
		if !strings.Contains(trace.stderr, call) {
			t.Errorf("the trace has no %s:\n%s", call, trace.stderr)
		}
	}
	if r := do(t, command(t, append(global, "plan", "exec", "other", "true")...)); r != (result{status: 1, stderr: "selfcontain: other: container does not exist\n"}) {
		t.Errorf("no container: %+v", r)
	}
	if r := do(t, command(t, append(global, "plan", "exec", "--none", "ctr")...)); r != (result{status: 1, stderr: "selfcontain: plan exec: flag provided but not defined: -none\n"}) {
		t.Errorf("an unknown flag: %+v", r)
	}
}

// TestExecAsEnginesCall: the number of the process is in a file before the command ends,
// and whoever is the subreaper waits for the process and is told its status, however soon
// it ends.
func TestExecAsEnginesCall(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	if !nstest.Subprocess(t) {
		return
	}
	subreaper(t)
	dir := bundle(t, shell("exec sleep 1000 </dev/null >/dev/null 2>&1")...)
	global, end := alive(t, dir)
	defer func() {
		end()
		if _, err := unix.Wait4(-1, nil, 0, nil); err != nil { // the container's own is an orphan as well
			t.Error(err)
		}
	}()
	g := goRunc{t, global[1], filepath.Join(dir, "log.json")}
	file, process := filepath.Join(dir, "exec.pid"), filepath.Join(dir, "process.json")
	wait := func(r result, want int) {
		t.Helper()
		if r != (result{}) {
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
		var status unix.WaitStatus
		if n, err := unix.Wait4(pid, &status, 0, nil); n != pid || err != nil || status.ExitStatus() != want {
			t.Errorf("%d, %v, status %d, want %d", n, err, status.ExitStatus(), want)
		}
	}
	for status := range 3 {
		text := `{"args": ["sh", "-c", "exit ` + strconv.Itoa(status) + `"], "env": ["PATH=/bin"], "cwd": "/"}`
		if err := os.WriteFile(process, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		wait(g.do("exec", "--process", process, "--detach", "--pid-file", file, "ctr"), status)
	}

	// With a terminal, whose other end somebody else gets.
	path := filepath.Join(dir, "pty.sock")
	l := listen(t, path)
	text := `{"args": ["sh", "-c", "tty; read x; echo got $x; exit 4"], "env": ["PATH=/bin"], "cwd": "/", "terminal": true}`
	if err := os.WriteFile(process, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r := g.do("exec", "--process", process, "--console-socket", path, "--detach", "--pid-file", file, "ctr")
	master, name := receive(t, l)
	if name != "/dev/ptmx" {
		t.Errorf("a descriptor of the name %q", name)
	}
	if _, err := master.WriteString("it\n"); err != nil {
		t.Error(err)
	}
	wait(r, 4)
	if got := nstest.ReadTerminal(t, master); !strings.Contains(got, "/dev/pts/0\n") || !strings.Contains(got, "got it\n") {
		t.Errorf("%q", got)
	}

	// An error is the last entry of the log.
	if err := os.WriteFile(process, []byte(`{"args": ["/bin/none"], "cwd": "/"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := g.do("exec", "--process", process, "--detach", "--pid-file", file, "ctr"); r.status != 255 || !strings.Contains(g.lastError(), "no such file or directory") {
		t.Errorf("%+v, and the log says %s", r, g.lastError())
	}
	if pid, err := unix.Wait4(-1, nil, syscall.WNOHANG, nil); pid > 0 {
		t.Errorf("process %d is left (%v)", pid, err)
	}
}
