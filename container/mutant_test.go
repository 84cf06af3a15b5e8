package container_test

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// TestComparisonIsStrict changes plans in one place each, an operation that is missing
// or there twice, a flag, a mode, a word, a descriptor, and sees that the comparison
// with what strace saw of the unchanged plan notices every one of them.
func TestComparisonIsStrict(t *testing.T) {
	nstest.Root(t)
	if testing.Short() {
		t.Skip("skipped: this is about a test, not about the kernel; not with -short")
	}
	root := nstest.RootFS(t)
	some := caps.Of(caps.KILL)
	w := observe(t, with(root, func(s *container.Spec) {
		s.Mounts = append(s.Mounts, mounts.Mount{Destination: "/a/b", Source: makeDir(t, t.TempDir(), "dir"), Options: []string{"bind", "ro"}})
		s.Process.Args, s.Process.Env = []string{"true"}, []string{"PATH=/none:/bin"}
		s.Process.User = container.User{UID: 1000, GID: 1000, AdditionalGIDs: []uint32{5}}
		s.Process.Capabilities = &caps.Config{Bounding: some, Permitted: some, Inheritable: some, Ambient: some, Effective: some}
		s.Keyring, s.Process.Scheduler = "_ses.box", &container.Scheduler{Policy: "SCHED_BATCH", Nice: 3}
	}))
	path, err := w.compare(write(t, w.plan.Child))
	if err != nil {
		t.Fatal(err)
	}
	made := map[int]bool{}
	for _, i := range path {
		made[i] = true
	}
	failed := map[int]bool{}
	for k, i := range path {
		failed[i] = w.child[len(w.child)-len(path)+k].errno != ""
	}
	mutants, invalid := 0, 0
	for at := range w.plan.Child.Len() {
		if !made[at] {
			continue // what was not made was not seen
		}
		op := w.plan.Child.Op(at)
		// Of an attempt that is written down again below, one is enough.
		again := at+1 < w.plan.Child.Len() && w.plan.Child.Op(at+1).String() == op.String()
		for _, m := range mutate(op, failed[at]) {
			if again && m.what == missing {
				continue
			}
			p, err := rebuild(w.plan.Child, func(i int, op prog.Op) []prog.Op {
				if i != at {
					return []prog.Op{op}
				}
				return m.edit(op)
			})
			if err != nil {
				invalid++ // no plan can be like this
				continue
			}
			mutants++
			if _, err := w.compare(write(t, p)); err == nil {
				t.Errorf("op %d, %s: %s, and nobody notices", at, w.plan.Child.Text(at), m.what)
			}
		}
	}
	t.Logf("%d changed plans, %d changes that no plan can have", mutants, invalid)
	if mutants < 500 {
		t.Errorf("only %d changes were tried", mutants)
	}
}

type mutant struct {
	what string
	edit func(op prog.Op) []prog.Op
}

const missing = "it is missing"

// mutate lists the changes of an operation, which failed or did not.
func mutate(op prog.Op, failed bool) []mutant {
	list := []mutant{
		{missing, func(prog.Op) []prog.Op { return nil }},
		{"it is another call", func(op prog.Op) []prog.Op { op.Call++; return []prog.Op{op} }},
	}
	if !failed || op.OnError.IsZero() { // otherwise a second one is not made
		list = append(list, mutant{"it is there twice", func(op prog.Op) []prog.Op {
			again := op
			again.Out = prog.Slot{}
			return []prog.Op{again, op}
		}})
	}
	if failed && op.Tolerate != 0 {
		list = append(list, mutant{"its error is not tolerated", func(op prog.Op) []prog.Op { op.Tolerate = unix.EXDEV; return []prog.Op{op} }})
	}
	for k, a := range op.Args {
		if mutateArg(a) == nil {
			continue
		}
		list = append(list, mutant{fmt.Sprintf("argument %d is another", k), func(op prog.Op) []prog.Op {
			op.Args[k] = mutateArg(op.Args[k]) // with the blocks of the new program
			return []prog.Op{op}
		}})
	}
	return list
}

// mutateArg is another argument of the same kind, and nil where there is none.
func mutateArg(a prog.Arg) prog.Arg {
	switch a := a.(type) {
	case prog.Int:
		return a ^ 1
	case prog.Named:
		return prog.Named{Value: a.Value, Text: a.Text + "X"}
	case prog.FD:
		return prog.FD{Num: a.Num + 1, Name: a.Name}
	case prog.Slot:
		return prog.FD{Num: 0}
	case prog.Str:
		return a + "x"
	case prog.Bytes:
		return a + "x"
	case prog.Ref:
		a.Offset ^= 4
		return a
	case *prog.Block:
		if a.Name != "" {
			return nil // the address of a buffer is nobody's business
		}
		b := *a
		b.Fields = append([]prog.Field(nil), a.Fields...)
		for i := range b.Fields {
			if b.Fields[i].Name == "" && !b.Array && len(b.Fields) > 1 {
				continue // padding
			}
			if changed := mutateArg(b.Fields[i].Value); changed != nil {
				b.Fields[i].Value = changed
				return &b
			}
		}
	}
	return nil
}
