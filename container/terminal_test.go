package container_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// onTerminal runs a container with a terminal and returns what it has written there.
func onTerminal(t *testing.T, plan *container.Plan) string {
	t.Helper()
	var master *os.File
	p, err := plan.Start(container.Stdio{Console: func(f *os.File) error { master = f; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	defer master.Close()
	text := nstest.ReadTerminal(t, master)
	if _, err := p.Wait(); err != nil {
		t.Error(err)
	}
	return text
}

func withTerminal(s *container.Spec) { s.Process.Terminal = true }

// TestTerminal is what a user sees of /dev/console, wherever it has to be made.
func TestTerminal(t *testing.T) {
	nstest.Root(t)
	const console = "stat -c '%F %t:%T' /dev/console; "
	for _, row := range []struct {
		name   string
		change func(t *testing.T, s *container.Spec)
		script string
		want   string
	}{
		{"a /dev that is read-only in the end", func(_ *testing.T, s *container.Spec) {
			s.Mounts[1].Options = append(slices.Clone(s.Mounts[1].Options), "ro")
		}, console + "touch /dev/x", "character special file 88:0\ntouch: /dev/x: Read-only file system\n"},
		{"a /dev of the root file system", func(t *testing.T, s *container.Spec) {
			makeDir(t, s.Root.Path, "dev/pts")
			s.Mounts = []mounts.Mount{s.Mounts[0], s.Mounts[2]}
		}, console, "character special file 88:0\n"},
		{"a console that is a link to another file", func(t *testing.T, s *container.Spec) {
			makeDir(t, s.Root.Path, "dev/pts")
			makeFile(t, s.Root.Path, "etc/other")
			symlink(t, "/etc/other", s.Root.Path+"/dev/console")
			s.Mounts = []mounts.Mount{s.Mounts[0], s.Mounts[2]}
		}, console + "cat /etc/other", "character special file 88:0\nof the host\n"},
		{"a device that is asked for in its place", func(_ *testing.T, s *container.Spec) {
			s.Devices = []mounts.Device{{Path: "/dev/console", Type: "c", Major: 5, Minor: 1}}
		}, console, "character special file 88:0\n"},
		{"a mount that is asked for in its place", func(t *testing.T, s *container.Spec) {
			s.Mounts = append(s.Mounts, mountOf("/dev/console", makeFile(t, t.TempDir(), "file")))
		}, "cat /dev/console; tty", "of the host\n/dev/pts/0\n"},
		{"a devpts that was there before", func(_ *testing.T, s *container.Spec) {
			s.Mounts[2] = mountOf("/dev/pts", "/dev/pts")
		}, "tty | grep -o ^/dev/pts/; " + console + "echo hi >/dev/tty", "/dev/pts/\ncharacter special file 88:N\nhi\n"},
		{"a pid namespace that is joined, where a second process goes on", func(t *testing.T, s *container.Spec) {
			s.Namespaces.Add(clone.NEWPID, inNamespaces(t, syscall.CLONE_NEWPID)+"pid")
		}, "tty; echo hi >/dev/tty", "/dev/pts/0\nhi\n"},
		{"an init before the program, in a session of its own", func(_ *testing.T, s *container.Spec) {
			s.Init = true
		}, "tty; echo hi >/dev/tty; echo $$", "/dev/pts/0\nhi\n2\n"},
		{"a user who may not open it by its name", func(_ *testing.T, s *container.Spec) {
			s.Process.User = container.User{UID: 1000, GID: 1000}
			s.Mounts[2].Options = []string{"newinstance", "mode=000"}
		}, "stat -c '%a %u' /dev/pts/0; echo hi", "0 1000\nhi\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			spec := with(nstest.RootFS(t), withTerminal, sh(row.script))
			row.change(t, &spec)
			got := onTerminal(t, compile(t, spec))
			if strings.Contains(row.want, "88:N") { // the host's own numbers
				if i := strings.Index(got, "88:"); i >= 0 {
					end := i + strings.IndexByte(got[i:], '\n')
					got = got[:i] + "88:N" + got[end:]
				}
			}
			if got != row.want {
				t.Errorf("%s\n got %q\nwant %q", row.script, got, row.want)
			}
		})
	}
}

// TestTerminalInAUserNamespace: the terminal belongs to the container's user, whichever
// of the host's that is.
func TestTerminalInAUserNamespace(t *testing.T) {
	asEach(t, func(t *testing.T) {
		spec := with(rootFSFor(t), withTerminal, inUser(t), sh("tty; stat -c '%F %u' /dev/pts/0 /dev/console; echo hi >/dev/console; echo hi >/dev/tty; id -u"))
		if os.Geteuid() == 0 {
			spec.Process.User = container.User{UID: 1000, GID: 1000}
		}
		uid := spec.Process.User.UID
		want := fmt.Sprintf("/dev/pts/0\ncharacter special file %d\ncharacter special file %d\nhi\nhi\n%d\n", uid, uid, uid)
		if got := onTerminal(t, compile(t, spec)); got != want {
			t.Errorf("got %q\nwant %q", got, want)
		}
	})
}

func TestTerminalWarns(t *testing.T) {
	spec := with("/root", withTerminal)
	spec.Mounts = append(spec.Mounts, mountOf("/dev/console", "/dev/null"))
	want := []string{"process.terminal: /dev/console is not the terminal: mounts[7] is mounted there"}
	if got := compile(t, spec).Warnings; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestTerminalRefusals is what a user reads where there is no terminal to be had, or
// nobody who takes it. The program does not run, and nothing of it is left.
func TestTerminalRefusals(t *testing.T) {
	nstest.Root(t)
	const noDevpts = "there is no devpts on /dev/pts, which a terminal comes from: mount one there"
	take := func(f *os.File) error { return f.Close() }
	send := func(what func(slave prog.Arg) prog.Arg) func(*testing.T, *container.Plan) {
		return func(t *testing.T, p *container.Plan) {
			var err error
			var slave prog.Slot
			if p.Child, err = rebuild(p.Child, func(_ int, op prog.Op) []prog.Op {
				if op.Call == prog.Ioctl && op.Args[1] == prog.Arg(prog.Int(unix.TIOCGPTPEER)) {
					slave = op.Out
				}
				if op.Call == prog.Sendmsg {
					op.Args[1] = prog.Rights("fd", what(slave))
				}
				return []prog.Op{op}
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	errFull := errors.New("no room for it")
	for _, row := range []struct {
		name    string
		change  func(s *container.Spec)
		edit    func(*testing.T, *container.Plan)
		console func(*os.File) error
		want    string
	}{
		{"no devpts", func(s *container.Spec) { s.Mounts = slices.Delete(s.Mounts, 2, 3) }, nil, take,
			`op N openat2 3<root> "dev/pts" (process.terminal): no such file or directory: ` + noDevpts},
		{"another file system in its place", func(s *container.Spec) {
			s.Mounts[2] = mounts.Mount{Destination: "/dev/pts", Type: "tmpfs"}
		}, nil, take, `op N futex (process.terminal): resource temporarily unavailable: ` + noDevpts},
		{"the other end is closed at once", nil, nil, take,
			"op N ioctl 0<stdin> (process.terminal): input/output error: the other end of the terminal is closed already"},
		{"nobody takes it", nil, nil, nil, "process.terminal: nobody takes the other end of the terminal: Stdio.Console is nil"},
		{"who takes it cannot", nil, nil, func(*os.File) error { return errFull }, "process.terminal: no room for it"},
		{"the container sends a file", nil, send(func(prog.Arg) prog.Arg { return prog.FD{Num: 3, Name: "root"} }), take,
			"process.terminal: what the container has sent is no master of a terminal: it is a file of type 040000, device 0:0"},
		{"the container sends the wrong end", nil, send(func(slave prog.Arg) prog.Arg { return slave }), take,
			"process.terminal: what the container has sent is no master of a terminal: it is a file of type 020000, device 136:0"},
	} {
		t.Run(row.name, func(t *testing.T) {
			spec := with(nstest.RootFS(t), withTerminal)
			if row.change != nil {
				row.change(&spec)
			}
			plan := compile(t, spec)
			if row.edit != nil {
				row.edit(t, plan)
			}
			p, err := plan.Start(container.Stdio{Console: row.console})
			if err == nil {
				p.Close()
				t.Fatal("the container runs")
			}
			if got := opNumber.ReplaceAllString(err.Error(), "op N "); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}
