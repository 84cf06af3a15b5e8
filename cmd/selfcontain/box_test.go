package main

import (
	"bufio"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// nobody is an ordinary user with no id but his own, boxer has more.
var (
	nobody = nstest.User{Name: "nobody", ID: 65534}
	boxer  = nstest.User{Name: "boxer", ID: 4321, SubID: 300000, SubIDs: 65536}
)

// asBoxer is Subprocess as a user. Of /var/tmp, that everybody may write to it, a guest
// that was made for tests has not heard.
func asBoxer(t *testing.T, u nstest.User) bool {
	t.Helper()
	if os.Geteuid() == 0 && os.Getenv("NSTEST_GUEST") != "" {
		if err := os.Chmod(varTmp, 0o777|os.ModeSticky); err != nil {
			t.Fatal(err)
		}
	}
	return nstest.Subprocess(t, nstest.As(u))
}

// limited reports whether boxes of this user cannot remove what the machine has: before
// Linux 6.6, on a machine without a disk. They say so themselves.
func limited() bool {
	_, err := findScratch("/none", os.Geteuid())
	return os.Geteuid() != 0 && !memoryXattrs() && err != nil
}

// doBox is do without that warning.
func doBox(t *testing.T, c *exec.Cmd) result {
	t.Helper()
	r := do(t, c)
	first, rest, _ := strings.Cut(r.stderr, "\n")
	if strings.Contains(first, "warning: a directory that the machine has cannot be removed") {
		if !limited() {
			t.Errorf("it is no rule here: %s", first)
		}
		r.stderr = rest
	}
	return r
}

func TestBoxAsRoot(t *testing.T) {
	nstest.Root(t)
	testBox(t)
}

func TestBoxAsUser(t *testing.T) {
	nstest.AnyProcessor(t)
	if !asBoxer(t, nobody) {
		return
	}
	nstest.UserNS(t)
	testBox(t)
}

func TestBoxAsUserWithSubIDs(t *testing.T) {
	nstest.AnyProcessor(t)
	if !asBoxer(t, boxer) {
		return
	}
	nstest.UserNS(t)
	testBox(t)
	r := doBox(t, box(t, "-u", "7:8", "--", "id", "-u"))
	if (r != result{stdout: "7\n"}) {
		t.Errorf("another user: %+v", r)
	}
}

// onDisk makes a directory that a box can see and change: /tmp it has of its own.
func onDisk(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "box")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := container.RemoveTree(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// box is the command in a directory that every box has.
func box(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	c := command(t, append([]string{"box"}, args...)...)
	c.Dir = "/"
	return c
}

func testBox(t *testing.T) {
	nstest.Module(t, "overlay")
	t.Run("exit status", testBoxStatus)
	t.Run("what it is", testBoxIsOne)
	t.Run("no trace outside", testBoxLeavesNoTrace)
	t.Run("keep", testBoxKeeps)
	t.Run("binds", testBoxBinds)
	t.Run("read-only", testBoxReadOnly)
	t.Run("another root", testBoxRootFS)
	t.Run("sockets", testBoxReachesNoSocket)
	t.Run("killed", testBoxesKilled)
}

func testBoxStatus(t *testing.T) {
	early := onDisk(t) // what is in it comes first in PATH
	if err := os.WriteFile(early+"/echo", []byte("text\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(early+"/true", 0o755); err != nil {
		t.Fatal(err)
	}
	path := "-v " + early + " -e PATH=" + early + ":/bin -- "
	for _, row := range []struct {
		name string
		args string
		want int
	}{
		{"success", "-- true", 0},
		{"the program's own", "-- sh -c exit_7", 7},
		{"the same as one of ours", "-- sh -c exit_125", 125},
		{"a signal", "--pid host -- sh -c kill_-TERM_$$", 128 + 15},
		{"a signal, behind an init", "--init -- sh -c kill_-KILL_$$", 128 + 9},
		{"a program that is not there", "-- there-is-none", 127},
		{"a path that is not there", "-- /there/is/none", 127},
		{"one that is not in the only directory of PATH", "-e PATH=/bin -- there-is-none", 127},
		{"a file that is found and is no program, though there is one behind it", path + "echo", 126},
		{"a directory on the way to a program", path + "true", 0},
		{"a directory", "-- /etc", 126},
		{"a file that is no program", "-- /etc/passwd", 126},
		{"a flag that is not there", "--fly", 125},
		{"a root that is not there", "--rootfs /there/is/none true", 125},
		{"a source that is not there", "-v /there/is/none true", 125},
		{"a capability that is not there", "--cap-add FLY true", 125},
	} {
		args := strings.Fields(row.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "_", " ")
		}
		r := doBox(t, box(t, args...))
		ours := row.want >= 125 && row.want <= 127 && !strings.Contains(row.name, "same")
		if r.status != row.want || ours != (r.stderr != "") || ours && strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%s: got %+v, want %d", row.name, r, row.want)
		}
	}
}

// A box has everything of its own, lo is up, uid 0 is inside, and there is no way to more.
func testBoxIsOne(t *testing.T) {
	script := `hostname; id -u; id -g; echo $$; echo /proc/[0-9]*; grep -E 'CapBnd|NoNewPrivs' /proc/self/status
cat /sys/class/net/lo/operstate /sys/class/net/*/uevent | grep -v IFINDEX; ls /tmp /run; echo "$PATH $SECRET $A"; pwd`
	c := box(t, "-e", "A=b", "--", "sh", "-c", script)
	c.Env = append(c.Env, "SECRET=1", "PATH=/bin:/usr/bin")
	c.Dir = "/var"
	r := doBox(t, c)
	want := "box\n0\n0\n1\n/proc/1\nCapBnd:\t00000000a80425fb\nNoNewPrivs:\t1\nunknown\nINTERFACE=lo\n" +
		"/tmp:\n\n/run:\n/bin:/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin  b\n/var\n"
	if r.stdout != strings.Replace(want, "/tmp:\n\n/run:\n", "/run:\n\n/tmp:\n", 1) || r.stderr != "" {
		t.Errorf("got %+v\nwant %s", r, want)
	}
	r = doBox(t, box(t, "--hostname", "other", "--net", "host", "--cap-drop", "ALL", "-w", "/usr", "--", "sh", "-c",
		"hostname; pwd; grep CapBnd /proc/self/status; readlink /proc/self/ns/net"))
	net, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if (r.stdout != "other\n/usr\nCapBnd:\t0000000000000000\n"+net+"\n") || r.status != 0 {
		t.Errorf("got %+v", r)
	}
}

// What is removed, changed or installed in a box is so nowhere else.
func testBoxLeavesNoTrace(t *testing.T) {
	dir := onDisk(t)
	file := filepath.Join(dir, "old", "file")
	if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("old\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	script := `set -e; cd ` + dir + `; cat old/file; echo new >>old/file; cat old/file; rm -r old; test ! -e old
mkdir -p old new; echo x >new/file; mv new newer; ls; touch /usr/new-in-the-box /new-in-the-box`
	if limited() {
		script = strings.Replace(script, "rm -r old; test ! -e old\nmkdir -p old", "rm old/file; test ! -e old/file\nmkdir -p old", 1)
	}
	r := doBox(t, box(t, "--", "sh", "-c", script))
	if (r != result{stdout: "old\nold\nnew\nnewer\nold\n"}) {
		t.Errorf("inside: %+v", r)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "old\n" {
		t.Errorf("outside: %q, %v", text, err)
	}
	for _, path := range []string{dir + "/newer", "/usr/new-in-the-box", "/new-in-the-box"} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is there outside", path)
		}
	}
	if os.Geteuid() == 0 {
		r := doBox(t, box(t, "--", "sh", "-c", "rm -rf /usr/sbin /etc/init.d; ls -d /usr/sbin /etc/init.d 2>/dev/null"))
		if r.stdout != "" {
			t.Errorf("root removes what he likes: %+v", r)
		}
		if _, err := os.Stat("/usr/sbin"); err != nil {
			t.Error(err)
		}
	}
}

func testBoxKeeps(t *testing.T) {
	dir := onDisk(t)
	if err := os.WriteFile(dir+"/file", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	keep := filepath.Join(dir, "keep")
	first := doBox(t, box(t, "--keep", keep, "--", "sh", "-c", "rm "+dir+"/file; echo kept >/var/tmp/kept-in-a-box"))
	again := doBox(t, box(t, "--keep", keep, "--", "sh", "-c", "ls "+dir+"/file; cat /var/tmp/kept-in-a-box"))
	if (first != result{}) || again.stdout != "kept\n" || !strings.Contains(again.stderr, "No such file") {
		t.Errorf("first %+v, then %+v", first, again)
	}
	if _, err := os.Stat("/var/tmp/kept-in-a-box"); err == nil {
		t.Error("it is there outside")
	}
	if _, err := os.Stat(dir + "/file"); err != nil {
		t.Errorf("what was removed inside: %v", err)
	}
	lock, err := claim(keep)
	if err != nil {
		t.Fatal(err)
	}
	r := doBox(t, box(t, "--keep", keep, "true"))
	lock.Close()
	if r.status != 125 || !strings.Contains(r.stderr, "--keep: another box has it: ") {
		t.Errorf("two boxes with the same directory: %+v", r)
	}
}

func testBoxBinds(t *testing.T) {
	dir := onDisk(t)
	c := box(t, "-v", ".", "-v", ".:/there:ro", "--tmpfs", "/empty", "--", "sh", "-c", "pwd; echo x >real; ls /there /empty; echo y >/there/not")
	c.Dir = dir
	r := doBox(t, c)
	if r.stdout != dir+"\n/empty:\n\n/there:\nreal\n" || !strings.Contains(r.stderr, "Read-only file system") {
		t.Errorf("got %+v", r)
	}
	if text, err := os.ReadFile(dir + "/real"); err != nil || string(text) != "x\n" {
		t.Errorf("outside: %q, %v", text, err)
	}
}

func testBoxReadOnly(t *testing.T) {
	dir := onDisk(t)
	r := doBox(t, box(t, "--read-only", "--", "sh", "-c", "for f in /x /usr/x /etc/x "+dir+"/x /sys/x /tmp/x; do touch $f 2>/dev/null && echo $f; done; true"))
	if (r != result{stdout: "/tmp/x\n"}) {
		t.Errorf("got %+v, want nothing but /tmp to be written to", r)
	}
}

func testBoxRootFS(t *testing.T) {
	root := nstest.RootFS(t)
	r := doBox(t, box(t, "--rootfs", root, "--", "sh", "-c", "echo $PATH $HOME; echo x >/made; ls /"))
	want := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /root\nbin\ndev\netc\nhome\nmade\nproc\nroot\nrun\nsys\ntmp\nusr\nvar\n"
	if (r != result{stdout: want}) {
		t.Errorf("got %+v", r)
	}
	if _, err := os.Stat(root + "/made"); err != nil {
		t.Error("changes of another root are for real:", err)
	}
	keep := filepath.Join(onDisk(t), "keep")
	r = doBox(t, box(t, "--rootfs", root, "--keep", keep, "--", "sh", "-c", "rm /made; ls /made"))
	if _, err := os.Stat(root + "/made"); err != nil || r.stdout != "" {
		t.Errorf("with --keep they are not: %v, %+v", err, r)
	}
}

// connectTo makes the test binary connect to a socket and exit with the error.
const connectTo = "SELFCONTAIN_TEST_CONNECT"

func runConnect(path string) int {
	c, err := net.Dial("unix", path)
	if err == nil {
		err = c.Close()
	}
	var errno syscall.Errno
	errors.As(err, &errno)
	return int(errno)
}

// A program of the machine that listens on its file system is not heard of, unless
// somebody binds its socket.
func testBoxReachesNoSocket(t *testing.T) {
	dir := onDisk(t)
	client, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/client", client, 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", dir+"/socket")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, row := range []struct {
		about string
		flags []string
		want  syscall.Errno
	}{
		{"on the machine's file system", nil, syscall.ECONNREFUSED},
		{"with the machine's network", []string{"--net", "host"}, syscall.ECONNREFUSED},
		{"bound", []string{"-v", dir + "/socket"}, 0},
	} {
		r := doBox(t, box(t, append(row.flags, "-e", connectTo+"="+dir+"/socket", "--", dir+"/client")...))
		if r.status != int(row.want) {
			t.Errorf("%s: %+v, want %d", row.about, r, int(row.want))
		}
	}
}

// Many boxes at once, all killed, at any moment of their lives. That nothing is left of
// them is what the end of the tests checks, and here the directories.
func testBoxesKilled(t *testing.T) {
	boxes := 20
	switch {
	case os.Getenv("NSTEST_SOAK") != "":
		boxes = 200
	case testing.Short():
		boxes = 8
	}
	type running struct {
		*exec.Cmd
		ready chan struct{}
	}
	var all []running
	for range boxes {
		c := box(t, "--", "sh", "-c", "echo ready; sleep 1000 & sleep 1000")
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		r := running{c, make(chan struct{})}
		go func() {
			defer close(r.ready)
			bufio.NewScanner(out).Scan()
		}()
		all = append(all, r)
	}
	for i, r := range all {
		if i%2 == 0 {
			<-r.ready // the others are killed on the way
		} else {
			time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
		}
		if err := r.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range all {
		<-r.ready // the end of its output: nobody of the box is left to write
		if status := statusOf(t, r.Wait()); status != -int(syscall.SIGKILL) {
			t.Errorf("status %d", status)
		}
	}
	for _, parent := range scratchParents(defaultRoot(os.Geteuid(), ""), os.Geteuid()) {
		if err := sweep(parent, container.RemoveTree); err != nil && !os.IsNotExist(err) && !os.IsPermission(err) {
			t.Error(err)
		}
		if left, err := os.ReadDir(parent); err == nil && len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

func TestBoxTerminalAndInit(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	r := doBox(t, box(t, "-it", "--init", "--", "sh", "-c", "tty; cat /proc/1/comm"))
	if r.status != 0 || r.stdout != "/dev/pts/0\ninit\n" {
		t.Errorf("got %+v", r)
	}
}

// plan and trace take what box takes.
func TestBoxIsPlannedAndTraced(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	plan := do(t, command(t, "plan", "box", "--hostname", "other", "--", "true"))
	if plan.status != 0 || !strings.Contains(plan.stdout, `sethostname("other", 5)`) || !strings.Contains(plan.stdout, `"lowerdir"`) {
		t.Errorf("plan: status %d, %s", plan.status, plan.stderr)
	}
	trace := do(t, command(t, "trace", "box", "--", "echo", "ran"))
	if trace.status != 0 || trace.stdout != "ran\n" || !strings.Contains(trace.stderr, "execve") {
		t.Errorf("trace: %+v", trace)
	}
	for _, args := range []string{"plan box --help", "trace box -h"} {
		if got, want := do(t, command(t, strings.Fields(args)...)), do(t, command(t, "help", "box")); got != want {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if r := do(t, command(t, "plan", "box", "--fly")); r.stderr != "selfcontain: plan box: flag provided but not defined: -fly\n" || r.status != 1 {
		t.Errorf("%+v", r)
	}
	keep := filepath.Join(onDisk(t), "keep")
	if r := do(t, command(t, "plan", "box", "--keep", keep, "true")); r.status != 0 || !strings.Contains(r.stdout, keep+"/upper") {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(keep); err == nil {
		t.Error("plan has made a directory")
	}
}
