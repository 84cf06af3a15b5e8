package container_test

import (
	"strings"
	"testing"

	"github.com/selfcontain/runtime/container"
)

// TestCompileRefusesPlaces is what Compile says of a place in the machine that no program
// can have.
func TestCompileRefusesPlaces(t *testing.T) {
	sched := func(s container.Scheduler) func(*container.Spec) {
		return func(spec *container.Spec) { spec.Process.Scheduler = &s }
	}
	io := func(class string, priority int) func(*container.Spec) {
		return func(s *container.Spec) {
			s.Process.IOPriority = &container.IOPriority{Class: class, Priority: priority}
		}
	}
	memory := func(mode, nodes string, flags ...string) func(*container.Spec) {
		return func(s *container.Spec) {
			s.Process.MemoryPolicy = &container.MemoryPolicy{Mode: mode, Nodes: nodes, Flags: flags}
		}
	}
	affinity := func(initial, final string) func(*container.Spec) {
		return func(s *container.Spec) {
			s.Process.CPUAffinity = container.CPUAffinity{Initial: initial, Final: final}
		}
	}
	keyring := func(name string) func(*container.Spec) { return func(s *container.Spec) { s.Keyring = name } }
	rows := []struct {
		change func(*container.Spec)
		want   string
	}{
		{sched(container.Scheduler{}), `process.scheduler.policy: "" is no policy of the scheduler`},
		{sched(container.Scheduler{Policy: "SCHED_EXT"}), `process.scheduler.policy: "SCHED_EXT" is no policy of the scheduler`},
		{sched(container.Scheduler{Policy: "SCHED_ISO"}), `process.scheduler.policy: no kernel has SCHED_ISO`},
		{sched(container.Scheduler{Policy: "SCHED_OTHER", Nice: 20}), `process.scheduler.nice: 20: want -20 to 19`},
		{sched(container.Scheduler{Policy: "SCHED_BATCH", Nice: -21}), `process.scheduler.nice: -21: want -20 to 19`},
		{sched(container.Scheduler{Policy: "SCHED_IDLE", Nice: 1}), `process.scheduler.nice: 1: SCHED_IDLE has no nice value`},
		{sched(container.Scheduler{Policy: "SCHED_OTHER", Priority: 1}), `process.scheduler.priority: 1: SCHED_OTHER has no priority`},
		{sched(container.Scheduler{Policy: "SCHED_FIFO"}), `process.scheduler.priority: 0: for SCHED_FIFO, want 1 to 99`},
		{sched(container.Scheduler{Policy: "SCHED_RR", Priority: 100}), `process.scheduler.priority: 100: for SCHED_RR, want 1 to 99`},
		{sched(container.Scheduler{Policy: "SCHED_RR", Priority: -1}), `process.scheduler.priority: -1: for SCHED_RR, want 1 to 99`},
		{sched(container.Scheduler{Policy: "SCHED_OTHER", Period: 1}), `process.scheduler: runtime, deadline and period are for SCHED_DEADLINE, not for SCHED_OTHER`},
		{sched(container.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 3, Deadline: 2, Period: 4}), `process.scheduler: runtime 3, deadline 2, period 4: want them in this order, none below the one before; a period of 0 is the deadline`},
		{sched(container.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 1, Deadline: 4, Period: 3}), `process.scheduler: runtime 1, deadline 4, period 3: want them in this order, none below the one before; a period of 0 is the deadline`},
		{sched(container.Scheduler{Policy: "SCHED_DEADLINE", Deadline: 1}), `process.scheduler: runtime 0, deadline 1, period 0: want them in this order, none below the one before; a period of 0 is the deadline`},
		{sched(container.Scheduler{Policy: "SCHED_BATCH", Flags: []string{"SCHED_FLAG_RECLAIM", "RECLAIM"}}), `process.scheduler.flags: "RECLAIM" is no flag of the scheduler`},

		{io("", 1), `process.ioPriority.class: "": want IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE`},
		{io("IOPRIO_CLASS_NONE", 0), `process.ioPriority.class: "IOPRIO_CLASS_NONE": want IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE`},
		{io("IOPRIO_CLASS_RT", 8), `process.ioPriority.priority: 8: want 0 to 7`},
		{io("IOPRIO_CLASS_IDLE", -1), `process.ioPriority.priority: -1: want 0 to 7`},

		{func(s *container.Spec) { s.Process.Personality = &container.Personality{Domain: "linux"} }, `linux.personality.domain: "linux": want LINUX or LINUX32`},

		{memory("BIND", "0"), `linux.memoryPolicy.mode: "BIND" is no memory policy`},
		{memory("MPOL_DEFAULT", "0"), `linux.memoryPolicy.nodes: "0": MPOL_DEFAULT has no nodes`},
		{memory("MPOL_LOCAL", "0"), `linux.memoryPolicy.nodes: "0": MPOL_LOCAL has no nodes`},
		{memory("MPOL_BIND", ""), `linux.memoryPolicy.nodes: MPOL_BIND needs a node at least`},
		{memory("MPOL_WEIGHTED_INTERLEAVE", ""), `linux.memoryPolicy.nodes: MPOL_WEIGHTED_INTERLEAVE needs a node at least`},
		{memory("MPOL_BIND", "1,"), `linux.memoryPolicy.nodes: "1,": want numbers and ranges, such as 0-3,7`},
		{memory("MPOL_BIND", "0 1"), `linux.memoryPolicy.nodes: "0 1": want numbers and ranges, such as 0-3,7`},
		{memory("MPOL_BIND", "0-"), `linux.memoryPolicy.nodes: "0-": want numbers and ranges, such as 0-3,7`},
		{memory("MPOL_BIND", "-1"), `linux.memoryPolicy.nodes: "-1": want numbers and ranges, such as 0-3,7`},
		{memory("MPOL_BIND", "0x1"), `linux.memoryPolicy.nodes: "0x1": want numbers and ranges, such as 0-3,7`},
		{memory("MPOL_BIND", "3-1"), `linux.memoryPolicy.nodes: "3-1": the range 3-1 goes down`},
		{memory("MPOL_BIND", "32768"), `linux.memoryPolicy.nodes: "32768": 32768 is above 32767`},
		{memory("MPOL_BIND", "0-99999999999999999999"), `linux.memoryPolicy.nodes: "0-99999999999999999999": 99999999999999999999 is above 32767`},
		{memory("MPOL_BIND", "0", "MPOL_F_STATIC"), `linux.memoryPolicy.flags: "MPOL_F_STATIC" is no flag of a memory policy`},
		{memory("MPOL_BIND", "0", "MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"), `linux.memoryPolicy.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other`},

		{affinity("0-3,7", "a"), `process.execCPUAffinity.final: "a": want numbers and ranges, such as 0-3,7`},
		{affinity("7-6", ""), `process.execCPUAffinity.initial: "7-6": the range 7-6 goes down`},

		{func(s *container.Spec) { s.Process.PreserveFDs = -1 }, `process.preserveFDs: -1: want 0 to 65536`},
		{func(s *container.Spec) { s.Process.PreserveFDs = 65537 }, `process.preserveFDs: 65537: want 0 to 65536`},
		{keyring("_ses.\x00"), `keyring: "_ses.\x00" holds a NUL`},
		{keyring(".ses"), `keyring: ".ses": names with a dot in front are the kernel's own`},
		{keyring(strings.Repeat("k", 4096)), `keyring: the name has 4096 bytes, the kernel takes at most 4095`},
	}
	host := hostOf(t, "6.1-root")
	for _, row := range rows {
		plan, err := container.Compile(with("/srv/root", row.change), host)
		if err == nil {
			t.Errorf("it is taken, with warnings %q; want %s", plan.Warnings, row.want)
		} else if err.Error() != row.want {
			t.Errorf("got  %v\nwant %s", err, row.want)
		}
	}
}

