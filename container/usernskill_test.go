package container_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// TestUserNamespaceKilledAtEveryOperation ends the program in front of every operation,
// in both processes, by the strict mode of seccomp: Start says so, and no process is
// left, running or to be waited for.
func TestUserNamespaceKilledAtEveryOperation(t *testing.T) {
	nstest.AnyProcessor(t)
	strict := prog.Op{Call: prog.Seccomp, Args: prog.Args{prog.Int(unix.SECCOMP_SET_MODE_STRICT), prog.Int(0), prog.Int(0)}}
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		whole := compile(t, with(rootFSFor(t), inUser(t)))
		fork := slices.IndexFunc(ops(whole.Child), func(op prog.Op) bool { return op.Call == prog.Clone3 })
		tried, died, every, early := 0, 0, 1, 1
		if testing.Short() {
			every, early = 32, 4
		}
		for at := 2; at < whole.Child.Len(); at++ {
			if at > fork+4 && at%every != 0 || at < fork-4 && at%early != 0 {
				continue
			}
			plan := *whole
			var err error
			plan.Child, err = rebuild(whole.Child, func(i int, op prog.Op) []prog.Op {
				if i == at {
					return []prog.Op{strict, op}
				}
				return []prog.Op{op}
			})
			if err != nil {
				t.Fatal(err)
			}
			tried++
			_, status, err := runPlan(t, &plan)
			var op *nsexec.OpError
			switch {
			case errors.As(err, &op) && op.Status == unix.WaitStatus(unix.SIGKILL):
				died++
			case err != nil && strings.HasSuffix(err.Error(), "the first process ended with status 0x9 at its fork"):
				died++ // its last operation, when it had told who goes on
			case err != nil:
				t.Errorf("killed at operation %d, %s: %v", at, whole.Child.Text(at), err)
			case status != exited(0):
				t.Errorf("killed at operation %d, %s: Start reports success, and Wait %#x", at, whole.Child.Text(at), int(status))
			}
			// Otherwise the operation stands on a way that was not taken.
			if pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil); !errors.Is(err, unix.ECHILD) {
				t.Fatalf("killed at operation %d, %s: process %d is left (%v)", at, whole.Child.Text(at), pid, err)
			}
		}
		t.Logf("killed at %d of %d operations, the fork is %d", died, tried, fork)
		if died < tried/2 {
			t.Error("too few of them were made")
		}
	})
}

// ops are the operations of a program.
func ops(p *prog.Program) []prog.Op {
	list := make([]prog.Op, p.Len())
	for i := range list {
		list[i] = p.Op(i)
	}
	return list
}
