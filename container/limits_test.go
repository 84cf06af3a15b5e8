package container_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// resources are the limits of getrlimit(2), all that there are.
var resources = []struct {
	name   string
	number int
}{
	{"RLIMIT_CPU", unix.RLIMIT_CPU}, {"RLIMIT_FSIZE", unix.RLIMIT_FSIZE}, {"RLIMIT_DATA", unix.RLIMIT_DATA},
	{"RLIMIT_STACK", unix.RLIMIT_STACK}, {"RLIMIT_CORE", unix.RLIMIT_CORE}, {"RLIMIT_RSS", unix.RLIMIT_RSS},
	{"RLIMIT_NPROC", unix.RLIMIT_NPROC}, {"RLIMIT_NOFILE", unix.RLIMIT_NOFILE}, {"RLIMIT_MEMLOCK", unix.RLIMIT_MEMLOCK},
	{"RLIMIT_AS", unix.RLIMIT_AS}, {"RLIMIT_LOCKS", unix.RLIMIT_LOCKS}, {"RLIMIT_SIGPENDING", unix.RLIMIT_SIGPENDING},
	{"RLIMIT_MSGQUEUE", unix.RLIMIT_MSGQUEUE}, {"RLIMIT_NICE", unix.RLIMIT_NICE}, {"RLIMIT_RTPRIO", unix.RLIMIT_RTPRIO},
	{"RLIMIT_RTTIME", unix.RLIMIT_RTTIME},
}

// TestEveryResourceLimit sets all sixteen, each to a number of its own, no higher than
// what this process has: that would need CAP_SYS_RESOURCE.
func TestEveryResourceLimit(t *testing.T) {
	nstest.Root(t)
	if len(resources) != 16 {
		t.Errorf("there are 16 limits, and %d here", len(resources))
	}
	spec := with(nstest.RootFS(t), func(s *container.Spec) {
		s.Process.Args, s.Process.Rlimits = []string{"/bin/sleep", "1000"}, nil
		for i, r := range resources {
			var own unix.Rlimit
			if err := unix.Prlimit(0, r.number, nil, &own); err != nil {
				t.Fatal(err)
			}
			hard := min(own.Max, 1<<40+uint64(i))
			s.Process.Rlimits = append(s.Process.Rlimits, container.Rlimit{Type: r.name, Soft: hard - hard/4, Hard: hard})
		}
	})
	p, _, err := begin(t, compile(t, spec))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range resources {
		var got unix.Rlimit
		if err := unix.Prlimit(p.Pid(), r.number, nil, &got); err != nil {
			t.Fatal(err)
		}
		if want := spec.Process.Rlimits[i]; got.Cur != want.Soft || got.Max != want.Hard {
			t.Errorf("%s is %d, %d, want %d, %d", r.name, got.Cur, got.Max, want.Soft, want.Hard)
		}
	}
}

// TestOOMScoreIsTheCallers where the configuration does not say another: the
// specification forbids to change it then.
func TestOOMScoreIsTheCallers(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	const file = "/proc/self/oom_score_adj"
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// A score can be raised by anybody, and lowered again to what it was by nobody
	// without CAP_SYS_RESOURCE: so another process is the caller.
	score := "345"
	cmd := driver(t, "run", with(root, sh("cat "+file)), "sh", "-c", `echo `+score+` >`+file+`; exec "$0"`)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != score {
		t.Errorf("the container's score is %s, its caller's %s (%v)", out, score, err)
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Errorf("this process had %s and has %s (%v)", before, after, err)
	}
}

// Threads of the caller may have a timer slack of their own; a container has what Host says.
func TestTimerSlack(t *testing.T) {
	nstest.Root(t)
	for _, row := range []struct{ host, want uint64 }{{0, ownSlack(t)}, {123456, 123456}} {
		host := probe(t)
		host.TimerSlack = row.host
		plan, err := container.Compile(with(rootFSFor(t), sh("cat /proc/self/timerslack_ns")), host)
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := runPlan(t, plan)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintln(row.want); out != want {
			t.Errorf("Host.TimerSlack %d: the program has %q, want %q", row.host, out, want)
		}
	}
}

func ownSlack(t *testing.T) uint64 {
	t.Helper()
	n, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(n)
}
