package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// listen makes a socket at a path of any length.
func listen(t *testing.T, path string) *net.UnixListener {
	t.Helper()
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	l, err := net.Listen("unix", "/proc/self/fd/"+strconv.Itoa(int(d.Fd()))+"/"+filepath.Base(path))
	if err != nil {
		t.Fatal(err)
	}
	u := l.(*net.UnixListener)
	u.SetUnlinkOnClose(false)
	t.Cleanup(func() { u.Close() })
	return u
}

// receive is the one descriptor that is sent to a socket, and its name.
func receive(t *testing.T, l *net.UnixListener) (*os.File, string) {
	t.Helper()
	conn, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return receiveFrom(t, conn)
}

func receiveFrom(t *testing.T, conn *net.UnixConn) (*os.File, string) {
	t.Helper()
	data, oob := make([]byte, 4096), make([]byte, 4096)
	n, oobn, _, _, err := conn.ReadMsgUnix(data, oob)
	if err != nil {
		t.Fatal(err)
	}
	list, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	fds, err := unix.ParseUnixRights(&list[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("%v, %v", fds, err)
	}
	unix.CloseOnExec(fds[0])
	f := os.NewFile(uintptr(fds[0]), "received")
	t.Cleanup(func() { f.Close() })
	return f, string(data[:n])
}

// TestConsoleSocket: what runs the command gets the master, and nothing of the
// container comes by way of the command's own streams.
func TestConsoleSocket(t *testing.T) {
	nstest.Root(t)
	script := "echo is $(tty); read x; echo got $x; stty size; exit 9"
	changes := append([]string{`"process": {`, `"process": { "terminal": true, "consoleSize": { "height": 5, "width": 6 },`}, shell(script)...)
	dir := bundle(t, changes...)
	for name, path := range map[string]string{
		"a short path":                        filepath.Join(t.TempDir(), "s"),
		"a path that is longer than sun_path": filepath.Join(t.TempDir(), strings.Repeat("long", 30), strings.Repeat("name", 20)),
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t, path)
			c := command(t, "run", "-b", dir, "--console-socket", path, "box")
			var out bytes.Buffer
			c.Stdout, c.Stderr = &out, &out
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			conn, err := l.AcceptUnix()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			master, name := receiveFrom(t, conn)
			if name != "/dev/ptmx" {
				t.Errorf("%q", name)
			}
			if _, err := master.WriteString("this\n"); err != nil {
				t.Error(err)
			}
			text := nstest.ReadTerminal(t, master) // until nobody has the other end any more, us included
			for _, want := range []string{"is /dev/pts/0\n", "got this\n5 6\n"} {
				if !strings.Contains(text, want) {
					t.Errorf("%q: no %q", text, want)
				}
			}
			if status := statusOf(t, c.Wait()); status != 9 || out.Len() != 0 {
				t.Errorf("status %d, %q", status, out.String())
			}
			if n, err := conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("%d bytes more, %v", n, err)
			}
		})
	}
}

// TestConsoleSocketFails: no container is left, and its program has not run.
func TestConsoleSocketFails(t *testing.T) {
	nstest.Root(t)
	base := bundle(t)
	tmp := t.TempDir()
	file := filepath.Join(tmp, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(tmp, "closed")
	listen(t, closed).Close()
	packets := filepath.Join(tmp, "packets")
	p, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: packets, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, row := range []struct {
		name, socket, want string
		terminal           bool
	}{
		{"nothing is there", tmp + "/none", "--console-socket " + tmp + "/none: no such file or directory", true},
		{"a file is there", file, "--console-socket " + file + ": connection refused", true},
		{"nobody listens", closed, "--console-socket " + closed + ": connection refused", true},
		{"a socket of another type", packets, "--console-socket " + packets + ": protocol wrong type for socket", true},
		{"there is no terminal", closed, "--console-socket: there is nothing to send: process.terminal in config.json is not true", false},
	} {
		changes := shell("echo has run")
		if row.terminal {
			changes = withTerminal(changes...)
		}
		r := do(t, command(t, "run", "-b", sibling(t, base, changes...), "--console-socket", row.socket, "box"))
		if want := (result{stderr: "selfcontain: run: " + row.want + "\n", status: 1}); r != want {
			t.Errorf("%s:\n got %+v\nwant %+v", row.name, r, want)
		}
	}
}

// TestConsoleSocketHangsUp: whoever waited for the terminal has gone when it is sent.
// The error comes from the middle of the start, which must leave nothing.
func TestConsoleSocketHangsUp(t *testing.T) {
	nstest.Root(t)
	path := filepath.Join(t.TempDir(), "s")
	l := listen(t, path)
	file, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	dir := bundle(t, withTerminal(shell("sleep 1000")...)...)
	gone := make(chan error, 1)
	go func() {
		conn, err := l.AcceptUnix()
		if err == nil {
			err = conn.Close()
		}
		gone <- err
	}()
	s, err := dial("--console-socket", path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := <-gone; err != nil {
		t.Fatal(err)
	}
	plan, err := compileBundle(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	c := console{socket: s}
	c.stdio.Console = s.sendMaster
	process, err := plan.Start(c.stdio)
	if !errors.Is(err, unix.EPIPE) || !strings.HasPrefix(err.Error(), "process.terminal: --console-socket "+path+": ") {
		t.Errorf("%v", err)
	}
	if process != nil {
		t.Error("there is a process")
	}
}

// compileBundle plans what run would do.
func compileBundle(t *testing.T, dir string) (*container.Plan, error) {
	t.Helper()
	f := flagSet("run")
	r := requestFlags(f)
	if err := f.Parse([]string{"-b", dir}); err != nil {
		t.Fatal(err)
	}
	return r.compile(new(global), "box", false)
}
