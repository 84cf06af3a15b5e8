package container_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// tracedRun runs a container with a trace.
func tracedRun(t *testing.T, spec container.Spec) (*container.Plan, *container.Trace, string, error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	plan := compile(t, spec)
	p, trace, err := plan.StartTraced(container.Stdio{Out: w, Err: w})
	w.Close()
	if err != nil {
		return plan, trace, "", err
	}
	defer p.Close()
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	return plan, trace, string(out), nil
}

// TestTraceHasEverything holds a trace against the plan: every step of the host's side,
// clone3, and a walk through the program from its beginning to its exec.
func TestTraceHasEverything(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	before := time.Now()
	plan, trace, out, err := tracedRun(t, with(root, sh("echo works"), func(s *container.Spec) { s.Process.Args[0] = "sh" }))
	took := time.Since(before)
	if err != nil || out != "works\n" {
		t.Fatalf("%q, %v", out, err)
	}
	inOrder(t, plan, trace, took)
	for _, s := range plan.Before {
		if !slices.ContainsFunc(trace.Events, func(e container.Event) bool {
			return e.Side == container.HostSide && e.Call() == s.String() && e.Origin == s.Origin
		}) {
			t.Errorf("the trace does not have %v", s)
		}
	}
	made := operationsOf(trace)
	if made[0].Op != 2 || made[len(made)-1].Call() != plan.Child.Op(plan.Child.Len()-1).String() {
		t.Errorf("the container's side goes from %+v to %+v", made[0], made[len(made)-1])
	}
	for k, e := range made[:len(made)-1] {
		op, next := plan.Child.Op(e.Op), made[k+1].Op
		switch {
		case next == e.Op+1 && op.OnError.IsZero() && op.OnResult.IsZero():
			want := ""
			if op.Tolerate != 0 {
				want = "0 or " + prog.ErrnoName(op.Tolerate)
			}
			if e.Result != want {
				t.Errorf("op %d %s: %q, want %q", e.Op, e.Call(), e.Result, want)
			}
		case next != e.Op+1 && next != plan.Child.Target(op.OnError) && next != plan.Child.Target(op.OnResult):
			t.Errorf("op %d %s is followed by %d, where it cannot go on", e.Op, e.Call(), next)
		case next != e.Op+1 && op.Call != prog.Gettid && !strings.HasSuffix(e.Result, fmt.Sprintf("goes on at %d", next)):
			t.Errorf("op %d %s is followed by %d, and its result is %q", e.Op, e.Call(), next, e.Result)
		}
		if e.Failed {
			t.Errorf("op %d %s has failed", e.Op, e.Call())
		}
	}
	if shell := made[len(made)-3]; !strings.Contains(shell.Call(), `"/usr/bin/sh"`) || !strings.HasPrefix(shell.Result, "an error: goes on at ") {
		t.Errorf("the first directory of PATH: %+v", shell)
	}
}

// operationsOf is the container's side of a trace.
func operationsOf(trace *container.Trace) (made []container.Event) {
	for _, e := range trace.Events {
		if e.Side == container.ContainerSide {
			made = append(made, e)
		}
	}
	return made
}

// inOrder holds the times of a trace against one clock, and looks for what there must be.
func inOrder(t *testing.T, plan *container.Plan, trace *container.Trace, took time.Duration) {
	t.Helper()
	var last, birth time.Duration
	slow, largest, smallest := 0, time.Duration(0), time.Hour
	for _, e := range trace.Events {
		if e.At < last || e.Took < 0 || e.At+e.Took > took {
			t.Errorf("%s: at %v for %v, behind %v, in %v", e.Call(), e.At, e.Took, last, took)
		}
		last = e.At
		if e.Call() == plan.Clone.String() {
			birth = e.At
		}
		if e.Side == container.ContainerSide && (birth == 0 || e.At < birth) {
			t.Errorf("%s was made before the container was born", e.Call())
		}
		if e.Slow {
			slow++
			smallest = min(smallest, e.Took)
		} else {
			largest = max(largest, e.Took)
		}
	}
	if slow != 5 || largest > smallest {
		t.Errorf("%d are marked as slow, the fastest %v; one that is not took %v", slow, smallest, largest)
	}
}

