package container_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// planExec is the plan of a further process.
func planExec(t testing.TB, c *container.Container, cmd container.Process) *container.Plan {
	t.Helper()
	plan, err := c.Plan(&cmd)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestExecKilledAtEveryOperation ends who enters a container in front of every operation,
// in both processes, by the strict mode of seccomp: Start says so, nothing is left, and
// the container lives.
func TestExecKilledAtEveryOperation(t *testing.T) {
	nstest.AnyProcessor(t)
	strict := prog.Op{Call: prog.Seccomp, Args: prog.Args{prog.Int(unix.SECCOMP_SET_MODE_STRICT), prog.Int(0), prog.Int(0)}}
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		c := running(t, with(rootFSFor(t), inUser(t), func(s *container.Spec) { s.Keyring = "_ses.exec" }))
		cmd := shell("true")
		cmd.Cwd = "/etc"
		whole := planExec(t, c, cmd)
		died, every := 0, 1
		if testing.Short() {
			every = 8
		}
		for at := 2; at < whole.Child.Len(); at += every {
			plan := *whole
			var err error
			plan.Child, err = rebuild(whole.Child, func(i int, op prog.Op) []prog.Op {
				if i == at {
					return []prog.Op{strict, op}
				}
				return []prog.Op{op}
			})
			if err != nil {
				t.Fatal(err)
			}
			_, status, err := runPlan(t, &plan)
			var op *nsexec.OpError
			switch {
			case errors.As(err, &op) && op.Status == unix.WaitStatus(unix.SIGKILL):
				died++
			case err != nil:
				t.Errorf("killed at operation %d, %s: %v", at, whole.Child.Text(at), err)
			case status != exited(0):
				t.Errorf("killed at operation %d, %s: Start reports success, and Wait %#x", at, whole.Child.Text(at), int(status))
			}
			// Otherwise the operation stands on a way that was not taken.
		}
		if died < whole.Child.Len()/every/2 {
			t.Errorf("only %d of %d operations were made", died, whole.Child.Len())
		}
		statusIs(t, c, container.Running)
		if pids, err := c.Processes(); len(pids) != 1 || err != nil {
			t.Errorf("processes %v are in the container (%v)", pids, err)
		}
	})
}

// TestExecInOneThatStops has the container end in front of every operation of a process
// that enters it. Start says so, and nothing is left.
func TestExecInOneThatStops(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	spec := with(rootFSFor(t))
	whole := planExec(t, running(t, spec), shell("exec sleep 1000"))
	every := 4
	if testing.Short() {
		every = 16
	}
	stopped := 0
	for at := 2; at < whole.Child.Len(); at += every {
		c := running(t, spec)
		in, out := pipes(t)
		here, there := pipes(t)
		cmd := shell("exec sleep 1000")
		cmd.Stdin, cmd.Stdout = in, there
		gone := make(chan error, 1)
		go func() { // when the process is there, or will never be
			if _, err := here.Read(make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) {
				gone <- err
				return
			}
			err := c.Signal(unix.SIGKILL, false)
			if err == nil {
				_, err = c.Wait()
			}
			_, more := out.Write([]byte("."))
			gone <- errors.Join(err, more)
		}()
		e := &cmd
		err := c.StartEdited(e, func(plan *container.Plan) (err error) {
			plan.Child, err = rebuild(plan.Child, func(i int, op prog.Op) []prog.Op {
				if i != at {
					return []prog.Op{op}
				}
				return []prog.Op{
					{Call: prog.Write, Args: prog.Args{prog.FD{Num: 1}, prog.Bytes("."), prog.Int(1)}},
					{Call: prog.Read, Args: prog.Args{prog.FD{Num: 0}, prog.Buffer("word", 8), prog.Int(1)}},
					op,
				}
			})
			return err
		})
		there.Close()
		if err := <-gone; err != nil {
			t.Fatal(err)
		}
		switch {
		case err == nil: // the operation was not made: the program ran, and ended with the container
			if status, err := e.Wait(); err != nil || status != unix.WaitStatus(unix.SIGKILL) {
				t.Errorf("stopped at operation %d, %s: %#x (%v)", at, whole.Child.Text(at), int(status), err)
			}
			e.Close()
		case errors.Is(err, container.ContainerNotRunning) && strings.HasPrefix(err.Error(), "c: container not running"):
			stopped++
		default:
			t.Errorf("stopped at operation %d, %s: %v", at, whole.Child.Text(at), err)
		}
		if pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil); pid != 0 {
			t.Errorf("stopped at operation %d, %s: process %d is left (%v)", at, whole.Child.Text(at), pid, err)
		}
	}
	if stopped < whole.Child.Len()/every/3 {
		t.Errorf("only %d of %d operations were made", stopped, whole.Child.Len()/every)
	}
}

