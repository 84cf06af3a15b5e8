package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
)

// withTerminal is the change of config.json that asks for a terminal.
func withTerminal(changes ...string) []string {
	return append([]string{`"process": {`, `"process": { "terminal": true,`}, changes...)
}

// person is somebody in front of a terminal in which a command runs.
type person struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	slave  *os.File // stays open, so that its modes can be read when the command has ended
	before unix.Termios

	mu   sync.Mutex
	seen []byte
	more chan struct{}
}

// sit starts a command as the leader of a session on a new terminal.
func sit(t *testing.T, cmd *exec.Cmd, rows, columns uint16) *person {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, cmd: cmd, master: master, more: make(chan struct{}, 1)}
	p.control(func(fd int) error { return unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0) })
	p.control(func(fd int) error {
		slave, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
		if errno != 0 {
			return errno
		}
		p.slave = os.NewFile(slave, "slave")
		return nil
	})
	p.resize(rows, columns)
	p.before = p.modes()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.slave, p.slave, p.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			p.mu.Lock()
			p.seen = append(p.seen, b[:n]...)
			p.mu.Unlock()
			select {
			case p.more <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		p.slave.Close()
		master.Close()
		<-read
	})
	return p
}

// control calls f with the master, which stays one that Go's poller waits for.
func (p *person) control(f func(fd int) error) {
	p.t.Helper()
	conn, err := p.master.SyscallConn()
	if err == nil {
		var inner error
		if err = conn.Control(func(fd uintptr) { inner = f(int(fd)) }); err == nil {
			err = inner
		}
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) resize(rows, columns uint16) {
	p.t.Helper()
	p.control(func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns})
	})
}

func (p *person) modes() (m unix.Termios) {
	p.t.Helper()
	p.control(func(fd int) error {
		got, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err == nil {
			m = *got
		}
		return err
	})
	return m
}

func (p *person) types(keys string) {
	p.t.Helper()
	if _, err := p.master.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// sees waits until a text is on the screen behind all that was seen before, and returns
// what stands in front of it.
func (p *person) sees(text string) string {
	p.t.Helper()
	limit := time.After(patience)
	for {
		p.mu.Lock()
		before, after, found := strings.Cut(string(p.seen), text)
		if found {
			p.seen = []byte(after)
		}
		p.mu.Unlock()
		if found {
			return before
		}
		select {
		case <-p.more:
		case <-limit:
			p.t.Fatalf("did not see %q in time, but\n%q", text, p.screen())
		}
	}
}

func (p *person) screen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return string(p.seen)
}

// leaves waits for the end of the command, and looks at the terminal then.
func (p *person) leaves(status int) {
	p.t.Helper()
	if got := statusOf(p.t, p.cmd.Wait()); got != status {
		p.t.Errorf("status %d, want %d\n%q", got, status, p.screen())
	}
	if m := p.modes(); m != p.before {
		p.t.Errorf("the terminal is another one now:\n got %+v\nwant %+v", m, p.before)
	}
}

// turns waits until the terminal is raw, or is not any more.
func (p *person) turns(raw bool) {
	p.t.Helper()
	for limit := time.Now().Add(patience); ; {
		m := p.modes()
		if is := m.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) == 0 && m.Oflag&unix.OPOST == 0; is == raw {
			return
		}
		if time.Now().After(limit) {
			p.t.Fatalf("raw %v: not in time: %+v", raw, m)
		}
		time.Sleep(time.Millisecond) // there is nothing that tells
	}
}

// patience is many times what anything takes.
const patience = time.Minute

// prompt is what the shell of a container shows when it waits for a command. It is
// computed, so that it is not what was typed.
const prompt = `PS1="<$((40+2))> "`

// atShell sits in front of the shell of a container.
func atShell(t *testing.T, changes ...string) *person {
	t.Helper()
	p := sit(t, command(t, "run", "-b", bundle(t, withTerminal(changes...)...), "box"), 24, 80)
	p.sees("# ")
	p.types(prompt + "\n")
	p.sees("<42> ")
	return p
}

