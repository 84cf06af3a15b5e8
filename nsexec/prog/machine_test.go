package prog_test

import (
	"errors"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// answer is what the scripted kernel says.
type answer struct {
	result uint64
	errno  unix.Errno
}

// TestMachine goes every way on that an operation has. The operation in question is
// number 1; 2 is the next one, 4 stands behind its OnError, 6 behind its OnResult.
func TestMachine(t *testing.T) {
	rows := []struct {
		name     string
		labels   bool
		tolerate unix.Errno
		answer   answer
		path     []int
		stored   bool
		errno    unix.Errno
	}{
		{"a result of 0: the next one", true, unix.EEXIST, answer{}, []int{0, 1, 2, 3}, true, 0},
		{"another result: OnResult", true, unix.EEXIST, answer{result: 7}, []int{0, 1, 6}, true, 0},
		{"another result without OnResult: the next one", false, 0, answer{result: 7}, []int{0, 1, 2, 3}, true, 0},
		{"the error that is tolerated: the next one, nothing stored", true, unix.EEXIST, answer{errno: unix.EEXIST}, []int{0, 1, 2, 3}, false, 0},
		{"the same error when it is not tolerated: OnError", true, 0, answer{errno: unix.EEXIST}, []int{0, 1, 4, 5}, false, 0},
		{"another error: OnError, nothing stored", true, unix.EEXIST, answer{errno: unix.EPERM}, []int{0, 1, 4, 5}, false, 0},
		{"an error without OnError: stop", false, unix.EEXIST, answer{errno: unix.EPERM}, []int{0, 1}, false, unix.EPERM},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			var b prog.Builder
			out, onError, onResult := b.Slot("out"), b.Label("error"), b.Label("result")
			op := prog.Op{Call: prog.Umask, Args: prog.Args{prog.Int(0o22)}, Out: out, Tolerate: r.tolerate}
			if r.labels {
				op.OnError, op.OnResult = onError, onResult
			}
			b.Add(tid)
			b.Add(op)
			b.Add(tid)
			b.Add(exit)
			if r.labels {
				b.Bind(onError)
				b.Add(tid)
				b.Add(exit)
				b.Bind(onResult)
				b.Add(exit)
			}
			p, err := b.Program()
			if err != nil {
				t.Fatal(err)
			}
			m := prog.Machine{Kernel: func(i int, op prog.Op, v [6]uint64) (uint64, unix.Errno) {
				if i == 1 {
					if op.Call != prog.Umask || v[0] != 0o22 {
						t.Errorf("op 1 is %v with %v", op, v)
					}
					return r.answer.result, r.answer.errno
				}
				return 1, 0
			}}
			run, err := m.Run(p)
			if err != nil || !reflect.DeepEqual(run.Path, r.path) || run.Errno != r.errno {
				t.Errorf("path %v, errno %v, %v; want %v, %v", run.Path, run.Errno, err, r.path, r.errno)
			}
			if got, ok := run.Results[out.Index()]; ok != r.stored || got != r.answer.result {
				t.Errorf("stored %d, %v", got, ok)
			}
		})
	}
}

func TestMachineSlots(t *testing.T) {
	var b prog.Builder
	one, two := b.Slot("one"), b.Slot("two")
	b.Add(prog.Op{Call: prog.Getpid, Out: one})
	b.Add(prog.Op{Call: prog.Gettid, Out: two})
	b.Add(prog.Op{Call: prog.Dup3, Args: prog.Args{two, one, prog.Int(unix.O_CLOEXEC)}})
	b.Add(prog.Op{Call: prog.Fchdir, Args: prog.Args{prog.FD{Num: 9, Name: "x"}}})
	b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/x")}})
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	m := prog.Machine{Kernel: func(i int, op prog.Op, v [6]uint64) (uint64, unix.Errno) {
		want := [...][6]uint64{2: {21, 20, unix.O_CLOEXEC}, 3: {9}, 4: {}}
		if v != want[i] {
			t.Errorf("op %d %v gets %v, want %v", i, op, v, want[i])
		}
		return 20 + uint64(i), 0
	}}
	run, err := m.Run(p)
	if err != nil || run.Errno != 0 || len(run.Path) != 5 {
		t.Errorf("%+v, %v", run, err)
	}
}

// TestMachineImpossible: a kernel is scripted with an answer that no kernel gives.
func TestMachineImpossible(t *testing.T) {
	var b prog.Builder
	b.Add(tid)
	b.Add(exit)
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	m := prog.Machine{Kernel: func(int, prog.Op, [6]uint64) (uint64, unix.Errno) { return 0, 0 }}
	if _, err := m.Run(p); err == nil || err.Error() != "op 0 gettid: the kernel is told to answer 0, which it never does" {
		t.Error(err)
	}
}

func TestMachineEnds(t *testing.T) {
	loop := func(b *prog.Builder) {
		l := b.Label("again")
		b.Add(tid)
		b.Bind(l)
		b.Add(prog.Op{Call: prog.RtSigsuspend, Args: prog.Args{prog.Sigset(0), prog.Int(8)}, OnError: l})
	}
	execs := func(b *prog.Builder) {
		l := b.Label("next")
		b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/bin/x")}, OnError: l})
		b.Bind(l)
		b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/usr/bin/x")}})
	}
	rows := []struct {
		name  string
		build func(b *prog.Builder)
		limit int
		errno unix.Errno // of everything
		steps int
		end   unix.Errno
		err   error
	}{
		{"an exit ends it whatever the kernel says", func(b *prog.Builder) { b.Add(exit) }, 0, unix.EPERM, 1, 0, nil},
		{"an execve that succeeds ends it", execs, 0, 0, 1, 0, nil},
		{"one that fails goes on, the last one stops", execs, 0, unix.ENOENT, 2, unix.ENOENT, nil},
		{"a loop is given up at the limit", func(b *prog.Builder) { b.Add(tid); loop(b) }, 100, unix.EINTR, 1, unix.EINTR, nil},
		{"a loop of errors is given up at the limit", loop, 100, 0, 100, 0, prog.ErrLimit},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			var b prog.Builder
			r.build(&b)
			p, err := b.Program()
			if err != nil {
				t.Fatal(err)
			}
			m := prog.Machine{Limit: r.limit, Kernel: func(i int, op prog.Op, _ [6]uint64) (uint64, unix.Errno) {
				if op.Call == prog.RtSigsuspend {
					return 0, unix.EINTR // it has no other answer
				}
				if r.errno != 0 {
					return 0, r.errno
				}
				return 1, 0
			}}
			run, err := m.Run(p)
			if !errors.Is(err, r.err) || len(run.Path) != r.steps || run.Errno != r.end {
				t.Errorf("%d steps, errno %v, %v", len(run.Path), run.Errno, err)
			}
		})
	}
}
