package container_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// running makes a container whose program waits for the end of its input, and starts it.
func running(t testing.TB, spec container.Spec) *container.Container {
	t.Helper()
	spec.Process.Args = []string{"/bin/sh", "-c", aliveFor}
	c := create(t, spec, container.CreateOptions{})
	if err := c.Exec(); err != nil {
		t.Fatal(err)
	}
	return c
}

// shell is a command that runs a line of shell.
func shell(script string) container.Process {
	return container.Process{Args: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/bin"}}
}

// started is a process that was started in a container.
func started(c *container.Container, p container.Process) (*container.Process, error) {
	return &p, c.Start(&p)
}

// output executes a command and returns what it writes and how it ends.
func output(t testing.TB, c *container.Container, cmd container.Process) (string, unix.WaitStatus) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	e, err := started(c, cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	status, err := e.Wait()
	if err != nil {
		t.Error(err)
	}
	return out.String(), status
}

// pidOf is the number of the first process of a container.
func pidOf(t testing.TB, c *container.Container) int {
	t.Helper()
	s, err := c.State()
	if err != nil || s.Pid == 0 {
		t.Fatalf("state %+v (%v)", s, err)
	}
	return s.Pid
}

var everyNamespace = []clone.NamespaceType{
	clone.NEWUSER, clone.NEWPID, clone.NEWNET, clone.NEWIPC, clone.NEWUTS, clone.NEWNS, clone.NEWCGROUP, clone.NEWTIME,
}

// TestExecEnters: a program that is executed in a container is in all of its namespaces,
// and nowhere else.
func TestExecEnters(t *testing.T) {
	asEach(t, func(t *testing.T) {
		for _, row := range []struct {
			about  string
			root   bool // only root can make it
			change func(*container.Spec)
		}{
			{"as engines ask for it", true, func(*container.Spec) {}},
			{"with an init", true, func(s *container.Spec) { s.Init = true }},
			{"with a time namespace", true, func(s *container.Spec) { s.Namespaces.Add(clone.NEWTIME, "") }},
			{"without a pid namespace", true, func(s *container.Spec) {
				s.Namespaces.Remove(clone.NEWPID)
				s.MaskedPaths, s.ReadonlyPaths = nil, nil
			}},
			{"whose root was moved", true, func(s *container.Spec) { s.Root.NoPivot = true }},
			{"in a user namespace", false, inUser(t)},
			{"in a user namespace, with an init and a time namespace", false, func(s *container.Spec) {
				inUser(t)(s)
				s.Init = true
				s.Namespaces.Add(clone.NEWTIME, "")
			}},
		} {
			t.Run(row.about, func(t *testing.T) {
				if row.root {
					nstest.Root(t)
				} else {
					nstest.UserNS(t)
				}
				c := running(t, with(rootFSFor(t), row.change))
				pid := pidOf(t, c)
				want, script := "", ""
				for _, typ := range everyNamespace {
					link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, clone.NsName(typ)))
					if err != nil {
						t.Fatal(err)
					}
					want += link + "\n"
					script += "readlink /proc/self/ns/" + clone.NsName(typ) + "; "
				}
				got, status := output(t, c, shell(script+"exit 3"))
				if got != want || status != exited(3) {
					t.Errorf("it says\n%s, the container\n%s (status %#x)", got, want, int(status))
				}
				if got, _ := output(t, c, shell("ls -d /proc/1 / && pwd && hostname")); got != "/\n/proc/1\n/\ninside\n" {
					t.Errorf("inside it sees %q", got)
				}
			})
		}
	})
}