func TestTerminalJobControl(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	p := atShell(t)
	// Each job says that it runs before a key is pressed: until then it would be the
	// shell's.
	p.runs("sh -c 'echo $((20+1)) up; exec sleep 1000'\n", "21 up\r\n")
	p.types("\x1a")
	p.sees("Stopped")
	p.sees("<42> ")
	p.runs("bg; jobs\n", "Running")
	p.sees("<42> ")
	p.runs("kill %1; wait; jobs; echo done: $?\n", "done: 0\r\n")
	p.sees("<42> ")

	p.runs("echo $((20+2)) up; cat\n", "22 up\r\n")
	p.runs("one\n", "one\r\none\r\n")
	p.types("\x1a")
	p.sees("Stopped")
	p.sees("<42> ")
	p.runs("fg\n", "cat\r\n")
	p.runs("two\n", "two\r\ntwo\r\n") // it has the terminal again
	p.types("\x03")
	p.sees("<42> ")
	p.runs("echo was $?\n", "was 130\r\n")
	p.sees("<42> ")

	p.runs("echo $((20+3)) up; cat\n", "23 up\r\n")
	p.runs("three\n", "three\r\nthree\r\n")
	p.types("\x1c")
	p.sees("<42> ")
	p.runs("echo was $?\n", "was 131\r\n")
	p.sees("<42> ")

	p.runs("echo $((20+4)) up; cat; echo $((20+5)) down\n", "24 up\r\n")
	p.runs("four\n", "four\r\nfour\r\n")
	p.types("\x04")
	p.sees("25 down\r\n")
	p.sees("<42> ")
	p.types("\x04")
	p.leaves(0)
}

// runs types a line and waits for what comes of it.
func (p *person) runs(line, want string) {
	p.t.Helper()
	p.types(line)
	p.sees(want)
}

func TestTerminalOfTheProgram(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	p := atShell(t, `"readonly": true`, `"readonly": false`)
	for _, row := range []struct{ line, want string }{
		{"tty", "/dev/pts/0"},
		{"stty size", "24 80"},
		{"stat -c %a:%u:%g:%F /dev/pts/0", "620:0:5:character special file"},
		{"stat -c %t:%T /dev/console", "88:0"},
		{"echo by way of >/dev/console; echo the console", "by way of\r\nthe console"},
		{"echo by way of the session >/dev/tty", "by way of the session"},
		{"ls /dev/pts | tr '\\n' ' '; echo", "0 ptmx "},
		// 10 is the shell's own.
		{"ls -1 /proc/1/fd", "0\r\n1\r\n10\r\n2"},
		{"readlink /proc/1/fd/1", "/dev/pts/0"},
	} {
		p.types(row.line + "\n")
		p.sees(row.line + "\r\n")
		if got := p.sees("\r\n<42> "); got != row.want {
			t.Errorf("%s: %q, want %q", row.line, got, row.want)
		}
	}
	p.types("exit 3\n")
	p.leaves(3)
}

func TestTerminalOfAUser(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	changes := withTerminal(append(shell("stat -c %u:%g /dev/pts/0 /dev/console; echo opened >/dev/pts/0; tty"),
		`"user": { "uid": 0, "gid": 0 }`, `"user": { "uid": 1000, "gid": 1001 }`)...)
	p := sit(t, command(t, "run", "-b", bundle(t, changes...), "box"), 24, 80)
	p.sees("1000:5\r\n1000:5\r\nopened\r\n/dev/pts/0\r\n")
	p.leaves(0)
}

func TestTerminalWindow(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	p := atShell(t)
	p.types("trap 'echo it is now $(stty size)' WINCH\n")
	p.sees("WINCH\r\n<42> ")
	// A shell at its prompt sees to its trap at the next key.
	p.resize(33, 101)
	p.seesSize("33 101")
	p.resize(3, 2000)
	p.seesSize("3 2000")
	p.types("exit\n")
	p.leaves(0)
}

