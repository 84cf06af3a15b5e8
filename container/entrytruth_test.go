package container_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// execDriver executes the process of a spec in a container, and exits as its program
// does, or with 200 and a line on standard error where there was none. $LIFE is the
// directory of the container.
func execDriver([]string) int {
	runtime.LockOSThread() // one thread makes all the calls of the plan's
	var spec container.Spec
	file := os.NewFile(3, "spec")
	if err := json.NewDecoder(file).Decode(&spec); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 200
	}
	file.Close()
	root, id := filepath.Split(os.Getenv("LIFE"))
	c, err := container.Load(root, id)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 200
	}
	cmd := spec.Process
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if spec.Process.Terminal {
		cmd.Console = func(master *os.File) error {
			go func() { io.Copy(io.Discard, master) }() //nolint:errcheck // EIO is its end
			return nil
		}
	}
	e := &cmd
	err = c.StartEdited(e, stopAt(os.Getenv("STOP_AT")))
	if err != nil {
		fmt.Fprintln(os.Stderr, "exec:", err)
		return 200
	}
	defer e.Close()
	status, err := e.Wait()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "wait:", err)
		return 201
	case status.Signaled():
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// TestPlanOfExecIsTheTruth executes programs in containers under strace and holds what it
// saw of them against the plan.
func TestPlanOfExecIsTheTruth(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	score := 321
	for _, row := range []struct {
		name    string
		status  int
		spec    func(*container.Spec)
		process func(*testing.T, *container.Process)
	}{
		{"with a label of AppArmor", 0, func(*container.Spec) {}, func(t *testing.T, p *container.Process) { p.AppArmorProfile = label(t) }},
		{"in its directory, cgroup and keyring", 7, func(s *container.Spec) {
			s.Keyring = "_ses.exec-truth"
			s.Cgroup = &container.Cgroup{Path: fmt.Sprintf("/exec-truth-%d", os.Getpid())}
		}, func(_ *testing.T, p *container.Process) {
			p.Args, p.Cwd = []string{"sh", "-c", "exit 7"}, "/etc"
			p.User = container.User{UID: 1000, GID: 1001, AdditionalGIDs: []uint32{5}}
			p.CPUAffinity.Final = "0"
		}},
		{"with a terminal, in a user namespace, moved into its cgroup", 0, func(s *container.Spec) {
			inUser(t)(s)
			s.Cgroup = &container.Cgroup{Path: fmt.Sprintf("/exec-truth-%d", os.Getpid())}
		}, func(_ *testing.T, p *container.Process) {
			p.Terminal, p.ConsoleSize = true, container.WindowSize{Height: 5, Width: 6}
			p.CPUAffinity = container.CPUAffinity{Initial: "0", Final: "0"}
			p.OOMScoreAdj = &score
		}},
		{"without a pid namespace", 0, func(s *container.Spec) {
			s.Namespaces = s.Namespaces[1:]
			s.Mounts, s.MaskedPaths, s.ReadonlyPaths = nil, nil, nil
		}, func(*testing.T, *container.Process) {}},
		{"a program that is not there", 200, func(*container.Spec) {}, func(_ *testing.T, p *container.Process) { p.Args = []string{"none"} }},
		{"a directory that is not there", 200, func(*container.Spec) {}, func(_ *testing.T, p *container.Process) { p.Cwd = "/none" }},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := running(t, with(rootFSFor(t), row.spec))
			spec := usual("/")
			row.process(t, &spec.Process)
			host := probe(t)
			host.Ignored |= 1 << (unix.SIGHUP - 1)
			c.Host = &host
			plan, err := c.Plan(&spec.Process)
			if err != nil {
				t.Fatal(err)
			}
			w := &witness{plan: plan}
			strace, err := nstest.Tool("strace")
			if err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "strace")
			cmd := driver(t, "exec", spec, "sh", "-c", `trap "" HUP; exec "$@"`, "sh", strace, "-ff", "-o", out, "-v", "--pidns-translation", "-s", "1000000")
			cmd.Env = append(cmd.Env, "LIFE="+container.Place(c))
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if w.status = exitCode(t, onOneProcessor(t, cmd.Run)); w.status != row.status {
				t.Errorf("the program ended with %d, want %d\n%s", w.status, row.status, stderr.String())
			}
			w.read(t, out)
			path, err := w.compare(write(t, plan.Child))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d operations, %d calls", len(path), len(slices.Concat(append(w.forks, w.child)...)))
		})
	}
}
