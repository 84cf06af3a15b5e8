package selfcontain_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
)

// exitCode is a command's exit status, and -1 where a signal has ended it.
func exitCode(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	if err := cmd.Wait(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

// runs starts a caller, and waits for what it prints first.
func runs(t *testing.T, cmd *exec.Cmd, want string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != want {
		t.Fatalf("it says %q (%v), want %q", line, err, want)
	}
}

// TestProof has a program say of a container what everybody wants of one.
func TestProof(t *testing.T) {
	c := config(t)
	t.Setenv("PROOF", "inherited")
	cmd := call(t, c, "prove", c.Data)
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var p proof
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if p.PID < 2 || p.PID > 10 || p.Init != "init" || p.Hostname != c.Name {
		t.Errorf("process %d of %q on %q", p.PID, p.Init, p.Hostname)
	}
	for name, own := range namespaces() {
		if (p.Namespaces[name] == own) != (name == "user") {
			t.Errorf("namespace %s is %s inside and %s outside", name, p.Namespaces[name], own)
		}
	}
	if p.Executable != "/run/selfcontain/program" || p.Again != "again\n" || p.ProgramMount != "ro=true nosuid=true <nil>" {
		t.Errorf("the program is %q, executed again prints %q, and lies on a mount with %s", p.Executable, p.Again, p.ProgramMount)
	}
	if p.Evacuated != "<nil> <nil>" || p.Cgroup != "/selfcontain" || p.Controllers != p.Children {
		t.Errorf("evacuated (%s) to %s, controllers %q and below %q", p.Evacuated, p.Cgroup, p.Controllers, p.Children)
	}
	if has, err := os.ReadFile(filepath.Join(hierarchy(t), "cgroup.controllers")); err != nil || strings.TrimSpace(string(has)) != p.Controllers {
		t.Errorf("it has the controllers %q, and the machine %q (%v)", p.Controllers, has, err)
	}
	if p.OwnSysctl != "<nil> 77" {
		t.Errorf("a sysctl of its own: %s", p.OwnSysctl)
	}
	if p.Disk != unix.EPERM.Error() {
		t.Errorf("another device: %s", p.Disk)
	}
	if got := strings.Join(p.Devices, ", "); got != "/dev/fuse 10:229 20666, /dev/kmsg 1:11 20644, /dev/null 1:3 20666" {
		t.Errorf("devices %s", got)
	}
	for dir, want := range map[string]string{
		"/": "overlay", "/etc": "overlay", "/proc": "proc", "/sys": "sysfs", "/dev": "tmpfs", "/run": "tmpfs", "/tmp": "tmpfs", "/sys/fs/cgroup": "cgroup2",
	} {
		if p.Types[dir] != want {
			t.Errorf("%s is %q, want %q", dir, p.Types[dir], want)
		}
	}
	if p.Types["/var/lib"] == "overlay" {
		t.Error("/var/lib is an overlay")
	}
	if len(p.Tmp)+len(p.VarLib) != 0 || !slices.Equal(p.Run, []string{"selfcontain"}) || !slices.Equal(p.Interfaces, []string{"lo"}) {
		t.Errorf("/tmp %v, /var/lib %v, /run %v, interfaces %v", p.Tmp, p.VarLib, p.Run, p.Interfaces)
	}
	if len(p.Data) != 0 {
		t.Errorf("it sees its layers: %v", p.Data)
	}
	if p.Environment != "inherited" {
		t.Error("the environment is another one")
	}
}

// hierarchy is where cgroup v2 is mounted.
func hierarchy(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if before, after, ok := strings.Cut(line, " - "); ok && strings.HasPrefix(after, "cgroup2 ") {
			return strings.Fields(before)[4]
		}
	}
	t.Fatal("cgroup v2 is not mounted")
	return ""
}

// TestOutcomes has programs end in every way.
func TestOutcomes(t *testing.T) {
	nstest.AnyProcessor(t)
	c := config(t)
	for _, row := range []struct {
		args []string
		want int
	}{{[]string{"exit", "0"}, 0}, {[]string{"exit", "7"}, 7}, {[]string{"orphan"}, 0}} {
		cmd := call(t, c, row.args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if got := exitCode(t, cmd); got != row.want {
			t.Errorf("%v: status %d, want %d", row.args, got, row.want)
		}
	}
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGUSR1} {
		cmd := call(t, c, "signalled")
		runs(t, cmd, "here\n")
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		if got := exitCode(t, cmd); got != int(s) {
			t.Errorf("%v: status %d", s, got)
		}
	}
	cmd := call(t, c, "hold")
	runs(t, cmd, "here\n")
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if got := exitCode(t, cmd); got != 128+int(syscall.SIGINT) {
		t.Errorf("SIGINT: status %d", got)
	}
}

// TestNested has a container in a container.
func TestNested(t *testing.T) {
	nstest.AnyProcessor(t)
	out, err := call(t, config(t), "nested", "echo", "far", "inside").Output()
	if err != nil || string(out) != "nested: far inside\n" {
		t.Errorf("%q (%v)", out, err)
	}
}

// TestCallerKilled kills callers at ten moments of their lives. Within a second there is
// nobody left who has what the program had, and the next one gets the name and the data.
func TestCallerKilled(t *testing.T) {
	nstest.AnyProcessor(t)
	c := config(t)
	began := time.Now()
	first := call(t, c, "hold")
	runs(t, first, "here\n")
	whole := time.Since(began)
	every := 1
	if testing.Short() {
		every = 4
	}
	for i := 0; i < 10; i += every {
		cmd := first
		if i > 0 {
			cmd = call(t, c, "hold")
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			cmd.Stdin = w
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(whole * time.Duration(i) / 9)
		}
		w.Close()
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		_ = cmd.Wait()
		if err := r.SetReadDeadline(killed.Add(nstest.Slower(5 * time.Second))); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(make([]byte, 1)); os.IsTimeout(err) || time.Since(killed) > nstest.Slower(time.Second) {
			t.Errorf("killed after %v: %v later somebody still lives (%v)", whole*time.Duration(i)/9, time.Since(killed), err)
		}
		r.Close()
		if i%4 == 0 {
			name := fmt.Sprintf("/var/lib/%d", i)
			for _, role := range []string{"write", "read"} {
				if err := call(t, c, role, name, "/etc/"+filepath.Base(name)).Run(); err != nil {
					t.Errorf("killed after %v, then %s: %v", whole*time.Duration(i)/9, role, err)
				}
			}
		}
	}
}