// seesSize asks until the window has a size: the change arrives by a signal.
func (p *person) seesSize(size string) {
	p.t.Helper()
	for limit := time.Now().Add(patience); ; {
		p.types("echo size: $(stty size || busybox stty size).\n")
		p.sees("\nsize: ")
		if got := p.sees(".\r\n"); got == size {
			return
		}
		if time.Now().After(limit) {
			p.t.Fatalf("the window has not become %s", size)
		}
	}
}

func TestTerminalWindowAsConfigured(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	changes := append([]string{`"process": {`, `"process": { "terminal": true, "consoleSize": { "height": 50, "width": 132 },`}, shell("stty size")...)
	p := sit(t, command(t, "run", "-b", bundle(t, changes...), "box"), 24, 80)
	p.sees("50 132\r\n")
	p.leaves(0)
}

// However the container ends, our terminal is as it was, and all that was written is
// there.
func TestTerminalIsGivenBack(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	base := bundle(t)
	for _, row := range []struct {
		name, script string
		do           func(p *person)
		status       int
	}{
		{"the program ends", "seq 1 20000; echo end", func(p *person) { p.sees("\r\n20000\r\nend\r\n") }, 0},
		{"the container is killed", "echo ready; sleep 1000", func(p *person) {
			p.sees("ready")
			p.turns(true)
			p.kill(p.child(), syscall.SIGKILL)
		}, 128 + 9},
		{"SIGTERM of the command", "trap 'exit 4' TERM; echo ready; sleep 1000 & wait", func(p *person) {
			p.sees("ready")
			p.kill(p.cmd.Process.Pid, syscall.SIGTERM)
		}, 4},
		{"SIGHUP", "trap 'exit 5' HUP; echo ready; sleep 1000 & wait", func(p *person) {
			p.sees("ready")
			p.kill(p.cmd.Process.Pid, syscall.SIGHUP)
		}, 5},
		{"SIGINT", "trap 'exit 6' INT; echo ready; sleep 1000 & wait", func(p *person) {
			p.sees("ready")
			p.kill(p.cmd.Process.Pid, syscall.SIGINT)
		}, 6},
		{"SIGQUIT", "trap 'exit 7' QUIT; echo ready; sleep 1000 & wait", func(p *person) {
			p.sees("ready")
			p.kill(p.cmd.Process.Pid, syscall.SIGQUIT)
		}, 7},
		{"the command is stopped and goes on", "echo ready; read x; echo got $x; exit 8", func(p *person) {
			p.sees("ready")
			p.turns(true)
			p.kill(p.cmd.Process.Pid, syscall.SIGTSTP)
			p.turns(false)
			p.stopped()
			p.kill(p.cmd.Process.Pid, syscall.SIGCONT)
			p.turns(true)
			p.types("it\n")
			p.sees("got it\r\n")
		}, 8},
		{"the command is stopped the hard way", "echo ready; read x; echo got $x; exit 9", func(p *person) {
			p.sees("ready")
			p.turns(true)
			p.kill(p.cmd.Process.Pid, syscall.SIGSTOP)
			p.stopped()
			// Its shell would do this.
			p.control(func(fd int) error { return unix.IoctlSetTermios(fd, unix.TCSETS, &p.before) })
			p.kill(p.cmd.Process.Pid, syscall.SIGCONT)
			p.turns(true)
			p.types("it\n")
			p.sees("got it\r\n")
		}, 9},
		{"the program cannot be executed", "", func(p *person) { p.sees("no such file or directory") }, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			changes := withTerminal(shell(row.script)...)
			if row.script == "" {
				changes = withTerminal(`["sh"]`, `["none"]`)
			}
			p := sit(t, command(t, "run", "-b", sibling(t, base, changes...), "box"), 24, 80)
			row.do(p)
			p.leaves(row.status)
		})
	}
}

func (p *person) kill(pid int, sig syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		p.t.Fatal(err)
	}
}

