package container_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestInitInside is what a user sees of an init inside: a line of shell, what it prints.
func TestInitInside(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	user := func(s *container.Spec) { s.Process.User = container.User{UID: 1000, GID: 1000} }
	rows := []struct {
		name   string
		script string
		change func(*container.Spec)
		want   string
		status int
	}{
		{"the first process is the init, the program the second", `cat /proc/1/comm; tr '\0' ' ' </proc/1/cmdline; echo; echo $$ $PPID`, nil, "init\ninit\n2 1", 0},
		{"its status is the program's", "exit 41", nil, "", 41},
		{"or that of its signal", "kill -USR2 $$", nil, "", 128 + 12},
		{"what it is executed from is no file of the host", "readlink /proc/1/exe | tr ':' ' '", nil, "/memfd selfcontain (deleted)", 0},
		{"nobody can change it", "echo x >/proc/1/exe; echo $?", nil, "/bin/sh: can't create /proc/1/exe: Text file busy\n1", 0},
		{"executed again it ends", "/proc/1/exe; echo $?; /proc/1/exe <&-; echo $?", nil, "125\n125", 0},
		{"it holds one descriptor", "ls /proc/1/fd", nil, "0", 0},
		{"orphans become its children", `(sleep 1000 & echo $! >/tmp/pid); grep PPid /proc/$(cat /tmp/pid)/status | tr '\t' ' '`, nil, "PPid: 1", 0},
		{"what has ended is reaped", `for i in 1 2 3 4 5 6 7 8 9; do (: & : & : &); done; n=0; while set -- /proc/[0-9]*; test $# -gt 2 -a $n -lt 100000; do n=$((n+1)); done; echo $#`, nil, "2", 0},
		{"a user has a session of its own", "cut -d ' ' -f 5,6 /proc/$$/stat; cut -d ' ' -f 5,6 /proc/1/stat", user, "2 2\n1 1", 0},
		{"and signals unblocked", "grep -e SigBlk -e SigIgn /proc/self/status | cut -f 2", user, "0000000000000000\n0000000000000000", 0},
		{"and may ask the init to end it", "kill -TERM 1; while :; do :; done", user, "", 128 + 15},
		{"and has the same user as the init", `grep -h -e Uid -e CapEff -e CapPrm /proc/1/status /proc/$$/status | tr -s '\t' ' '`, user,
			"Uid: 1000 1000 1000 1000\nCapPrm: 0000000000000000\nCapEff: 0000000000000000\nUid: 1000 1000 1000 1000\nCapPrm: 0000000000000000\nCapEff: 0000000000000000", 0},
		{"without a pid namespace as well", `cat /proc/$PPID/comm; (sleep 0.2 & echo $! >/tmp/pid); test $(sed -n 's/^PPid:.//p' /proc/$(cat /tmp/pid)/status) = $PPID && echo orphan; exit 3`,
			func(s *container.Spec) { s.Namespaces.Remove(clone.NEWPID); s.MaskedPaths, s.ReadonlyPaths = nil, nil }, "init\norphan", 3},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			// It names itself when the program runs already.
			script := "while ! grep -qx init /proc/$PPID/comm; do :; done; " + row.script
			spec := with(root, sh(script), func(s *container.Spec) { s.Init = true; s.Process.User.AdditionalGIDs = nil })
			if err := os.Chmod(root+"/tmp", 0o777); err != nil {
				t.Fatal(err)
			}
			if row.change != nil {
				row.change(&spec)
			}
			out, status := run(t, spec)
			if lines(out) != row.want || status != exited(row.status) {
				t.Errorf("printed\n%s\nstatus %#x, want\n%s\nstatus %d", out, int(status), row.want, row.status)
			}
		})
	}
}

// TestInitEndsEverything has a program that ends and leaves another behind, which holds
// the pipe that the test reads.
func TestInitEndsEverything(t *testing.T) {
	nstest.Root(t)
	spec := with(nstest.RootFS(t), sh("sleep 1000 & exit 6"), func(s *container.Spec) { s.Init = true })
	begin := time.Now()
	if _, status := run(t, spec); status != exited(6) {
		t.Errorf("status %#x", int(status))
	}
	t.Logf("ended after %v", time.Since(begin).Round(time.Millisecond))
}

// TestInitIsKilled ends the init from outside with the signal that it cannot forward.
func TestInitIsKilled(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	for _, pidns := range []bool{true, false} {
		t.Run(fmt.Sprintf("pid namespace: %v", pidns), func(t *testing.T) {
			spec := with(root, sh("echo; exec sleep 1000"), func(s *container.Spec) { s.Init = true })
			if !pidns {
				spec.Namespaces.Remove(clone.NEWPID)
			}
			p, r, err := begin(t, compile(t, spec))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Read(make([]byte, 1)); err != nil { // it runs
				t.Fatal(err)
			}
			if err := p.Signal(unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			var rest bytes.Buffer
			if _, err := io.Copy(&rest, r); err != nil { // until the program is gone as well
				t.Fatal(err)
			}
			if status, err := p.Wait(); err != nil || status != unix.WaitStatus(unix.SIGKILL) {
				t.Errorf("%#x, %v", int(status), err)
			}
		})
	}
}

// TestInitRefusals are starts that fail where there is an init.
func TestInitRefusals(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	rows := []struct {
		name   string
		change func(*container.Spec)
		want   string
	}{
		{"a program that is not there", func(s *container.Spec) { s.Process.Args = []string{"/none"} },
			`op N execve "/none" (process.args[0]): no such file or directory`},
		{"no process more than one", func(s *container.Spec) {
			s.Process.User.UID = 54321
			s.Process.Rlimits = []container.Rlimit{{Type: "RLIMIT_NPROC", Soft: 1, Hard: 1}}
		}, "op N clone3 (init): resource temporarily unavailable: the user has as many processes as RLIMIT_NPROC allows"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			spec := with(root, row.change, func(s *container.Spec) { s.Init = true })
			if got := refusalOf(t, compile(t, spec)); !strings.HasPrefix(got, row.want) {
				t.Errorf("%s\nwant\n%s", got, row.want)
			}
		})
	}
}
