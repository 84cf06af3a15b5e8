package nsexec_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// failsInside starts a program in namespaces, which makes a mount and fails to execute
// anything there, and returns whether the mount could be seen by who explains that.
func failsInside(t *testing.T, namespaces uintptr, mount bool) (seen bool) {
	t.Helper()
	calls := 0
	failed := fails(t, nsexec.Config{
		Namespaces: namespaces,
		// The caller has hold of the namespace before the exec is tried.
		Sync: []func(*nsexec.Process) error{func(*nsexec.Process) error { return nil }},
		Image: image(t, 0, func(b *prog.Builder, control prog.FD) {
			nsexec.EmitSync(b, control, "wait")
			if mount {
				emitTmpfs(b, "/mnt", "mark")
			}
			exec(b, "/mnt/none")
		}),
		Explain: func(root int, failed *nsexec.OpError) {
			calls++
			failed.Cause = "somebody has looked"
			var st unix.Stat_t
			seen = root >= 0 && unix.Fstatat(root, "mnt/mark", &st, 0) == nil
			if !mount {
				seen = root >= 0 && unix.Fstatat(root, "proc", &st, 0) == nil
			}
		},
	})
	if calls != 1 {
		t.Errorf("Explain was called %d times", calls)
	}
	if failed.Errno != unix.ENOENT {
		t.Errorf("%v, want ENOENT", failed.Errno)
	}
	contains(t, failed.Error(), `execve "/mnt/none": no such file or directory: somebody has looked`)
	return seen
}

// emitTmpfs mounts a tmpfs with a directory in it.
func emitTmpfs(b *prog.Builder, at, name string) {
	fs, mnt := b.Slot("fs"), b.Slot("mnt")
	here := prog.Int(1<<64 + unix.AT_FDCWD)
	b.Add(prog.Op{Call: prog.MountSetattr, Args: prog.Args{here, prog.Str("/"), prog.Int(unix.AT_RECURSIVE), prog.MountAttr(0, 0, unix.MS_PRIVATE, nil), prog.Int(prog.MountAttrSize)}})
	b.Add(prog.Op{Call: prog.Fsopen, Args: prog.Args{prog.Str("tmpfs"), prog.Int(0)}, Out: fs})
	b.Add(prog.Op{Call: prog.Fsconfig, Args: prog.Args{fs, prog.Int(unix.FSCONFIG_CMD_CREATE), prog.Int(0), prog.Int(0), prog.Int(0)}})
	b.Add(prog.Op{Call: prog.Fsmount, Args: prog.Args{fs, prog.Int(0), prog.Int(0)}, Out: mnt})
	b.Add(prog.Op{Call: prog.Mkdirat, Args: prog.Args{mnt, prog.Str(name), prog.Int(0o755)}})
	b.Add(prog.Op{Call: prog.MoveMount, Args: prog.Args{mnt, prog.Str(""), here, prog.Str(at), prog.Int(unix.MOVE_MOUNT_F_EMPTY_PATH)}})
}

func TestExplainSeesTheMountsOfTheDead(t *testing.T) {
	nstest.Root(t)
	if !failsInside(t, unix.CLONE_NEWNS|unix.CLONE_NEWPID, true) {
		t.Error("what the process had mounted could not be seen")
	}
}

// The user namespace belongs to an ordinary user, who has to enter it in order to enter
// the mount namespace.
func TestExplainAsOrdinaryUser(t *testing.T) {
	if !asOrdinaryUser(t) {
		return
	}
	if !failsInside(t, unix.CLONE_NEWUSER|unix.CLONE_NEWNS, false) {
		t.Error("the mount namespace could not be seen")
	}
}

// What was killed, and what is no exec, is not explained.
func TestExplainIsAboutExec(t *testing.T) {
	for _, add := range []body{
		func(b *prog.Builder, _ prog.FD) { kill(b); exit(b, 0) },
		func(b *prog.Builder, _ prog.FD) {
			b.Add(prog.Op{Call: prog.Chdir, Args: prog.Args{prog.Str("/none")}})
			exit(b, 0)
		},
	} {
		fails(t, nsexec.Config{Image: image(t, 0, add), Explain: func(int, *nsexec.OpError) { t.Error("it is asked") }})
	}
}

func TestRecord(t *testing.T) {
	for _, row := range []struct {
		name string
		add  body
		fail bool
	}{
		{"a program that ends", func(b *prog.Builder, control prog.FD) { nsexec.EmitSync(b, control, "here"); exit(b, 0) }, false},
		{"one that fails", func(b *prog.Builder, control prog.FD) {
			nsexec.EmitSync(b, control, "here")
			b.Add(prog.Op{Call: prog.Chdir, Args: prog.Args{prog.Str("/none")}})
			exit(b, 0)
		}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := program(t, 0, row.add)
			im, err := nsexec.NewTracedImage(p)
			if err != nil {
				t.Fatal(err)
			}
			var record nsexec.Record
			c := nsexec.Config{Image: im, Record: &record, Sync: []func(*nsexec.Process) error{func(*nsexec.Process) error { return nil }}}
			before := nsexec.Now()
			if row.fail {
				fails(t, c)
			} else {
				start(t, c)
			}
			after := nsexec.Now()
			want := []nsexec.RecordPoint{nsexec.RecordImage, nsexec.RecordClone, nsexec.RecordSync, nsexec.RecordLook}
			if len(record.Host) != len(want) {
				t.Fatalf("%v, want %v", record.Host, want)
			}
			clock := before
			for i, h := range record.Host {
				if h.What != want[i] || h.Before < clock || h.After < h.Before || h.After > after || h.Err != nil {
					t.Errorf("%+v, want %v between %v and %v", h, want[i], clock, after)
				}
				clock = h.After
			}
			if len(record.Ops) != p.Len() || record.Ops[4].Before < before || record.At != map[bool]int{true: 7, false: 7}[row.fail] {
				t.Errorf("%d times, the program stood at %d", len(record.Ops), record.At)
			}
		})
	}
}
