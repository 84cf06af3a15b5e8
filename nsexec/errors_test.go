package nsexec_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// stops are programs that stop at an error, each with what the error says.
var stops = []struct {
	name   string
	add    body
	call   prog.Call
	errno  unix.Errno
	origin string
	text   string
}{
	{"a directory that does not exist", func(b *prog.Builder, _ prog.FD) {
		b.From("process.cwd")
		b.Add(prog.Op{Call: prog.Chdir, Args: prog.Args{prog.Str("/no/such/directory")}, Hint: "make it first"})
		exit(b, 0)
	}, prog.Chdir, unix.ENOENT, "process.cwd",
		`op 4 chdir "/no/such/directory" (process.cwd): no such file or directory: make it first`},
	{"a program that does not exist", func(b *prog.Builder, _ prog.FD) { exec(b, "/no/such/program") },
		prog.Execve, unix.ENOENT, "", `op 5 execve "/no/such/program": no such file or directory`},
	{"a program that is a directory", func(b *prog.Builder, _ prog.FD) { exec(b, "/") },
		prog.Execve, unix.EACCES, "", `op 5 execve "/": permission denied`},
	{"a descriptor that is not open", func(b *prog.Builder, _ prog.FD) {
		b.Add(prog.Op{Call: prog.Close, Args: prog.Args{prog.FD{Num: 77, Name: "gone"}}})
		exit(b, 0)
	}, prog.Close, unix.EBADF, "", "op 4 close 77<gone>: bad file descriptor"},
	{"another error than the one that is tolerated", func(b *prog.Builder, _ prog.FD) {
		b.Add(prog.Op{Call: prog.Close, Args: prog.Args{prog.FD{Num: 77}}, Tolerate: unix.EINVAL})
		exit(b, 0)
	}, prog.Close, unix.EBADF, "", "op 4 close 77: bad file descriptor"},
	{"an error where a branch leads to", func(b *prog.Builder, _ prog.FD) {
		there := b.Label("there")
		b.Add(prog.Op{Call: prog.Close, Args: prog.Args{prog.FD{Num: 77}}, OnError: there})
		exit(b, 0)
		b.Bind(there)
		b.Add(prog.Op{Call: prog.Lseek, Args: prog.Args{prog.FD{Num: 78}, prog.Int(0), prog.Int(unix.SEEK_SET)}})
		exit(b, 0)
	}, prog.Lseek, unix.EBADF, "", "op 6 lseek 78: bad file descriptor"},
}

func TestStopSaysWhichOperation(t *testing.T) {
	for _, traced := range []bool{false, true} {
		for _, row := range stops {
			name := row.name
			if traced {
				name += ", traced"
			}
			t.Run(name, func(t *testing.T) {
				p := program(t, 0, row.add)
				layOut := nsexec.NewImage
				if traced {
					layOut = nsexec.NewTracedImage
				}
				im, err := layOut(p)
				if err != nil {
					t.Fatal(err)
				}
				got := fails(t, nsexec.Config{Image: im})
				if got.Op.Call != row.call || got.Errno != row.errno || got.Origin != row.origin {
					t.Errorf("%v, %v, from %q; want %v, %v, from %q", got.Op.Call, got.Errno, got.Origin, row.call, row.errno, row.origin)
				}
				if want := p.Op(got.Index); want.Call != got.Op.Call || want.Args != got.Op.Args {
					t.Errorf("operation %d is %v, the error holds %v", got.Index, want, got.Op)
				}
				if !errors.Is(got, row.errno) {
					t.Errorf("errors.Is(%v, %v) is false", got, row.errno)
				}
				if got.Error() != row.text {
					t.Errorf("error text\n%s\nwant\n%s", got.Error(), row.text)
				}
			})
		}
	}
}

func TestStopWithoutErrno(t *testing.T) {
	err := fails(t, nsexec.Config{Image: image(t, 0, func(b *prog.Builder, _ prog.FD) {
		b.From("tests")
		kill(b)
		exit(b, 0)
	})})
	if err.Unwrap() != nil {
		t.Errorf("Unwrap is %v where no call has failed", err.Unwrap())
	}
	if want := "op 5 kill $self (tests): the process was killed by SIGKILL here"; err.Error() != want {
		t.Errorf("error text\n%s\nwant\n%s", err, want)
	}
}