// child is the container's first process.
func (p *person) child() int {
	p.t.Helper()
	pid := p.cmd.Process.Pid
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, task := range tasks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		if err != nil {
			continue
		}
		if child, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return child
		}
	}
	p.t.Fatal("there is no container")
	return 0
}

// stopped waits until the command has stopped.
func (p *person) stopped() {
	p.t.Helper()
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, &info, unix.WSTOPPED, nil); err != nil {
		p.t.Fatal(err)
	}
}

// A command that is killed leaves no container. That nothing is left is what the end of
// the tests checks as well.
func TestTerminalOfACommandThatIsKilled(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	p := atShell(t)
	child := p.child()
	fd, err := unix.PidfdOpen(child, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	destroy(t, p.cmd)
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if status := statusOf(t, p.cmd.Wait()); status != -int(syscall.SIGKILL) {
		t.Errorf("status %d", status)
	}
	ended := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(ended, int(patience.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n != 1 {
			t.Errorf("the container lives on: %d, %v", n, err)
		}
		return
	}
}

// Without a terminal of our own the container has one all the same.
func TestTerminalFromAPipe(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	base := bundle(t)
	for _, row := range []struct {
		name, script, in, want string
		status                 int
	}{
		{"it is one", "test -t 0 && test -t 1 && test -t 2 && tty", "", "/dev/pts/0\n", 0},
		{"nobody has given it a size", "stty size 2>&1; exit 2", "", "stty: standard input\n", 2},
		{"lines are typed, and the end", "stty -echo; echo go; cat; echo end", "one\ntwo\n", "go\none\ntwo\nend\n", 0},
		{"an end behind half a line", "stty -echo; echo go; cat; echo end", "one\ntwo", "go\none\ntwoend\n", 0},
		{"no input at all", "cat; echo end", "", "end\n", 0},
		{"bytes, where the program wants them as they are", "stty raw -echo; echo go; head -c 6 | od -An -tx1", "\x03\x04\x1a\x11\r\n", "go\n 03 04 1a 11 0d 0a\n", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := command(t, "run", "-b", sibling(t, base, withTerminal(shell(row.script)...)...), "box")
			in, err := c.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out := &waiter{want: "go", found: make(chan struct{})}
			c.Stdout = out
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(row.want, "go") {
				<-out.found // the modes are set
			}
			if _, err := in.Write([]byte(row.in)); err != nil {
				t.Error(err)
			}
			in.Close()
			if status := statusOf(t, c.Wait()); status != row.status || string(out.text) != row.want {
				t.Errorf("status %d, %q, want %d, %q", status, out.text, row.status, row.want)
			}
		})
	}
}

// waiter is an output that tells when a text has come.
type waiter struct {
	text  []byte
	want  string
	found chan struct{}
}

func (w *waiter) Write(b []byte) (int, error) {
	w.text = append(w.text, b...)
	if w.want != "" && strings.Contains(string(w.text), w.want) {
		w.want = ""
		close(w.found)
	}
	return len(b), nil
}

// All that was written comes out, also when its reader is slow, and also by a process
// that lives on.
func TestTerminalOutput(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	base := bundle(t)
	data := make([]byte, 300<<10)
	source := rand.NewChaCha8([32]byte{2})
	if _, err := source.Read(data); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(base+"/rootfs/data", data, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, changes := range map[string][]string{
		"in its own pid namespace": shell("stty raw -echo; cat /data"),
		"and one that is shared":   append(shell("stty raw -echo; cat /data; (trap : HUP; read x </dev/ptmx; sleep 1000) &"), noPidNamespace, ""),
	} {
		c := command(t, "run", "-b", sibling(t, base, withTerminal(changes...)...), "box")
		r := do(t, c)
		if r.status != 0 || r.stdout != string(data) {
			t.Errorf("%s: status %d, %d bytes of %d, %q", name, r.status, len(r.stdout), len(data), r.stderr)
		}
	}
}
