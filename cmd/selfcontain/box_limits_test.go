package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// Which files the flags write.
func TestBoxLimits(t *testing.T) {
	for _, row := range []struct{ line, want string }{
		{"", ""},
		{"--memory 64m", "memory.max = 67108864, memory.swap.max = 0"},
		{"--cpus 1.5", "cpu.max = 150000 100000"},
		{"--pids 100 --cpus=0.01", "cpu.max = 1000 100000, pids.max = 100"},
		{"--memory= --cpus= --pids=", ""},
	} {
		b, args := parsed(t, row.line)
		m := here
		if b.limits.any() {
			m.Cgroup = "selfcontain/box-1"
		}
		s, _, err := b.spec(args, storedHost(t, "6.1-root"), m)
		if err != nil {
			t.Errorf("%s: %v", row.line, err)
		}
		if s.Cgroup == nil {
			s.Cgroup = &container.Cgroup{Path: m.Cgroup}
		} else if row.want == "" {
			t.Errorf("%q: there is a cgroup", row.line)
		}
		files, err := s.Cgroup.Resources.Files()
		var got []string
		for _, f := range files {
			got = append(got, f.String())
			if limitFlag(f.Origin) == "" {
				t.Errorf("no flag asks for %s", f.Origin)
			}
		}
		if err != nil || strings.Join(got, ", ") != row.want || s.Cgroup.Path != m.Cgroup || s.Cgroup.Optional {
			t.Errorf("%q: %q (%v)", row.line, got, err)
		}
	}
	for line, want := range map[string]string{
		"--memory 0":     `invalid value "0" for flag -memory: want more than 0: without the flag there is no limit`,
		"--memory -1":    `invalid value "-1" for flag -memory: want more than 0: without the flag there is no limit`,
		"--memory 64q":   `invalid value "64q" for flag -memory: want a number of bytes, or with a unit such as 512k, 64m or 1.5g, or -1 for no limit`,
		"--cpus 0":       `invalid value "0" for flag -cpus: want a number of processors of 0.01 or more, such as 1.5`,
		"--pids 0":       `invalid value "0" for flag -pids: want a number of 1 or more`,
		"--pids 1000000": "",
	} {
		var b boxFlags
		f := flagSet("box")
		b.declare(f)
		if err := f.Parse(strings.Fields(line)); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%s: %v\nwant %s", line, err, want)
		}
	}
}

// What a limit that cannot be had says, to root and to others.
func TestBoxLimitsHint(t *testing.T) {
	const user = "; an ordinary user may limit what runs below systemd's user manager: systemd-run --user --scope -p Delegate=yes selfcontain box"
	missing := &cgroupv2.ControllerError{Group: "/", Controller: "memory", Origin: "linux.resources.memory.limit"}
	step := func(action container.Action, err error) error {
		return &container.Error{Err: &container.StepError{Step: container.Step{Action: action, Path: "/x", Origin: "linux.resources"}, Err: err}}
	}
	for _, row := range []struct {
		err  error
		uid  int
		want string
	}{
		{step(container.LimitCgroup, missing), 0, "box: --memory: cgroup /: no controller memory: the kernel has none, or a hierarchy of version 1 has taken it (/proc/cgroups; cgroup_no_v1=all on the kernel's command line)"},
		{step(container.LimitCgroup, &cgroupv2.ControllerError{Group: "/u", Controller: "pids", Origin: "linux.resources.pids.limit"}), 7, "box: --pids: cgroup /u: no controller pids: the group above does not hand it down (cgroup.subtree_control)" + user},
		{step(container.MakeCgroup, unix.EACCES), 7, "box: --memory, --cpus and --pids take a cgroup: permission denied" + user},
		{step(container.MakeCgroup, unix.EROFS), 0, "box: --memory, --cpus and --pids take a cgroup: read-only file system"},
		{step(container.LimitCgroup, unix.EINVAL), 7, "box: --memory, --cpus and --pids take a cgroup: invalid argument"},
		{step(container.CloneTree, unix.EACCES), 7, "linux.resources: /x: permission denied"},
	} {
		got := limitsHint(row.err, row.uid)
		if got.Error() != row.want {
			t.Errorf("got  %v\nwant %s", got, row.want)
		}
		if inner := errors.Unwrap(errors.Unwrap(row.err.(*container.Error).Err)); inner != nil && !errors.Is(got, inner) {
			t.Errorf("%v is not %v", got, inner)
		}
	}
}

// TestBoxLimitsRefused is what people see where a limit cannot be had.
func TestBoxLimitsRefused(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root := nstest.RootFS(t)
	state := t.TempDir()
	if os.Getenv("NSTEST_GUEST") == "" {
		r := do(t, command(t, "--root", state, "box", "--memory", "64m", "--rootfs", root, "true"))
		if r.status != 125 || !strings.Contains(r.stderr, "box: --memory: cgroup /: no controller memory: ") || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("memory: %+v", r)
		}
	}
	r := do(t, command(t, "--root", state, "trace", "box", "--pids", "5", "--rootfs", root, "true"))
	if (r != result{status: 1, stderr: "selfcontain: trace box: --memory, --cpus and --pids are for a container that is created and then started, and what is traced is not: leave them out, or plan it\n"}) {
		t.Errorf("trace: %+v", r)
	}
	r = do(t, command(t, "--root", state, "plan", "box", "--pids", "5", "--memory", "1g", "--rootfs", root, "true"))
	if r.status != 0 || !strings.Contains(r.stdout, "memory.max = 1073741824, memory.swap.max = 0, pids.max = 5") {
		t.Errorf("plan: %.2000s, %s, status %d", r.stdout, r.stderr, r.status)
	}
	if left, err := os.ReadDir(state); err != nil || len(left) > 0 {
		t.Errorf("left %v (%v)", left, err)
	}
}

