package container_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// keyringOf makes a keyring that a user owns, with these permissions. It is there for as
// long as the test runs: it is the session keyring of a thread.
func keyringOf(t *testing.T, uid int, name string, permissions uint32) {
	t.Helper()
	made, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its keyring
		// Go's own Setresuid would change the ids of all threads.
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); errno != 0 {
			made <- errno
			return
		}
		id, err := unix.KeyctlJoinSessionKeyring(name)
		if err == nil {
			err = unix.KeyctlSetperm(id, permissions)
		}
		made <- err
		<-ended
	}()
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(ended) })
}

// keysInside lists the keyrings that a container's program can see, without their
// serial numbers: permissions, owner and name.
func keysInside(t *testing.T, spec container.Spec) string {
	t.Helper()
	spec.MaskedPaths = nil // /proc/keys is one of them
	sh("cat /proc/keys")(&spec)
	out, _ := run(t, spec)
	var list []string
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) > 8 && strings.HasPrefix(f[8], "_ses") {
			list = append(list, fmt.Sprintf("%s %s:%s %s", f[4], f[5], f[6], f[8]))
		}
	}
	return strings.Join(list, "\n")
}

// TestKeyring is the session keyring that a container's program has. An ordinary user
// sees it and no other, and each row has a name of its own: the kernel takes the keyring
// of a process apart some time after its end.
func TestKeyring(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	long := strings.Repeat("x", 255)
	own := fmt.Sprintf("_ses.%d-", time.Now().UnixNano()) // no other run of this test has it
	const searched = prog.KeyPossessorAll | prog.KeyUserView | prog.KeyUserRead | prog.KeyUserSearch | prog.KeyUserLink
	keyringOf(t, 0, own+"2", searched)
	keyringOf(t, 4711, own+"3", prog.KeyPossessorAll|prog.KeyOtherSearch)
	keyringOf(t, 4711, own+"4", prog.KeyPossessorAll)
	for _, row := range []struct{ name, keyring, want string }{
		{"one of the container's own, which root owns and the user possesses", own + "1", "3f1b0000 0:0 " + own + "1:"},
		{"one without a name where root has one of the name", own + "2", "3f030000 0:0 _ses:"},
		{"one without a name where another user offers one of the name to everybody", own + "3", "3f030000 0:0 _ses:"},
		{"one of its own where another user keeps one of the name to himself", own + "4", "3f1b0000 0:0 " + own + "4:"},
		{"a long name", own + long, "3f1b0000 0:0 " + own + long + ":"},
	} {
		t.Run(row.name, func(t *testing.T) {
			spec := with(root, func(s *container.Spec) { s.Keyring, s.Process.User.UID = row.keyring, 1000 })
			if got := keysInside(t, spec); got != row.want {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}

// TestCallersKeyring: a container does not possess what its caller does, unless it is
// asked for no keyring of its own.
func TestCallersKeyring(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	callers := fmt.Sprintf("_ses.%d-callers", time.Now().UnixNano())
	look := func(keyring string) (list string) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread()
			// What has it may see it, and nobody else.
			id, err := unix.KeyctlJoinSessionKeyring(callers)
			if err == nil {
				err = unix.KeyctlSetperm(id, prog.KeyPossessorAll)
			}
			if err != nil {
				t.Error(err)
				return
			}
			list = keysInside(t, with(root, func(s *container.Spec) { s.Keyring, s.Process.User.UID = keyring, 1000 }))
		}()
		<-done
		return list
	}
	if got := look(callers + "-own"); got != "3f1b0000 0:0 "+callers+"-own:" {
		t.Errorf("with a keyring of its own it sees\n%s", got)
	}
	if got := look(""); !strings.Contains(got, callers) {
		t.Errorf("without it does not see its caller's, but\n%s", got)
	}
}

// TestNoKeyrings makes another call in the place of the one that makes keyrings, with
// the error that a kernel without them has: it is none of the container's. Every other
// one is.
func TestNoKeyrings(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	instead := func(call prog.Call, args prog.Args) *container.Plan {
		plan := compile(t, with(root, sh("echo runs"), func(s *container.Spec) { s.Keyring = "_ses.test-none" }))
		var err error
		plan.Child, err = rebuild(plan.Child, func(_ int, op prog.Op) []prog.Op {
			if op.Call == prog.Keyctl && op.Args[0] == prog.Arg(prog.Int(unix.KEYCTL_JOIN_SESSION_KEYRING)) {
				op.Call, op.Args = call, args
			}
			return []prog.Op{op}
		})
		if err != nil {
			t.Fatal(err)
		}
		return plan
	}
	word := prog.Buffer("word", 8)
	out, _, err := runPlan(t, instead(prog.Futex, prog.Args{word, prog.Int(99), prog.Int(0), prog.Int(0)})) // ENOSYS
	if err != nil || out != "runs\n" {
		t.Errorf("without keyrings: %v, and it says %q", err, out)
	}
	out, _, err = runPlan(t, instead(prog.Openat2, prog.Args{prog.Int(0), prog.Str("x"), prog.Buffer("how", 24), prog.Int(0)}))
	if err == nil {
		t.Errorf("EINVAL is taken for a kernel without keyrings: %s", out)
	} else if want := "(process): invalid argument"; !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}
