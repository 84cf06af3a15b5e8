package container_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// lifeDriver makes a container, starts it and destroys it, and kills itself at a step. It
// writes the steps to its standard error. $LIFE is the root of state and the step, and -1
// is none.
func lifeDriver([]string) int {
	runtime.LockOSThread() // one thread makes all the calls of the plan's
	root, number, _ := strings.Cut(os.Getenv("LIFE"), " ")
	last, err := strconv.Atoi(number)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 200
	}
	var spec container.Spec
	file := os.NewFile(3, "spec")
	if err := json.NewDecoder(file).Decode(&spec); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 200
	}
	file.Close()
	steps := 0
	reached := func(step string) {
		fmt.Fprintln(os.Stderr, step)
		if steps == last {
			_ = unix.Kill(os.Getpid(), unix.SIGKILL)
			select {}
		}
		steps++
	}
	spec.Process.Stdout = os.Stdout
	o := container.CreateOptions{}.Reached(reached)
	var c *container.Container
	if os.Getenv("LIFE_HOLDS") != "" {
		var h *container.Held
		if h, err = container.Hold(root, "c", spec, o); err == nil {
			c = h.Container
			if err = h.Release(); err == nil {
				_, err = h.Wait()
			}
		}
	} else if c, err = container.Create(root, "c", spec, o); err == nil {
		err = c.Exec()
	}
	if err == nil && os.Getenv("LIFE_WAITS") != "" {
		_, err = c.Wait()
	}
	if err == nil {
		err = c.Destroy(true)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 200
	}
	return 0
}

// aliveFor is how long a container's program would go on if nobody ended it: longer than
// every test.
const aliveFor = "sleep 1000"

// lifeAndDeath runs the driver and says at which steps it has been.
func lifeAndDeath(t *testing.T, spec container.Spec, root string, last int, interrupt func(*exec.Cmd)) (steps []string) {
	t.Helper()
	held, program := pipes(t)
	cmd := driver(t, "life", spec)
	cmd.Path = "/proc/self/exe" // go test's directories are closed to other users
	cmd.Env = append(cmd.Env, fmt.Sprintf("LIFE=%s %d", root, last))
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = program, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if interrupt != nil {
		interrupt(cmd)
	}
	err := cmd.Wait()
	program.Close()
	if err != nil && !strings.Contains(err.Error(), "killed") {
		t.Fatalf("%v\n%s", err, said.String())
	}
	steps = strings.Split(strings.TrimSpace(said.String()), "\n")
	where := fmt.Sprintf("killed at step %d, %s", last, steps[len(steps)-1])

	list, err := container.List(root)
	if err != nil {
		t.Errorf("%s: list: %v", where, err)
	}
	for _, c := range list {
		if _, err := c.State(); err != nil {
			t.Errorf("%s: state: %v", where, err)
		}
		began := time.Now()
		if err := c.Destroy(true); err != nil || time.Since(began) > nstest.Slower(5*time.Second) {
			t.Errorf("%s: destroyed after %v: %v", where, time.Since(began), err)
		}
	}
	if err := held.SetReadDeadline(time.Now().Add(nstest.Slower(5 * time.Second))); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, held); err != nil {
		t.Errorf("%s: a process is left: %v", where, err)
	}
	if g := spec.Cgroup; g != nil {
		if _, err := os.Stat(filepath.Join(hierarchy(t), filepath.Dir(filepath.Dir(g.Path)))); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the cgroup is left (%v)", where, err)
		}
	}
	left, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, os.ErrNotExist) || len(left) > 0 {
		t.Errorf("%s: left in the root of state: %v (%v)", where, left, err)
	}
	return steps
}