func TestHandedDownDescriptorIsNotOpen(t *testing.T) {
	im := image(t, 1, func(b *prog.Builder, _ prog.FD) { exit(b, 0) })
	err := fails(t, nsexec.Config{Image: im, Files: []prog.FD{{Num: 9999, Name: "stdin"}}})
	if err.Index != 0 || err.Op.Call != prog.Fcntl || err.Errno != unix.EBADF || err.Origin != "clone" {
		t.Errorf("%d %v %v %q, want 0 fcntl EBADF \"clone\"", err.Index, err.Op.Call, err.Errno, err.Origin)
	}
	contains(t, err.Error(), "op 0 fcntl 9999<stdin> (clone): bad file descriptor")
}

func TestCloneErrorSaysWhatWasAskedFor(t *testing.T) {
	im := image(t, 0, func(b *prog.Builder, _ prog.FD) { exit(b, 0) })
	// The kernel refuses CLONE_NEWNS together with CLONE_FS for everybody.
	_, err := nsexec.Start(nsexec.Config{Image: im, Namespaces: unix.CLONE_NEWNS | unix.CLONE_FS})
	var clone *nsexec.CloneError
	if !errors.As(err, &clone) || !errors.Is(err, unix.EINVAL) {
		t.Fatalf("Start: %v (%T), want a *CloneError with EINVAL", err, err)
	}
	contains(t, err.Error(), "clone3 with CLONE_", "CLONE_NEWNS", "CLONE_FS", "invalid argument")
	if clone.Flags&unix.CLONE_NEWNS == 0 {
		t.Errorf("Flags %#x lack CLONE_NEWNS", clone.Flags)
	}
}

func TestNoPermissionForNamespaces(t *testing.T) {
	if !asOrdinaryUser(t) {
		return
	}
	im := image(t, 0, func(b *prog.Builder, _ prog.FD) { exit(b, 0) })
	_, err := nsexec.Start(nsexec.Config{Image: im, Namespaces: unix.CLONE_NEWUTS})
	var clone *nsexec.CloneError
	if !errors.As(err, &clone) || !errors.Is(err, unix.EPERM) {
		t.Fatalf("Start: %v (%T), want a *CloneError with EPERM", err, err)
	}
	contains(t, err.Error(), "clone3 with", "CLONE_NEWUTS", ": operation not permitted: new namespaces need CAP_SYS_ADMIN")
}

func TestWrongNumberOfFiles(t *testing.T) {
	im := image(t, 3, func(b *prog.Builder, _ prog.FD) { exit(b, 0) })
	_, err := nsexec.Start(nsexec.Config{Image: im, Files: []prog.FD{{Num: 0}}})
	if err == nil {
		t.Fatal("one file for a program of three was taken")
	}
	contains(t, err.Error(), "1 files are given and the program was begun with 3")
}

// TestRefusedPrograms has programs that nsexec.Start could not look after.
func TestRefusedPrograms(t *testing.T) {
	rows := []struct {
		name string
		add  func(b *prog.Builder)
		want string
	}{
		{"without a beginning", func(b *prog.Builder) {
			for range 5 {
				b.Add(prog.Op{Call: prog.Getpid})
			}
			exit(b, 0)
		}, "nsexec.Begin"},
		{"executes with its control socket open", func(b *prog.Builder) {
			nsexec.Begin(b, 0)
			b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/bin/true"), prog.Strings(nil), prog.Strings(nil)}})
		}, "nsexec.EmitCloseOnExec"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			b := &prog.Builder{}
			row.add(b)
			p, err := b.Program()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := nsexec.NewImage(p); err == nil {
				t.Error("NewImage takes it")
			} else {
				contains(t, err.Error(), row.want)
			}
		})
	}
}

// A process that is known by its pidfd alone has no number for an error.
func TestReapOfNothing(t *testing.T) {
	if _, err := nsexec.Reap(-1); err == nil || !strings.HasPrefix(err.Error(), "waitid: ") {
		t.Error(err)
	}
}
