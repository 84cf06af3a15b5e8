package container_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestScheduling asks the kernel about the program of a container, from outside.
func TestScheduling(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	scheduler := func(s container.Scheduler) func(*container.Spec) {
		return func(spec *container.Spec) { spec.Process.Scheduler = &s }
	}
	io := func(class string, priority int) func(*container.Spec) {
		return func(s *container.Spec) {
			s.Process.IOPriority = &container.IOPriority{Class: class, Priority: priority}
		}
	}
	persona := func(domain string) func(*container.Spec) {
		return func(s *container.Spec) { s.Process.Personality = &container.Personality{Domain: domain} }
	}
	memory := func(mode, nodes string, flags ...string) func(*container.Spec) {
		return func(s *container.Spec) {
			s.Process.MemoryPolicy = &container.MemoryPolicy{Mode: mode, Nodes: nodes, Flags: flags}
		}
	}
	user := func(s *container.Spec) { s.Process.User = container.User{UID: 1000, GID: 1000} }
	both := func(changes ...func(*container.Spec)) func(*container.Spec) {
		return func(s *container.Spec) {
			for _, change := range changes {
				change(s)
			}
		}
	}
	inverse, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	own := strconv.Itoa(20 - inverse) // getpriority(2): as the system call has it
	rows := []struct {
		name   string
		change func(*container.Spec)
		ask    func(*testing.T, int) string
		want   string
	}{
		{"nothing is asked for", func(*container.Spec) {}, schedOf, "policy 0, flags 0, nice " + own + ", priority 0, 0/0/0"},
		{"the usual policy and a higher nice value", scheduler(container.Scheduler{Policy: "SCHED_OTHER", Nice: 19}), schedOf, "policy 0, flags 0, nice 19, priority 0, 0/0/0"},
		{"a lower one", scheduler(container.Scheduler{Policy: "SCHED_OTHER", Nice: -20}), schedOf, "policy 0, flags 0, nice -20, priority 0, 0/0/0"},
		{"batch", scheduler(container.Scheduler{Policy: "SCHED_BATCH", Nice: 5}), schedOf, "policy 3, flags 0, nice 5, priority 0, 0/0/0"},
		{"idle", scheduler(container.Scheduler{Policy: "SCHED_IDLE"}), schedOf, "policy 5, flags 0, nice " + own + ", priority 0, 0/0/0"},
		{"first in, first out", scheduler(container.Scheduler{Policy: "SCHED_FIFO", Priority: 99}), schedOf, "policy 1, flags 0, nice 0, priority 99, 0/0/0"},
		{"round robin, and not for children", scheduler(container.Scheduler{Policy: "SCHED_RR", Priority: 1, Flags: []string{"SCHED_FLAG_RESET_ON_FORK"}}), schedOf, "policy 2, flags 1, nice 0, priority 1, 0/0/0"},
		{"a user without capabilities keeps it", both(user, scheduler(container.Scheduler{Policy: "SCHED_FIFO", Priority: 7})), schedOf, "policy 1, flags 0, nice 0, priority 7, 0/0/0"},
		{"a deadline", scheduler(container.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 1e6, Deadline: 2e7, Period: 3e7, Flags: []string{"SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN"}}), schedOf, "policy 6, flags 6, nice 0, priority 0, 1000000/20000000/30000000"},
		{"a deadline without a period", scheduler(container.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 1e6, Deadline: 3e7}), schedOf, "policy 6, flags 0, nice 0, priority 0, 1000000/30000000/30000000"},
		{"the policy that it has, whatever is asked for", scheduler(container.Scheduler{Policy: "SCHED_IDLE", Flags: []string{"SCHED_FLAG_KEEP_POLICY", "SCHED_FLAG_KEEP_PARAMS"}}), schedOf, "policy 0, flags 0, nice " + own + ", priority 0, 0/0/0"},

		{"real-time I/O", io("IOPRIO_CLASS_RT", 3), ioPriorityOf, "class 1, level 3"},
		{"best-effort I/O", io("IOPRIO_CLASS_BE", 7), ioPriorityOf, "class 2, level 7"},
		{"idle I/O", io("IOPRIO_CLASS_IDLE", 4), ioPriorityOf, "class 3, level 4"},
		{"a user's real-time I/O", both(user, io("IOPRIO_CLASS_RT", 0)), ioPriorityOf, "class 1, level 0"},

		{"the usual domain", persona("LINUX"), personalityOf, "00000000"},
		{"the 32-bit domain", both(user, persona("LINUX32")), personalityOf, "00000008"},

		{"no memory policy", func(*container.Spec) {}, memoryPolicyOf, "default"},
		{"a default one", memory("MPOL_DEFAULT", ""), memoryPolicyOf, "default"},
		{"memory of one node", memory("MPOL_BIND", "0"), memoryPolicyOf, "bind:0"},
		{"memory of one node, by its number", memory("MPOL_BIND", "0", "MPOL_F_STATIC_NODES"), memoryPolicyOf, "bind=static:0"},
		{"memory of the first node allowed", memory("MPOL_BIND", "0", "MPOL_F_RELATIVE_NODES"), memoryPolicyOf, "bind=relative:0"},
		{"memory of nodes in turn", memory("MPOL_INTERLEAVE", "0-0"), memoryPolicyOf, "interleave:0"},
		{"memory of a node that is preferred", memory("MPOL_PREFERRED", "0"), memoryPolicyOf, "prefer:0"},
		{"memory of nodes that are preferred", memory("MPOL_PREFERRED_MANY", "0"), memoryPolicyOf, "prefer (many):0"},
		{"memory of the nearest node", memory("MPOL_LOCAL", ""), memoryPolicyOf, "local"},
		{"the same in other words", memory("MPOL_PREFERRED", ""), memoryPolicyOf, "local"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			plan := compile(t, with(root, row.change, func(s *container.Spec) { s.Process.Args = []string{"/bin/sleep", "1000"} }))
			p, _, err := begin(t, plan)
			if err != nil {
				t.Fatal(err)
			}
			if got := row.ask(t, p.Pid()); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

// TestWeightedMemory is for kernels that have it.
func TestWeightedMemory(t *testing.T) {
	nstest.Root(t)
	nstest.Kernel(t, 6, 9, "MPOL_WEIGHTED_INTERLEAVE")
	plan := compile(t, with(nstest.RootFS(t), func(s *container.Spec) {
		s.Process.MemoryPolicy = &container.MemoryPolicy{Mode: "MPOL_WEIGHTED_INTERLEAVE", Nodes: "0"}
		s.Process.Args = []string{"/bin/sleep", "1000"}
	}))
	p, _, err := begin(t, plan)
	if err != nil {
		t.Fatal(err)
	}
	if got := memoryPolicyOf(t, p.Pid()); got != "weighted interleave:0" {
		t.Errorf("got %s", got)
	}
}

func schedOf(t *testing.T, pid int) string {
	t.Helper()
	a, err := unix.SchedGetAttr(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	// A kernel since 6.12 says what slice of time a usual policy has: a base slice.
	if a.Policy != unix.SCHED_DEADLINE {
		a.Runtime, a.Deadline, a.Period = 0, 0, 0
	}
	return fmt.Sprintf("policy %d, flags %d, nice %d, priority %d, %d/%d/%d", a.Policy, a.Flags, a.Nice, a.Priority, a.Runtime, a.Deadline, a.Period)
}

func ioPriorityOf(t *testing.T, pid int) string {
	t.Helper()
	const ofProcess = 1
	n, _, errno := unix.Syscall(unix.SYS_IOPRIO_GET, ofProcess, uintptr(pid), 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	return fmt.Sprintf("class %d, level %d", n>>13, n&7)
}

func personalityOf(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/personality", pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// memoryPolicyOf is the policy of the program's first mapping, whose pages have none of
// their own. proc_pid_numa_maps(5)
func memoryPolicyOf(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/numa_maps", pid))
	if err != nil {
		t.Skipf("skipped: this kernel knows nothing of NUMA: %v", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	_, rest, _ := strings.Cut(line, " ")
	for _, behind := range []string{" file=", " anon=", " stack", " heap"} {
		rest, _, _ = strings.Cut(rest, behind)
	}
	return rest
}

// TestUname32: this is what LINUX32 is for.
func TestUname32(t *testing.T) {
	nstest.Root(t)
	var host unix.Utsname
	if err := unix.Uname(&host); err != nil {
		t.Fatal(err)
	}
	machine := unix.ByteSliceToString(host.Machine[:])
	want, known := map[string]string{"x86_64": "i686"}[machine]
	if !known {
		t.Skipf("skipped: processors of %s need not run 32-bit programs", machine)
	}
	out, _ := run(t, with(nstest.RootFS(t), sh("uname -m"), func(s *container.Spec) {
		s.Process.Personality = &container.Personality{Domain: "LINUX32"}
	}))
	if lines(out) != want {
		t.Errorf("uname -m says %s, want %s", out, want)
	}
}

// TestSchedulingRefused is what the kernel refuses, and what is said about it.
func TestSchedulingRefused(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	rows := []struct {
		name   string
		change func(*container.Spec)
		want   string
	}{
		{"less time than the kernel hands out", func(s *container.Spec) {
			s.Process.Scheduler = &container.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 1023, Deadline: 1 << 20, Period: 1 << 20}
		}, "op N sched_setattr (process.scheduler): invalid argument: SCHED_DEADLINE takes a runtime of 1024 ns and more, "},
		{"a node that is not there", func(s *container.Spec) {
			s.Process.MemoryPolicy = &container.MemoryPolicy{Mode: "MPOL_BIND", Nodes: "0,32767"}
		}, "op N set_mempolicy (linux.memoryPolicy): invalid argument: "},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := refusalOf(t, compile(t, with(root, row.change))); !strings.HasPrefix(got, row.want) {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}