// TestKilledAtEveryStep kills who makes a container at every step of create, start and
// delete. Whatever is left then, a forced destruction removes.
func TestKilledAtEveryStep(t *testing.T) {
	nstest.AnyProcessor(t)
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		root := filepath.Join(t.TempDir(), "state")
		spec := with(rootFSFor(t), inUser(t), sh(aliveFor))
		if os.Geteuid() == 0 {
			grouped(t)(&spec)
		}
		all := lifeAndDeath(t, spec, root, -1, nil)
		for _, step := range []string{"directory", "intent", "report", "before listen-gate", "clone", "during keep-state", "state", "process", "gate", "opened", "executed", "kill", "remove"} {
			if !slices.Contains(all, step) {
				t.Errorf("there is no step %q in %q", step, all)
			}
		}
		every := 1
		if testing.Short() {
			every = 4
		}
		for last := 0; last < len(all); last += every {
			if got := lifeAndDeath(t, spec, root, last, nil); len(got) != last+1 {
				t.Errorf("killed at step %d, it was at %d: %q", last, len(got), got)
			}
		}
	})
}

// TestKilledAtAnyTime kills it at any moment, also between the steps.
func TestKilledAtAnyTime(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root := filepath.Join(t.TempDir(), "state")
	spec := with(rootFSFor(t), inUser(t), grouped(t), sh(aliveFor))
	began := time.Now()
	lifeAndDeath(t, spec, root, -1, nil)
	whole := time.Since(began)
	times := 24
	if os.Getenv("NSTEST_SOAK") != "" {
		times = 5000
	}
	for i := range times {
		lifeAndDeath(t, spec, root, -1, func(cmd *exec.Cmd) {
			time.Sleep(whole * time.Duration(i) / time.Duration(times)) // the moment is the point, not a wait
			_ = cmd.Process.Kill()
		})
	}
}

// TestContainerKilledAtEveryOperation ends the container in front of every operation.
// Who creates it is told, or who starts it, and nothing is left.
func TestContainerKilledAtEveryOperation(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	for _, row := range []struct {
		about  string
		change func(*container.Spec)
	}{
		{"", func(*container.Spec) {}},
		{"with an init, in a user namespace", func(s *container.Spec) { inUser(t)(s); s.Init = true }},
	} {
		t.Run(row.about, func(t *testing.T) {
			spec := with(rootFSFor(t), row.change)
			root := filepath.Join(t.TempDir(), "state")
			whole, err := container.CompileGated(spec, probe(t))
			if err != nil {
				t.Fatal(err)
			}
			gate := slices.IndexFunc(ops(whole.Child), func(op prog.Op) bool { return op.Call == prog.Accept4 })
			strict := prog.Op{Call: prog.Seccomp, Args: prog.Args{prog.Int(unix.SECCOMP_SET_MODE_STRICT), prog.Int(0), prog.Int(0)}}
			every, created, started := 1, 0, 0
			if testing.Short() {
				every = 8
			}
			for at := 2; at < whole.Child.Len(); at++ {
				if at < gate-6 && at%every != 0 {
					continue
				}
				where := fmt.Sprintf("killed at operation %d, %s", at, whole.Child.Text(at))
				c, err := container.Create(root, "c", spec, container.CreateOptions{}.Edit(func(p *container.Plan) (err error) {
					p.Child, err = rebuild(p.Child, func(i int, op prog.Op) []prog.Op {
						if i == at {
							return []prog.Op{strict, op}
						}
						return []prog.Op{op}
					})
					return err
				}))
				if err == nil {
					created++
					if err = c.Exec(); err == nil {
						started++
					} else if at < gate-2 { // from there on the caller has done its part
						t.Errorf("%s: it was created, and start said %v", where, err)
					}
					if err := c.Destroy(true); err != nil {
						t.Errorf("%s: destroy: %v", where, err)
					}
				} else if at > gate {
					t.Errorf("%s: create said %v", where, err)
				}
				var op *nsexec.OpError
				if err != nil && !errors.As(err, &op) && !errors.Is(err, container.ContainerNotRunning) && !strings.Contains(err.Error(), "ended with status 0x9 at its fork") {
					t.Errorf("%s: %v", where, err)
				}
				if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
					t.Fatalf("%s: left: %v (%v)", where, left, err)
				}
				if pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WALL, nil); !errors.Is(err, unix.ECHILD) {
					t.Fatalf("%s: process %d is left (%v)", where, pid, err)
				}
			}
			if created <= started || started == 0 {
				t.Errorf("%d were created and %d of them started", created, started)
			}
		})
	}
}