// TestCompileRefusesPlacesThatAnInitKeeps: the program is made by the init, and has what a
// new process inherits.
func TestCompileRefusesPlacesThatAnInitKeeps(t *testing.T) {
	const want = "process.scheduler: SCHED_DEADLINE and SCHED_FLAG_RESET_ON_FORK do not go on to the program, which an init has to make"
	for _, row := range []struct {
		scheduler container.Scheduler
		refused   bool
	}{
		{container.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 1e6, Deadline: 1e7}, true},
		{container.Scheduler{Policy: "SCHED_FIFO", Priority: 1, Flags: []string{"SCHED_FLAG_RESET_ON_FORK"}}, true},
		{container.Scheduler{Policy: "SCHED_FIFO", Priority: 1}, false},
	} {
		_, err := container.Compile(with("/srv/root", func(s *container.Spec) { s.Init, s.Process.Scheduler = true, &row.scheduler }), hostOf(t, "6.1-root"))
		if got := err != nil && strings.Contains(err.Error(), want); got != row.refused {
			t.Errorf("%+v: %v", row.scheduler, err)
		}
	}
}

// TestLists is how a list of nodes reaches the kernel.
func TestLists(t *testing.T) {
	for _, row := range []struct{ nodes, want string }{
		{"0", "set_mempolicy(MPOL_BIND, [0x1], 65)"},
		{"0-3,7", "set_mempolicy(MPOL_BIND, [0x8f], 65)"},
		{"7,0-3,1-2,00000001", "set_mempolicy(MPOL_BIND, [0x8f], 65)"},
		{"63", "set_mempolicy(MPOL_BIND, [0x8000000000000000], 65)"},
		{"64", "set_mempolicy(MPOL_BIND, [0, 0x1], 129)"},
		{"62-65", "set_mempolicy(MPOL_BIND, [0xc000000000000000, 0x3], 129)"},
		{"1025", "set_mempolicy(MPOL_BIND, [" + strings.Repeat("0, ", 16) + "0x2], 1089)"},
		{"32767", "set_mempolicy(MPOL_BIND, [" + strings.Repeat("0, ", 511) + "0x8000000000000000], 32769)"},
	} {
		spec := with("/srv/root", func(s *container.Spec) {
			s.Process.MemoryPolicy = &container.MemoryPolicy{Mode: "MPOL_BIND", Nodes: row.nodes}
		})
		plan, err := container.Compile(spec, hostOf(t, "6.1-root"))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for i := range plan.Child.Len() {
			if op := plan.Child.Op(i); op.Origin == "linux.memoryPolicy" {
				found = true
				if op.String() != row.want {
					t.Errorf("%s: got %s, want %s", row.nodes, op, row.want)
				}
			}
		}
		if !found {
			t.Errorf("%s: there is no such operation", row.nodes)
		}
	}
}