// TestBoxLimitsAreFelt runs boxes that want more than they may have.
func TestBoxLimitsAreFelt(t *testing.T) {
	guest(t)
	root, state := nstest.RootFS(t), t.TempDir()
	box := func(args ...string) []string {
		return append([]string{"--root", state, "box", "--rootfs", root}, args...)
	}
	for _, row := range []struct {
		about string
		args  []string
		want  result
	}{
		{"memory", box("--memory", "16m", "--", "tail", "/dev/zero"), result{status: 137, stderr: "selfcontain: warning: the kernel has killed 1 of its processes, for want of memory: --memory was 16777216 bytes\n"}},
		{"enough of it", box("--memory", "16m", "--", "sh", "-c", "head -c 4m /dev/zero | tail -c 1m | wc -c"), result{stdout: "1048576\n"}},
		{"processes", box("--pids", "4", "--", "sh", "-c", "sleep 1000 & sleep 1000 & sleep 1000 & sleep 1000 & kill %1"), result{status: 2, stderr: "sh: can't fork: Resource temporarily unavailable\n"}},
		{"all three, in its own view", box("--memory", "64m", "--cpus", "1.5", "--pids", "50", "--", "sh", "-c", "cd /sys/fs/cgroup; cat memory.max memory.swap.max cpu.max pids.max 2>/dev/null; cat /proc/self/cgroup"),
			result{stdout: "67108864\n0\n150000 100000\n50\n0::/\n"}},
		{"no such program", box("--pids", "50", "--", "none"), result{status: 127, stderr: "*"}},
		{"no program", box("--pids", "50", "--", "/etc/passwd"), result{status: 126, stderr: "*"}},
	} {
		r := do(t, command(t, row.args...))
		if row.want.stderr == "*" {
			row.want.stderr = r.stderr
		}
		if r != row.want {
			t.Errorf("%s: %+v\nwant %+v", row.about, r, row.want)
		}
		if left, err := os.ReadDir(state); err != nil || len(left) > 0 {
			t.Errorf("%s: left %v (%v)", row.about, left, err)
		}
	}
	// One whose command is killed is gone, and what is left of it goes with the next.
	c := command(t, box("--pids", "50", "--", "sh", "-c", "echo ready; exec sleep 1000")...)
	lines, wait := stream(t, c)
	if text, err := lines.ReadString('\n'); text != "ready\n" || err != nil {
		t.Fatalf("%q, %v", text, err)
	}
	r := do(t, command(t, "--root", state, "list", "-q"))
	id := strings.TrimSpace(r.stdout)
	if !strings.HasPrefix(id, boxPrefix) || strings.Contains(id, "\n") {
		t.Errorf("list: %+v", r)
	}
	if err := c.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if r := wait(); r.status != -9 {
		t.Errorf("%+v", r)
	}
	if r := do(t, command(t, box("--pids", "50", "--", "echo", "next")...)); (r != result{stdout: "next\n"}) {
		t.Errorf("the next: %+v", r)
	}
	if left, err := os.ReadDir(state); err != nil || len(left) > 0 {
		t.Errorf("left %v (%v)", left, err)
	}
}

// TestBoxLimitsOfUser is an ordinary user without and with a cgroup of his own.
func TestBoxLimitsOfUser(t *testing.T) {
	guest(t)
	root, state := nstest.RootFS(t), t.TempDir()
	if err := os.Chown(state, nobody.ID, nobody.ID); err != nil {
		t.Fatal(err)
	}
	h, err := cgroupv2.Find()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	own, err := h.Create("/test-of-user")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(own.Remove(t.Context()), own.Close()); err != nil {
			t.Error(err)
		}
	}()
	if err := errors.Join(own.Enable("memory", "pids"), own.Delegate(nobody.ID, nobody.ID)); err != nil {
		t.Fatal(err)
	}
	leaf, err := h.Create("/test-of-user/scope")
	if err != nil {
		t.Fatal(err)
	}
	defer leaf.Close()
	if err := leaf.Delegate(nobody.ID, nobody.ID); err != nil {
		t.Fatal(err)
	}
	as := func(fd int) result {
		c := command(t, "--root", state, "box", "--rootfs", root, "--memory", "16m", "--pids", "20", "--", "sh", "-c", "echo begun; tail /dev/zero")
		c.Dir = "/"
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(nobody.ID), Gid: uint32(nobody.ID)}, UseCgroupFD: fd >= 0, CgroupFD: fd}
		return do(t, c)
	}
	r := as(-1)
	if r.status != 125 || r.stdout != "" || !strings.Contains(r.stderr, "mkdir: permission denied: ") || !strings.HasSuffix(r.stderr, "systemd-run --user --scope -p Delegate=yes selfcontain box\n") {
		t.Errorf("without: %+v", r)
	}
	r = as(leaf.FD())
	if r.status != 137 || r.stdout != "begun\n" || !strings.Contains(r.stderr, "the kernel has killed 1 of its processes") {
		t.Errorf("with: %+v", r)
	}
	for _, dir := range []string{state, filepath.Join(h.Mountpoint(), "test-of-user/selfcontain")} {
		if left, err := os.ReadDir(dir); err == nil && len(left) > 0 {
			t.Errorf("left %v", left)
		}
	}
}
