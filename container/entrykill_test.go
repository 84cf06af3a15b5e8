package container_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// stopAt changes a plan: in front of the operation with this number the process writes a
// byte to its standard output and waits for one on its standard input.
func stopAt(number string) func(*container.Plan) error {
	at, err := strconv.Atoi(number)
	if err != nil {
		return func(*container.Plan) error { return nil }
	}
	return func(plan *container.Plan) (err error) {
		plan.Child, err = rebuild(plan.Child, func(i int, op prog.Op) []prog.Op {
			if i != at {
				return []prog.Op{op}
			}
			return []prog.Op{
				{Call: prog.Write, Args: prog.Args{prog.FD{Num: 1}, prog.Bytes("."), prog.Int(1)}},
				{Call: prog.Read, Args: prog.Args{prog.FD{Num: 0}, prog.Buffer("stop", 8), prog.Int(1)}},
				op,
			}
		})
		return err
	}
}

// TestCallerOfExecKilledAtEveryStep kills who executes a program in a container while the process
// that enters it stands in front of an operation, of each in turn. Up to the look whether the
// caller is there, which its second process takes, the program never runs. From there on it may,
// as one that was left alone by its caller; it ends with the container.
func TestCallerOfExecKilledAtEveryStep(t *testing.T) {
	nstest.AnyProcessor(t)
	eachUnlessShort(t, func(t *testing.T) {
		nstest.UserNS(t)
		root := filepath.Join(t.TempDir(), "state")
		spec := with(rootFSFor(t), inUser(t), sh(aliveFor))
		if os.Geteuid() == 0 {
			grouped(t)(&spec)
		}
		c, err := container.Create(root, "c", spec, container.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := c.Destroy(true); err != nil {
				t.Error(err)
			}
		}()
		if err := c.Exec(); err != nil {
			t.Fatal(err)
		}
		state, err := c.State()
		if err != nil {
			t.Fatal(err)
		}
		first := state.Pid
		entry := with("", sh("echo ran; exec "+aliveFor))
		entry.Process.User.AdditionalGIDs = nil
		whole := planExec(t, c, entry.Process)
		list := ops(whole.Child)
		fork := slices.IndexFunc(list, func(op prog.Op) bool { return op.Call == prog.Clone3 })
		look := slices.IndexFunc(list, func(op prog.Op) bool { return op.Call == prog.Recvfrom })
		exit := fork - 1 // the first process's, which has stood still until the program ran
		ran, never := 0, 0
		for at := 2; at < len(list); at++ {
			if testing.Short() && at != 2 && at != exit && at != fork && at != look && at != len(list)-1 {
				continue
			}
			where := fmt.Sprintf("killed at operation %d, %s", at, whole.Child.Text(at))
			in, goOn := pipes(t)
			held, out := pipes(t)
			cmd := driver(t, "exec", entry)
			cmd.Path = "/proc/self/exe" // go test's directories are closed to other users
			cmd.Env = append(cmd.Env, "LIFE="+root+"/c", fmt.Sprintf("STOP_AT=%d", at))
			cmd.Stdin, cmd.Stdout = in, out
			if err := errors.Join(cmd.Start(), in.Close(), out.Close(), held.SetReadDeadline(time.Now().Add(time.Minute))); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 8)
			n, err := held.Read(b) // "." there, or "ran" where the operation is not on the way
			if n == 0 {
				t.Fatalf("%s: %v", where, err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
			_ = cmd.Wait()
			direct := b[0] == 'r'
			said := strings.ReplaceAll(string(b[:n]), ".", "") // behind "ran", where the first stands at its end
			goOn.Close()
			if said == "" {
				n, err = held.Read(b)
				said = strings.ReplaceAll(string(b[:n]), ".", "")
			}
			ended := said == "" && errors.Is(err, io.EOF)
			switch {
			case ended:
				never++
			case said == "ran\n" && (at > look || at == exit || direct):
				ran++
				pids, err := c.Processes()
				for _, pid := range pids {
					if pid != first {
						err = errors.Join(err, unix.Kill(pid, unix.SIGKILL))
					}
				}
				if _, more := io.Copy(io.Discard, held); err != nil || more != nil {
					t.Error(err, more)
				}
			default:
				t.Errorf("%s: it said %q (%v)", where, said, err)
			}
			// Descriptors are closed before a process that ends has left its groups, and whose
			// child it is by now waits for it.
			pids, err := c.Processes()
			for late := time.Now().Add(20 * time.Second); len(pids) > 1 && time.Now().Before(late); time.Sleep(time.Millisecond) {
				pids, err = c.Processes()
			}
			if len(pids) != 1 || err != nil {
				t.Errorf("%s: processes %v are in the container (%v)", where, pids, err)
			}
			held.Close()
			statusIs(t, c, container.Running)
		}
		if never == 0 || ran == 0 {
			t.Errorf("the program ran %d times, and %d times it did not", ran, never)
		}
	})
}

// eachUnlessShort is asEach, and root alone in the short form: what is tested is the same
// on every kernel, and starts many processes.
func eachUnlessShort(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if testing.Short() {
		nstest.Root(t)
		test(t)
		return
	}
	asEach(t, test)
}
