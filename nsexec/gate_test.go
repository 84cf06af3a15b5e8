package nsexec_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// gated is a process that waits at its gate.
type gated struct {
	rest    nsexec.Rest
	process *nsexec.Process
	report  *os.File
	gate    unix.Sockaddr
}

// waits starts a program that waits, and then does what add adds.
func waits(t *testing.T, add body) gated {
	t.Helper()
	dir := t.TempDir()
	report, err := os.Create(filepath.Join(dir, "report"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { report.Close() })
	listener, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	g := gated{report: report, gate: &unix.SockaddrUnix{Name: filepath.Join(dir, "gate")}}
	if err := errors.Join(unix.Bind(listener, g.gate), unix.Listen(listener, 1)); err != nil {
		t.Fatal(err)
	}
	p := program(t, 4, func(b *prog.Builder, control prog.FD) {
		nsexec.EmitGate(b, control, 3, prog.FD{Num: 3, Name: "gate"})
		add(b, control)
	})
	im, err := nsexec.NewImage(p)
	if err != nil {
		t.Fatal(err)
	}
	kept := false
	g.process = start(t, nsexec.Config{
		Image: im, Files: []prog.FD{fd(null(t), "0"), fd(null(t), "1"), fd(null(t), "2"), {Num: listener, Name: "gate"}},
		Report: int(report.Fd()),
		Sync:   []func(*nsexec.Process) error{func(*nsexec.Process) error { kept = true; return nil }},
	})
	if err := unix.Close(listener); err != nil || !kept {
		t.Fatalf("kept %v (%v)", kept, err)
	}
	// What another process has is what was written down.
	text, err := json.Marshal(nsexec.RestOf(p))
	if err == nil {
		err = json.Unmarshal(text, &g.rest)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// open opens the gate and says what has become of the program.
func (g gated) open(t *testing.T, sync ...func() error) error {
	t.Helper()
	if waits, err := g.rest.Waits(int(g.report.Fd())); !waits || err != nil {
		t.Errorf("in front of its gate: %v (%v)", waits, err)
	}
	connection, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(connection)
	if err := unix.Connect(connection, g.gate); err != nil {
		t.Fatal(err)
	}
	err = g.rest.Await(connection, int(g.report.Fd()), g.process.Pid(), g.process.PidFD(), sync...)
	if waits, err := g.rest.Waits(int(g.report.Fd())); waits || err != nil {
		t.Errorf("behind its gate: %v (%v)", waits, err)
	}
	return err
}

func TestGate(t *testing.T) {
	busybox := busybox(t)
	ended := errors.New("my part has failed")
	for _, row := range []struct {
		about string
		add   body
		sync  []func() error
		is    error
		says  string
	}{
		{"a program that is executed", func(b *prog.Builder, _ prog.FD) { exec(b, busybox, "true") }, nil, nil, ""},
		{"a program that is not there", func(b *prog.Builder, _ prog.FD) { b.From("args[0]"); exec(b, "/none") }, nil, unix.ENOENT, `execve "/none" (args[0]): no such file or directory`},
		{"a program that exits by itself", func(b *prog.Builder, _ prog.FD) { exit(b, 3) }, nil, nil, ""},
		{"a program that is killed", func(b *prog.Builder, _ prog.FD) { kill(b); exit(b, 0) }, nil, nil, "killed by SIGKILL here"},
		{"a sync point behind it", func(b *prog.Builder, control prog.FD) {
			nsexec.EmitSync(b, control, "who has opened it")
			exec(b, busybox, "true")
		}, []func() error{func() error { return nil }}, nil, ""},
		{"a sync point for which there is no part", func(b *prog.Builder, control prog.FD) {
			nsexec.EmitSync(b, control, "who has opened it")
			exec(b, busybox, "true")
		}, nil, nil, "no part"},
		{"a part that fails", func(b *prog.Builder, control prog.FD) {
			nsexec.EmitSync(b, control, "who has opened it")
			exec(b, busybox, "true")
		}, []func() error{func() error { return ended }}, ended, ""},
	} {
		t.Run(row.about, func(t *testing.T) {
			err := waits(t, row.add).open(t, row.sync...)
			switch {
			case row.is == nil && row.says == "":
				if err != nil {
					t.Error(err)
				}
			case err == nil || row.is != nil && !errors.Is(err, row.is) || !strings.Contains(err.Error(), row.says):
				t.Errorf("it says %v, want %v: %s", err, row.is, row.says)
			}
		})
	}
}

// TestReportOfOthers is what is made of a report that the program has not written.
func TestReportOfOthers(t *testing.T) {
	g := waits(t, func(b *prog.Builder, _ prog.FD) { exit(b, 0) })
	for about, text := range map[string]string{
		"an address of nowhere": "\x01\x02\x03\x04\x05\x06\x07\x08",
		"one behind the end":    "\x01\x00\xff\x20\x00\x00\x00\x00",
		"all bits":              strings.Repeat("\xff", 16),
	} {
		f, err := os.CreateTemp(t.TempDir(), "report")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte(text+strings.Repeat("\x00", 64)), 0); err != nil {
			t.Fatal(err)
		}
		if waits, err := g.rest.Waits(int(f.Fd())); waits || err == nil {
			t.Errorf("%s: waits %v (%v)", about, waits, err)
		}
		f.Close()
	}
	empty, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	if waits, err := g.rest.Waits(int(empty.Fd())); waits || err == nil {
		t.Errorf("an empty one: waits %v (%v)", waits, err)
	}
}