// TestTraceOfAFailure has containers fail in all phases of a start: the last thing in
// their traces is what has failed.
func TestTraceOfAFailure(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	for _, row := range []struct {
		name   string
		change func(*container.Spec)
		side   container.Side
		call   string
		result string
	}{
		{"the host's side", func(s *container.Spec) { s.Root.Path += "/none" }, container.HostSide, "open_tree(", "root.path: "},
		{"the container's", func(s *container.Spec) { s.Mounts = append(s.Mounts, mounts.Mount{Destination: "/mnt", Type: "nofs"}) }, container.ContainerSide, `fsopen("nofs"`, "ENODEV"},
		{"the program", func(s *container.Spec) { s.Process.Args = []string{"/none"} }, container.ContainerSide, `execve("/none"`, "ENOENT"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, trace, _, err := tracedRun(t, with(root, row.change))
			if err == nil {
				t.Fatal("the container runs")
			}
			var failed []container.Event
			for _, e := range trace.Events {
				if e.Failed {
					failed = append(failed, e)
				}
			}
			if len(failed) != 1 || failed[0].Side != row.side || !strings.HasPrefix(failed[0].Call(), row.call) || !strings.HasPrefix(failed[0].Result, row.result) {
				t.Errorf("%+v (%v)", failed, err)
			}
			if made := operationsOf(trace); row.side == container.ContainerSide && !made[len(made)-1].Failed {
				t.Errorf("the last operation is %+v", made[len(made)-1])
			}
		})
	}
}

func TestTraceAsText(t *testing.T) {
	b := &prog.Builder{}
	b.Add(prog.Op{Call: prog.Umask, Args: prog.Args{prog.Int(0)}})
	b.Add(prog.Op{Call: prog.ExitGroup, Args: prog.Args{prog.Int(0)}})
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	host := func(e container.Event, text string) container.Event {
		e.Side, e.Op = container.HostSide, -1
		return container.Made(e, text, nil)
	}
	child := func(e container.Event) container.Event {
		e.Side = container.ContainerSide
		return container.Made(e, "", p)
	}
	trace := &container.Trace{Began: 5, Events: []container.Event{
		host(container.Event{Why: "the root", Origin: "root.path", At: 1200, Took: 20 * time.Microsecond, Slow: true}, "open_tree()"),
		child(container.Event{Op: 0, At: 2 * time.Millisecond, Took: 1300, Result: "0 or EPERM"}),
		child(container.Event{Op: 1, Origin: "process.cwd", At: 2100 * time.Microsecond, Took: 400, Result: "ENOENT", Failed: true}),
	}}
	want := `
        ms    host µs  container µs
*    0.001       20.0                    open_tree()  # the root
     2.000                      1.3    0 umask(000) = 0 or EPERM
!    2.100                      0.4    1 exit_group(0) = ENOENT
`
	if got := fmt.Sprintf("\n%v", trace); got != want {
		t.Errorf("got%s\nwant%s", got, want)
	}
	if got := fmt.Sprintf("%+v", trace); !strings.Contains(got, "# the root (root.path)\n") || !strings.Contains(got, "ENOENT (process.cwd)\n") {
		t.Errorf("with %%+v:\n%s", got)
	}
	text, err := trace.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Began  int64
		Events []struct {
			Side, Call, Result, Why, Origin string
			Op                              *int
			At, Took                        int64
			Failed, Slow                    bool
		}
	}
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if len(back.Events) != 3 || back.Began != 5 || back.Events[0].Op != nil || *back.Events[1].Op != 0 || back.Events[1].At != 2e6 ||
		!back.Events[0].Slow || !back.Events[2].Failed || back.Events[2].Result != "ENOENT" || back.Events[0].Why != "the root" {
		t.Errorf("%s", text)
	}
}