// TestExecAs is who the program is, and what it may do.
func TestExecAs(t *testing.T) {
	nstest.Root(t)
	some := caps.Of(caps.KILL, caps.NET_BIND_SERVICE)
	score, mask := 300, uint32(0o27)
	c := running(t, with(rootFSFor(t)))
	for _, row := range []struct {
		about  string
		change func(*container.Process)
		script string
		want   string
	}{
		{"root, without a capability", func(*container.Process) {}, "id -u; grep CapEff /proc/self/status | cut -f 2", "0\n0000000000000000\n"},
		{"a user with groups", func(p *container.Process) {
			p.User = container.User{UID: 1000, GID: 1001, AdditionalGIDs: []uint32{7, 8}, Umask: &mask}
		}, "id -u; id -g; grep Groups /proc/self/status | cut -f 2; umask", "1000\n1001\n7 8 \n0027\n"},
		{"capabilities, as far as the caller has them", func(p *container.Process) {
			p.Capabilities = &caps.Config{Bounding: some, Effective: some, Permitted: some}
		}, "grep Cap[PEB] /proc/self/status | cut -f 2", "0000000000000420\n0000000000000420\n0000000000000420\n"},
		{"no new privileges", func(p *container.Process) { p.NoNewPrivileges = true }, "grep NoNewPrivs /proc/self/status | cut -f 2", "1\n"},
		{"the OOM score, the limits and the nice value", func(p *container.Process) {
			p.OOMScoreAdj = &score
			p.Rlimits = []container.Rlimit{{Type: "RLIMIT_NOFILE", Soft: 50, Hard: 60}}
			p.Scheduler = &container.Scheduler{Policy: "SCHED_BATCH", Nice: 5}
		}, "cat /proc/self/oom_score_adj; ulimit -Sn; ulimit -Hn; cut -d ' ' -f 19 /proc/self/stat", "300\n50\n60\n5\n"},
		{"a working directory", func(p *container.Process) { p.Cwd = "/usr/../etc/" }, "pwd; echo $PWD", "/etc\n/etc\n"},
		{"one processor", func(p *container.Process) { p.CPUAffinity.Final = "0" }, "grep Cpus_allowed_list /proc/self/status | cut -f 2", "0\n"},
		{"one processor, of which it had another before", func(p *container.Process) {
			p.CPUAffinity = container.CPUAffinity{Initial: "0", Final: "0,2000"}
		}, "grep Cpus_allowed_list /proc/self/status | cut -f 2", "0\n"},
		{"an environment of its own", func(p *container.Process) { p.Env = []string{"A=b"} }, "exec /bin/env | grep -v ^PWD= | grep -v ^SHLVL= | grep -v ^PATH=", "A=b\n"},
		{"no terminal and a session of its own", func(*container.Process) {}, "test $(cut -d ' ' -f 6 /proc/$$/stat) = $$ && echo own", "own\n"},
	} {
		t.Run(row.about, func(t *testing.T) {
			cmd := shell(row.script)
			row.change(&cmd)
			if got, _ := output(t, c, cmd); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// TestExecHoldsNothing: the program has its standard streams and what it was given, and
// nothing else, and no process of ours is left in the container.
func TestExecHoldsNothing(t *testing.T) {
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		c := running(t, with(rootFSFor(t), inUser(t)))
		given, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer given.Close()
		cmd := shell("ls /proc/self/fd; cat /proc/[0-9]*/comm | grep -c selfcontain")
		cmd.ExtraFiles = []*os.File{given, given}
		got, _ := output(t, c, cmd)
		if want := "0\n1\n2\n3\n4\n5\n0\n"; got != want { // 5 is the directory that is listed
			t.Errorf("got\n%s, want\n%s", got, want)
		}
	})
}

// TestExecStreams copies from any reader and to any writer.
func TestExecStreams(t *testing.T) {
	nstest.Root(t)
	c := running(t, with(rootFSFor(t)))
	const size = 1 << 20
	cmd := shell("cat; echo over >&2")
	cmd.Stdin = strings.NewReader(strings.Repeat("x", size))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	e, err := started(c, cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for range 2 {
		if status, err := e.Wait(); status != 0 || err != nil {
			t.Errorf("status %#x (%v)", int(status), err)
		}
	}
	if out.Len() != size || errs.String() != "over\n" {
		t.Errorf("%d bytes, and %q", out.Len(), errs.String())
	}

	broken := shell("echo something")
	broken.Stdout = failing{}
	if e, err = started(c, broken); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if status, err := e.Wait(); status != 0 || !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("status %#x, %v", int(status), err)
	}
	unread := shell("exec true")
	unread.Stdin = strings.NewReader(strings.Repeat("x", size))
	if _, status := output(t, c, unread); status != 0 {
		t.Errorf("status %#x of one that does not read", int(status))
	}
	stopped := shell("kill -STOP $$; exec sleep 1000")
	if e, err = started(c, stopped); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.Signal(unix.SIGKILL); err != nil {
		t.Error(err)
	}
	if status, err := e.Wait(); !status.Signaled() || status.Signal() != unix.SIGKILL || err != nil {
		t.Errorf("status %#x (%v)", int(status), err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestExecRefusals is what Start says where there is nothing to start.
func TestExecRefusals(t *testing.T) {
	nstest.Root(t)
	root := rootFSFor(t)
	makeFile(t, root, "etc/text")
	c := running(t, with(root))
	for _, row := range []struct {
		about  string
		change func(*container.Process)
		code   container.Code
		want   string
	}{
		{"a program that is not there", func(cmd *container.Process) { cmd.Args = []string{"/bin/none"} }, container.SystemError, `op N execve "/bin/none" (process.args[0]): no such file or directory: there is no such file in the root file system`},
		{"one that is nowhere along PATH", func(cmd *container.Process) { cmd.Args, cmd.Env = []string{"none"}, []string{"PATH=/usr:/bin"} }, container.SystemError, `op N faccessat2 "/bin/none" (process.args[0]): no such file or directory: "none": executable file not found in $PATH`},
		{"one that is no program", func(cmd *container.Process) { cmd.Args = []string{"/etc/text"} }, container.SystemError, `op N execve "/etc/text" (process.args[0]): permission denied: /etc/text is not executable (mode 0644): chmod +x`},
		{"a directory that is not there", func(cmd *container.Process) { cmd.Cwd = "/none" }, container.SystemError, `op N openat2 $root "none" (process.cwd): no such file or directory: the container has no directory /none`},
		{"a directory behind one of the kernel's links", func(cmd *container.Process) { cmd.Cwd = "/proc/1/cwd" }, container.SystemError, "too many levels of symbolic links"},
		{"nothing", func(cmd *container.Process) { cmd.Args = nil }, container.ConfigInvalid, "process.args: there is no program to run"},
		{"a console without a terminal", func(cmd *container.Process) { cmd.Console = func(*os.File) error { return nil } }, container.ConsoleExists, "the process has no terminal, and a console for one is given"},
		{"a terminal for nobody", func(cmd *container.Process) { cmd.Terminal = true }, container.ConfigInvalid, "nobody takes the other end of the terminal"},
		{"a cgroup where there is none", func(cmd *container.Process) { cmd.Cgroup = "/sub" }, container.ConfigInvalid, `"/sub": the container has no cgroup of its own`},
		{"a cgroup elsewhere", func(cmd *container.Process) { cmd.Cgroup = "a/../../b" }, container.ConfigInvalid, `"a/../../b": the path of a cgroup goes up with ".."`},
	} {
		t.Run(row.about, func(t *testing.T) {
			cmd := shell("true")
			row.change(&cmd)
			e, err := started(c, cmd)
			if err == nil {
				e.Wait() //nolint:errcheck // it must not be there
				t.Fatal("it runs")
			}
			if got := opNumber.ReplaceAllString(err.Error(), "op N "); !errors.Is(err, row.code) || !strings.Contains(got, row.want) {
				t.Errorf("%v: %s\nwant %v: %s", errors.Is(err, row.code), got, row.code, row.want)
			}
		})
	}
	if err := c.Signal(unix.SIGKILL, false); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := started(c, shell("true")); !errors.Is(err, container.ContainerNotRunning) || !strings.Contains(err.Error(), "container not running") {
		t.Errorf("executed in a container that has stopped: %v", err)
	}
}

// TestExecBeforeStart executes a program in a container that has not been started.
func TestExecBeforeStart(t *testing.T) {
	nstest.Root(t)
	c := create(t, with(rootFSFor(t)), container.CreateOptions{})
	if got, status := output(t, c, shell("cat /proc/1/comm")); got != "(selfcontain)\n" || status != 0 {
		t.Errorf("%q, status %#x", got, int(status))
	}
	statusIs(t, c, container.Created)
}

// TestExecLeavesNothing executes a hundred programs, ten at a time.
func TestExecLeavesNothing(t *testing.T) {
	nstest.Root(t)
	c := running(t, with(rootFSFor(t)))
	before, err := c.Processes()
	if err != nil {
		t.Fatal(err)
	}
	const workers, each = 10, 10
	done := make(chan error, workers)
	for w := range workers {
		go func() {
			for i := range each {
				e, err := started(c, shell("exit "+strconv.Itoa(w*each+i)))
				if err != nil {
					done <- err
					return
				}
				status, err := e.Wait()
				if err == nil && status != exited(w*each+i) {
					err = fmt.Errorf("status %#x of %d", int(status), w*each+i)
				}
				if err := errors.Join(err, e.Close()); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range workers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	after, err := c.Processes()
	if err != nil || len(after) != len(before) {
		t.Errorf("processes %v before, %v after (%v)", before, after, err)
	}
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil); pid != 0 {
		t.Errorf("process %d is left (%v)", pid, err)
	}
}

// TestStartKeepsPauseOut: while a process is born nobody takes the lock under which the
// container is paused. Whoever waits for a paused container on purpose does not have it.
func TestStartKeepsPauseOut(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	c := running(t, with(rootFSFor(t)))
	dir, err := unix.Open(container.Place(c), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dir)
	lock := func() error { return unix.Flock(dir, unix.LOCK_EX|unix.LOCK_NB) }
	for _, row := range []struct {
		patient bool
		want    error
	}{{false, unix.EWOULDBLOCK}, {true, nil}} {
		p := shell("true")
		p.IgnorePaused = row.patient
		err := c.StartEdited(&p, func(*container.Plan) error {
			if got := lock(); !errors.Is(got, row.want) {
				t.Errorf("patient %v: the lock says %v", row.patient, got)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Wait(); err != nil {
			t.Error(err)
		}
		if err := errors.Join(p.Close(), lock(), unix.Flock(dir, unix.LOCK_UN)); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
	// A hook of the container may execute something in it while its caller has the lock.
	if err := lock(); err != nil {
		t.Fatal(err)
	}
	if got, _ := output(t, c, shell("echo inside")); got != "inside\n" {
		t.Errorf("with the lock held: %q", got)
	}
}
