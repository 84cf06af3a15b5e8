package container_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/syndtr/gocapability/capability"
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestCallersStateIsNotInherited starts containers from processes of all sorts.
func TestCallersStateIsNotInherited(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	without := func(s *container.Spec) { s.Process.Rlimits = nil }
	rows := []struct {
		name   string
		prefix []string // what starts the caller
		groups []uint32 // its supplementary groups
		spec   container.Spec
		want   string
	}{
		{"its groups", nil, []uint32{4, 24, 4711}, with(root, sh("grep ^Groups /proc/self/status")), "Groups:"},
		{"its groups, where the container has some", nil, []uint32{4, 24, 4711},
			with(root, sh("grep ^Groups /proc/self/status | tr '\t' ' '"), func(s *container.Spec) { s.Process.User.AdditionalGIDs = []uint32{77} }), "Groups: 77"},
		{"its groups, in a user namespace", nil, []uint32{4, 24, 4711}, with(root, inUser(t), sh("grep ^Groups /proc/self/status")), "Groups:"},
		{"its groups, in a user namespace to join", nil, []uint32{4, 24, 4711}, with(root, func(s *container.Spec) {
			s.Namespaces.Add(clone.NEWUSER, inNamespaces(t, syscall.CLONE_NEWUSER)+"user")
		}, sh("grep ^Groups /proc/self/status")), "Groups:"},
		{"its environment", []string{"env", "SECRET=1"}, nil, with(root, sh("echo ${SECRET-none}")), "none"},
		{"its umask", []string{"sh", "-c", `umask 0; exec "$0"`}, nil, with(root, sh("umask")), "0022"},
		{"its working directory", []string{"sh", "-c", `cd /tmp; exec "$0"`}, nil, with(root, sh("pwd")), "/"},
		{"the signals that it ignores", []string{"sh", "-c", `trap "" INT TERM HUP; exec "$0"`}, nil, with(root, sh("grep SigIgn /proc/self/status | cut -f 2")), "0000000000000000"},
		{"but the limit of open files as it was before Go raised it", []string{"sh", "-c", `ulimit -Sn 77; exec "$0"`}, nil,
			with(root, sh("ulimit -Sn; test $(ulimit -Hn) -gt 77 && echo more"), without), "77\nmore"},
		{"unless another one is asked for", []string{"sh", "-c", `ulimit -Sn 77; exec "$0"`}, nil, with(root, sh("ulimit -Sn; ulimit -Hn")), "1024\n1024"},
		{"and its other limits", []string{"sh", "-c", `ulimit -Sc 5; exec "$0"`}, nil, with(root, sh("ulimit -Sc"), without), "5"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			cmd := driver(t, "run", row.spec, row.prefix...)
			if row.groups != nil {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Groups: row.groups}}
			}
			out, err := cmd.CombinedOutput()
			if err != nil || lines(string(out)) != row.want {
				t.Errorf("printed\n%s\nwant\n%s\n(%v)", out, row.want, err)
			}
		})
	}
}

// TestHostsNamesAndParameters sets inside what exists outside as well.
func TestHostsNamesAndParameters(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	state := func() (s string) {
		for _, name := range []string{"hostname", "domainname", "msgmax"} {
			text, err := os.ReadFile("/proc/sys/kernel/" + name)
			if err != nil {
				t.Fatal(err)
			}
			s += string(text)
		}
		text, err := os.ReadFile("/proc/sys/net/ipv4/ip_default_ttl")
		if err != nil {
			t.Fatal(err)
		}
		return s + string(text)
	}
	before := state()
	out, _ := run(t, with(root, sh("cd /proc/sys; cat kernel/hostname kernel/domainname kernel/msgmax net/ipv4/ip_default_ttl"), func(s *container.Spec) {
		s.Hostname, s.Domainname = "here", "there"
		s.Sysctl = map[string]string{"kernel.msgmax": "4321", "net.ipv4.ip_default_ttl": "99"}
	}))
	if want := "here\nthere\n4321\n99\n"; out != want {
		t.Errorf("inside\n%s\nwant\n%s", out, want)
	}
	if after := state(); after != before {
		t.Errorf("outside it was\n%s\nand is\n%s", before, after)
	}
}

