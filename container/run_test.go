package container_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/nsexec"
)

// compile is the plan for this machine.
func compile(t testing.TB, spec container.Spec) *container.Plan {
	t.Helper()
	host, err := container.Probe()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := container.Compile(spec, host)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// begin starts a container whose standard output and error go to a pipe, and ends it
// after the test.
func begin(t testing.TB, plan *container.Plan) (*nsexec.Process, *os.File, error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	t.Cleanup(func() { r.Close() })
	p, err := plan.Start(container.Stdio{Out: w, Err: w})
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() {
		if err := p.Signal(unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			t.Error(err)
		}
		if _, err := p.Wait(); err != nil {
			t.Error(err)
		}
		p.Close()
	})
	return p, r, nil
}

// run runs a container to its end and returns what it has written and how it ended.
func run(t testing.TB, spec container.Spec) (string, unix.WaitStatus) {
	t.Helper()
	out, status, err := runPlan(t, compile(t, spec))
	if err != nil {
		t.Fatal(err)
	}
	return out, status
}

func runPlan(t testing.TB, plan *container.Plan) (string, unix.WaitStatus, error) {
	t.Helper()
	p, r, err := begin(t, plan)
	if err != nil {
		return "", 0, err
	}
	var out bytes.Buffer
	if _, err := io.Copy(&out, r); err != nil {
		t.Fatal(err)
	}
	status, err := p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), status, nil
}

func refusalOf(t testing.TB, plan *container.Plan) string {
	t.Helper()
	out, status, err := runPlan(t, plan)
	if err == nil {
		t.Fatalf("the container runs, ends with %#x and says\n%s", int(status), out)
	}
	return opNumber.ReplaceAllString(err.Error(), "op N ")
}

var opNumber = regexp.MustCompile(`\bop [0-9]+ `)

// killed runs a plan that does not come to its program, and returns at which operation
// it was killed.
func killedAt(t testing.TB, plan *container.Plan) *nsexec.OpError {
	t.Helper()
	_, status, err := runPlan(t, plan)
	var op *nsexec.OpError
	if !errors.As(err, &op) {
		t.Fatalf("Start says %v (the process ended with %#x), want the operation at which it was killed", err, int(status))
	}
	return op
}

// exited is the status of a process that has exited.
func exited(status int) unix.WaitStatus { return unix.WaitStatus(status << 8) }

// lines is a text with white space at the ends of its lines and around it taken off.
func lines(s string) string {
	var out []string
	for line := range strings.Lines(strings.TrimSpace(s)) {
		out = append(out, strings.TrimSpace(line))
	}
	return strings.Join(out, "\n")
}
