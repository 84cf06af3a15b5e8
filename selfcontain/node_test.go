package selfcontain_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/selfcontain"
)

// TestNode has a containerd in a container, and containers of Debian's runc in that.
func TestNode(t *testing.T) {
	nstest.Root(t)
	for _, name := range []string{"containerd", "ctr", "runc"} {
		if _, err := nstest.Tool(name); err != nil {
			t.Skipf("skipped: there is no %s here: Debian's packages containerd and runc are too large for every guest", name)
		}
	}
	if err := call(t, config(t), "node").Run(); err != nil { // it says on standard error why
		t.Error(err)
	}
}

// node is the program of it: it starts a containerd, runs a program in a container of that, and one that
// wants more memory than it may have.
func node([]string) int {
	if err := selfcontain.Evacuate(); err != nil {
		return failure(err)
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return failure(err)
	}
	const rootfs = "/var/lib/rootfs"
	program, err := os.ReadFile(busybox)
	if err == nil {
		err = os.MkdirAll(rootfs+"/bin", 0o755)
	}
	if err == nil {
		err = os.WriteFile(rootfs+"/bin/busybox", program, 0o755)
	}
	if err != nil {
		return failure(err)
	}
	daemon := exec.Command("containerd")
	var log bytes.Buffer
	daemon.Stdout, daemon.Stderr = &log, &log
	if err := daemon.Start(); err != nil {
		return failure(err)
	}
	defer daemon.Wait() //nolint:errcheck // it is killed
	defer daemon.Process.Kill()
	for deadline := time.Now().Add(2 * time.Minute); exec.Command("ctr", "version").Run() != nil; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			return failure(fmt.Errorf("containerd does not answer\n%s", log.String()))
		}
	}
	run := func(id string, args ...string) (string, int) {
		all := append([]string{"run", "--rm", "--rootfs", "--memory-limit", "67108864", rootfs, id, "/bin/busybox"}, args...)
		cmd := exec.Command("ctr", all...)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := run("hello", "echo", "hello"); out != "hello\n" || code != 0 {
		return failure(fmt.Errorf("hello: %q, status %d\n%s", out, code, log.String()))
	}
	// dd has a buffer of that size, and fills it.
	if out, code := run("hungry", "dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"); code != 137 {
		return failure(fmt.Errorf("a program with more memory than it may have: %q, status %d\n%s", out, code, log.String()))
	}
	groups, err := filepath.Glob("/sys/fs/cgroup/*/cgroup.procs")
	if err == nil && len(groups) == 0 {
		err = errors.New("there are no cgroups below the container's")
	}
	return status(err)
}