// TestParentDeathSignal kills the process that has started the container. The container
// holds the only writing end of a pipe, which closes when it is gone.
func TestParentDeathSignal(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	rows := []struct {
		name   string
		change func(*container.Spec)
	}{
		{"the first process of a pid namespace", func(s *container.Spec) { s.ParentDeathSignal = unix.SIGKILL }},
		{"a process of the host's pid namespace", func(s *container.Spec) {
			s.ParentDeathSignal = unix.SIGTERM
			s.Namespaces.Remove(clone.NEWPID)
		}},
		{"in a user namespace", func(s *container.Spec) {
			s.ParentDeathSignal = unix.SIGKILL
			inUser(t)(s)
		}},
		{"an ordinary user's", func(s *container.Spec) {
			s.ParentDeathSignal = unix.SIGKILL
			s.Process.User.UID = 1000
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			spec := with(root, row.change, func(s *container.Spec) { s.Process.Args = []string{"/bin/sleep", "1000"} })
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			cmd := driver(t, "start", spec)
			cmd.Stderr = w
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			w.Close()
			// It has started when it says so, and then waits for an end that never comes.
			if word, err := io.ReadAll(io.LimitReader(out, 8)); err != nil || string(word) != "started\n" {
				t.Errorf("the caller says %q (%v)", word, err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			said, err := io.ReadAll(r) // ends when nobody holds the other end any more
			if err != nil || len(said) > 0 {
				t.Errorf("%q, %v", said, err)
			}
			in.Close()
			if err := cmd.Wait(); err == nil {
				t.Error("the caller ended by itself")
			}
		})
	}
}

// startDriver starts the container with its standard error only, and waits for the end
// of its own standard input.
func startDriver([]string) int {
	runtime.LockOSThread() // the signal comes when this thread dies
	var d driven
	if err := d.load(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 200
	}
	p, err := d.plan.Start(container.Stdio{Err: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		return 200
	}
	defer p.Close()
	fmt.Println("started")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return 201
	}
	return 0
}

// TestCapabilitiesAsOthersSeeThem asks another library for the sets of a running
// container.
func TestCapabilitiesAsOthersSeeThem(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	some := caps.Of(caps.KILL, caps.CHOWN, caps.NET_ADMIN)
	rows := []struct {
		name string
		uid  uint32
		sets caps.Config
		want map[capability.CapType]caps.Set
	}{
		{"root", 0, caps.Config{Bounding: some, Permitted: some, Effective: some}, map[capability.CapType]caps.Set{
			capability.BOUNDING: some, capability.PERMITTED: some, capability.EFFECTIVE: some,
		}},
		{"a user", 1000, caps.Config{Bounding: some, Permitted: some, Inheritable: some, Ambient: caps.Of(caps.CHOWN)}, map[capability.CapType]caps.Set{
			capability.BOUNDING: some, capability.INHERITABLE: some,
			capability.PERMITTED: caps.Of(caps.CHOWN), capability.EFFECTIVE: caps.Of(caps.CHOWN), capability.AMBIENT: caps.Of(caps.CHOWN),
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p, _, err := begin(t, compile(t, with(root, func(s *container.Spec) {
				s.Process.Args = []string{"/bin/sleep", "1000"}
				s.Process.User.UID, s.Process.Capabilities = row.uid, &row.sets
			})))
			if err != nil {
				t.Fatal(err)
			}
			judge, err := capability.NewPid2(p.Pid())
			if err != nil {
				t.Fatal(err)
			}
			if err := judge.Load(); err != nil {
				t.Fatal(err)
			}
			for _, set := range []capability.CapType{capability.BOUNDING, capability.PERMITTED, capability.EFFECTIVE, capability.INHERITABLE, capability.AMBIENT} {
				for c := caps.Cap(0); c <= caps.LastKnown; c++ {
					if has := judge.Get(set, capability.Cap(c)); has != row.want[set].Has(c) {
						t.Errorf("%v %v: %t", set, c, has)
					}
				}
			}
		})
	}
}

// TestStdio looks at the standard streams.
func TestStdio(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	plan := compile(t, with(root, sh("cat; echo to error >&2")))
	dir := t.TempDir()
	makeFile(t, dir, "in")
	var files [3]*os.File
	for i, name := range []string{"in", "out", "err"} {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	p, err := plan.Start(container.Stdio{In: files[0], Out: files[1], Err: files[2]})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if status, err := p.Wait(); err != nil || status != exited(0) {
		t.Errorf("%#x, %v", int(status), err)
	}
	for i, want := range []string{"of the host\n", "of the host\n", "to error\n"} {
		got := make([]byte, 64)
		n, err := files[i].ReadAt(got, 0) // the files are open still
		if err != io.EOF || string(got[:n]) != want {
			t.Errorf("stream %d has %q (%v), want %q", i, got[:n], err, want)
		}
	}
	out, status := run(t, with(root, sh("cat && readlink /proc/self/fd/0")))
	if want := "/dev/null\n"; out != want || status != exited(0) {
		t.Errorf("without an input it reads %q, want %q", out, want)
	}
}

// TestBigThings starts containers near the limits of the kernel.
func TestBigThings(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)

	long := strings.Repeat("x", 100<<10)
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf("VARIABLE_%d=%s", i, strings.Repeat("v", i%100))
	}
	out, _ := run(t, with(root, func(s *container.Spec) {
		s.Process.Args = append([]string{"/bin/echo", long}, many...)
	}))
	if want := long + " " + strings.Join(many, " ") + "\n"; out != want {
		t.Errorf("of %d bytes of arguments the program has %d", len(want), len(out))
	}
	out, _ = run(t, with(root, func(s *container.Spec) {
		s.Process.Args, s.Process.Env = []string{"/bin/env"}, many
	}))
	if want := strings.Join(many, "\n") + "\n"; out != want {
		t.Errorf("of an environment of %d bytes the program has %d", len(want), len(out))
	}

	host := t.TempDir()
	var spec container.Spec
	var want bytes.Buffer
	spec = with(root, sh("cat /many/*/file"))
	for i := range 100 {
		name := fmt.Sprintf("%03d", i)
		from := makeDir(t, host, name)
		if err := os.WriteFile(filepath.Join(from, "file"), []byte(name+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		want.WriteString(name + "\n")
		spec.Mounts = append(spec.Mounts, mountOf("/many/"+name, from))
	}
	if out, _ = run(t, spec); out != want.String() {
		t.Errorf("of a hundred mounts it sees\n%s", out)
	}
}

// TestEnds is how a container ends: with every status, and by every signal.
func TestEnds(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	step := 1
	if testing.Short() {
		step = 17
	}
	for code := 0; code < 256; code += step {
		if _, status := run(t, with(root, sh(fmt.Sprintf("exit %d", code)))); status != exited(code) {
			t.Errorf("exit %d is reported as %#x", code, int(status))
		}
	}
	signals := unix.Signal(64)
	if testing.Short() {
		signals = 34 // one of the real-time ones
	}
	for sig := unix.Signal(1); sig <= signals; sig++ {
		switch sig {
		case unix.SIGCHLD, unix.SIGCONT, unix.SIGURG, unix.SIGWINCH: // ignored
			continue
		case unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU: // stop it
			continue
		case 32, 33: // the C library keeps them for itself
			continue
		}
		p, _, err := begin(t, compile(t, with(root, func(s *container.Spec) {
			s.Process.Args = []string{"/bin/sleep", "1000"}
			s.Namespaces.Remove(clone.NEWPID) // most signals do not end its first process
			s.Process.Rlimits = []container.Rlimit{{Type: "RLIMIT_CORE"}}
		})))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if status, err := p.Wait(); err != nil || status != unix.WaitStatus(sig) {
			t.Errorf("signal %d is reported as %#x (%v)", sig, int(status), err)
		}
	}
}