// TestExecIsNotTraced has a container whose root has every capability look at a process
// that enters it. Until it has forked nobody there sees it. Then, in a user namespace
// nobody learns anything of it; without one, root of the container is root, and finds
// nothing but what the program was given, and the socket.
func TestExecIsNotTraced(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	for _, row := range []struct {
		about  string
		change func(*container.Spec)
		want   string
	}{
		{"in a user namespace", inUser(t), "(selfcontain)\nls: can't open '/proc/%d/fd': Permission denied\nend\n"},
		{"without one", func(*container.Spec) {}, "(selfcontain)\n0\n1\n2\n5\nseen\nend\n"},
	} {
		t.Run(row.about, func(t *testing.T) {
			ask, questions := pipes(t)
			answers, say := pipes(t)
			all := caps.UpTo(probe(t).LastCapability)
			spec := with(rootFSFor(t), row.change, func(s *container.Spec) {
				s.Process.Capabilities = &caps.Config{Bounding: all, Effective: all, Permitted: all}
			}, sh("while read pid; do cat /proc/$pid/comm; ls /proc/$pid/fd && echo seen; echo end; done"))
			spec.Process.Stdin, spec.Process.Stdout, spec.Process.Stderr = ask, say, say
			c := create(t, spec, container.CreateOptions{})
			if err := c.Exec(); err != nil {
				t.Fatal(err)
			}
			plan := planExec(t, c, shell("true"))
			fork, places := -1, 0
			var err error
			plan.Child, err = rebuild(plan.Child, func(i int, op prog.Op) []prog.Op {
				behind := fork >= 0 && (op.Call == prog.Setsid || op.Call == prog.Execve)
				if fork < 0 && op.Call != prog.Setns && op.Call != prog.Getcwd && op.Call != prog.Clone3 || fork >= 0 && !behind {
					return []prog.Op{op}
				}
				if op.Call == prog.Clone3 {
					fork = i
				}
				places++
				sign := "-"
				if behind {
					sign = "+"
				}
				return []prog.Op{
					{Call: prog.Write, Args: prog.Args{prog.FD{Num: 1}, prog.Bytes(sign), prog.Int(1)}},
					{Call: prog.Read, Args: prog.Args{prog.FD{Num: 0}, prog.Buffer("word", 8), prog.Int(1)}},
					op,
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			in, goOn := pipes(t)
			here, out := pipes(t)
			looked, before, behind := make(chan struct{}), 0, 0
			go func() {
				defer close(looked)
				lines := bufio.NewReader(answers)
				sign := make([]byte, 1)
				for range places {
					if _, err := here.Read(sign); err != nil {
						t.Error(err)
						return
					}
					pids, err := c.Processes()
					if err != nil {
						t.Error(err)
					}
					if sign[0] == '-' {
						before++
						if len(pids) != 1 {
							t.Errorf("before its fork the container sees %v", pids)
						}
					} else if len(pids) == 2 {
						behind++
						inside := numberIn(t, max(pids[0], pids[1]), min(pids[0], pids[1]))
						fmt.Fprintf(questions, "%d\n", inside)
						got := ""
						for !strings.HasSuffix(got, "end\n") {
							line, err := lines.ReadString('\n')
							if err != nil {
								t.Errorf("%v behind %q", err, got)
								break
							}
							got += line
						}
						want := row.want
						if strings.Contains(want, "%d") {
							want = fmt.Sprintf(want, inside)
						}
						if got != want {
							t.Errorf("it sees\n%s\nwant\n%s", got, want)
						}
					}
					if _, err := goOn.Write([]byte(".")); err != nil {
						t.Error(err)
					}
				}
			}()
			p, err := plan.Start(container.Stdio{In: in, Out: out, Err: out})
			out.Close()
			<-looked
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if status, err := p.Wait(); status != 0 || err != nil {
				t.Errorf("status %#x (%v)", int(status), err)
			}
			if before != 3 || behind != 2 {
				t.Errorf("it was looked at %d and %d times", before, behind)
			}
		})
	}
}

// TestExecTerminal gives a program a terminal of the container's.
func TestExecTerminal(t *testing.T) {
	nstest.AnyProcessor(t)
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		c := running(t, with(rootFSFor(t), inUser(t)))
		var master *os.File
		cmd := shell("tty; stty size; id -u; stat -c %u /dev/pts/0; test -t 0 -a -t 1 -a -t 2 && echo three; echo > /dev/tty && echo controls")
		cmd.Terminal, cmd.ConsoleSize = true, container.WindowSize{Height: 30, Width: 90}
		cmd.User.UID = 0
		cmd.Console = func(f *os.File) error { master = f; return nil }
		e, err := started(c, cmd)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		defer master.Close()
		if status, err := e.Wait(); status != 0 || err != nil {
			t.Errorf("status %#x (%v)", int(status), err)
		}
		if got := lines(nstest.ReadTerminal(t, master)); got != "/dev/pts/0\n30 90\n0\n0\nthree\n\ncontrols" {
			t.Errorf("it says %q", got)
		}
	})
}

// TestExecTerminalRefused has /dev/pts of the container be something else.
func TestExecTerminalRefused(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	c := running(t, with(rootFSFor(t)))
	all := caps.UpTo(probe(t).LastCapability)
	trick := shell("umount /dev/pts && mount -t tmpfs none /dev/pts && mknod /dev/pts/ptmx c 1 3")
	trick.Capabilities = &caps.Config{Bounding: all, Effective: all, Permitted: all}
	if out, status := output(t, c, trick); status != 0 {
		t.Fatal(out)
	}
	cmd := shell("true")
	cmd.Terminal, cmd.Console = true, func(*os.File) error { return nil }
	_, err := started(c, cmd)
	if err == nil || !strings.Contains(err.Error(), "there is no devpts on /dev/pts") {
		t.Errorf("got %v", err)
	}
}

// TestExecKeyring: the program has the session keyring of the container, and not that of
// whoever executes it.
func TestExecKeyring(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	own := fmt.Sprintf("_ses.%d-exec", time.Now().UnixNano())
	for _, row := range []struct {
		about string
		spec  func(*container.Spec)
	}{
		{"", func(*container.Spec) {}},
		{"in a user namespace", inUser(t)},
	} {
		t.Run(row.about, func(t *testing.T) {
			name := own + fmt.Sprint(len(row.about))
			c := running(t, with(rootFSFor(t), row.spec, func(s *container.Spec) { s.Keyring, s.MaskedPaths = name, nil }))
			serial := func() string {
				cmd := shell("grep " + name + " /proc/keys | cut -d ' ' -f 1")
				cmd.User.UID = 1000
				out, _ := output(t, c, cmd)
				return out
			}
			first := serial()
			if second := serial(); first != second || len(first) != 9 {
				t.Errorf("two programs have the keyrings %q and %q", first, second)
			}
		})
	}
	t.Run("whose name somebody else has", func(t *testing.T) {
		name := own + "other"
		keyringOf(t, 4711, name, prog.KeyPossessorAll|prog.KeyOtherSearch)
		c := running(t, with(rootFSFor(t), func(s *container.Spec) { s.Keyring, s.MaskedPaths = name, nil }))
		if got, _ := output(t, c, shell("grep -c "+name+" /proc/keys")); got != "0\n" {
			t.Errorf("%q keyrings of this name", got)
		}
	})
}

// TestOpenRoot finds the accounts of a container in its own root.
func TestOpenRoot(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	dir := rootFSFor(t)
	c := running(t, with(dir))
	for name, line := range map[string]string{"passwd": "box:x:77:78::/there:/bin/sh\n", "group": "crew:x:79:box\n"} {
		if err := os.WriteFile(dir+"/etc/"+name, []byte(line), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := c.OpenRoot()
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	u, home, err := container.LookupUser(root, "box")
	if err != nil || u.UID != 77 || u.GID != 78 || len(u.AdditionalGIDs) != 1 || u.AdditionalGIDs[0] != 79 || home != "/there" {
		t.Errorf("%+v, %q (%v)", u, home, err)
	}
}
