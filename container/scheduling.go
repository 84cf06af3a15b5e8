package container

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// Scheduler is how the kernel schedules the program. sched_setattr(2)
type Scheduler struct {
	// Policy is the name in the manual, such as "SCHED_BATCH".
	Policy string
	// Nice is for SCHED_OTHER and SCHED_BATCH, Priority for SCHED_FIFO and SCHED_RR.
	Nice, Priority int32
	// Flags are names such as "SCHED_FLAG_RESET_ON_FORK".
	Flags []string
	// Runtime, Deadline and Period are for SCHED_DEADLINE, in nanoseconds.
	Runtime, Deadline, Period uint64
}

// IOPriority is the priority of the program's disk accesses. ioprio_set(2)
type IOPriority struct {
	// Class is "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE" or "IOPRIO_CLASS_IDLE".
	Class string
	// Priority is 0, the highest, to 7.
	Priority int
}

// Personality is the execution domain. personality(2)
type Personality struct {
	// Domain is "LINUX", or "LINUX32", in which uname(2) names the 32-bit machine.
	Domain string
}

// complaint takes what is wrong with a line of the configuration.
type complaint func(origin, format string, v ...any)

// check refuses what the kernel would refuse, or would take and not do: it cuts a nice
// value off at its ends, and ignores what belongs to another policy.
func (s *Scheduler) check(wrong complaint) {
	const origin = "process.scheduler"
	if s.Policy == "SCHED_ISO" {
		wrong(origin+".policy", "no kernel has SCHED_ISO")
		return
	}
	if _, known := prog.SchedPolicies.Number(s.Policy); !known {
		wrong(origin+".policy", "%q is no policy of the scheduler", s.Policy)
		return
	}
	nice, priority, deadline := false, false, false // what the policy uses
	switch s.Policy {
	case "SCHED_OTHER", "SCHED_BATCH":
		nice = true
	case "SCHED_FIFO", "SCHED_RR":
		priority = true
	case "SCHED_DEADLINE":
		deadline = true
	}
	switch {
	case s.Nice != 0 && !nice:
		wrong(origin+".nice", "%d: %s has no nice value", s.Nice, s.Policy)
	case s.Nice < -20 || s.Nice > 19:
		wrong(origin+".nice", "%d: want -20 to 19", s.Nice)
	}
	switch {
	case s.Priority != 0 && !priority:
		wrong(origin+".priority", "%d: %s has no priority", s.Priority, s.Policy)
	case priority && (s.Priority < 1 || s.Priority > 99):
		wrong(origin+".priority", "%d: for %s, want 1 to 99", s.Priority, s.Policy)
	}
	switch {
	case !deadline && (s.Runtime != 0 || s.Deadline != 0 || s.Period != 0):
		wrong(origin, "runtime, deadline and period are for SCHED_DEADLINE, not for %s", s.Policy)
	case deadline && (s.Runtime == 0 || s.Runtime > s.Deadline || s.Period != 0 && s.Deadline > s.Period):
		wrong(origin, "runtime %d, deadline %d, period %d: want them in this order, none below the one before; a period of 0 is the deadline", s.Runtime, s.Deadline, s.Period)
	}
	for _, name := range s.Flags {
		if _, known := prog.SchedFlags.Number(name); !known {
			wrong(origin+".flags", "%q is no flag of the scheduler", name)
		}
	}
}

func (p *IOPriority) check(wrong complaint) {
	const origin = "process.ioPriority"
	if _, known := prog.IOPriorityClasses.Number(p.Class); !known || p.Class == "IOPRIO_CLASS_NONE" {
		wrong(origin+".class", "%q: want IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE", p.Class)
	}
	if p.Priority < 0 || p.Priority > 7 {
		wrong(origin+".priority", "%d: want 0 to 7", p.Priority)
	}
}

// domains are the execution domains that a configuration can ask for.
var domains = [...]struct {
	name    string
	persona prog.Int
}{
	{"LINUX", prog.PersonaLinux},
	{"LINUX32", prog.PersonaLinux32},
}

func (p *Personality) persona() (persona prog.Int, known bool) {
	for _, d := range domains {
		if d.name == p.Domain {
			return d.persona, true
		}
	}
	return 0, false
}

func (p *Personality) check(wrong complaint) {
	if _, known := p.persona(); !known {
		wrong("linux.personality.domain", "%q: want LINUX or LINUX32", p.Domain)
	}
}

// checkScheduling refuses a place in the machine that cannot be given to a program.
func (c *compiler) checkScheduling(wrong complaint) {
	p := &c.spec.Process
	if p.Scheduler != nil {
		p.Scheduler.check(wrong)
		if c.spec.Init && (p.Scheduler.Policy == "SCHED_DEADLINE" || slices.Contains(p.Scheduler.Flags, "SCHED_FLAG_RESET_ON_FORK")) {
			wrong("process.scheduler", "SCHED_DEADLINE and SCHED_FLAG_RESET_ON_FORK do not go on to the program, which an init has to make")
		}
	}
	if p.IOPriority != nil {
		p.IOPriority.check(wrong)
	}
	if p.Personality != nil {
		p.Personality.check(wrong)
	}
	if p.MemoryPolicy != nil {
		p.MemoryPolicy.check(wrong)
	}
	p.CPUAffinity.check(wrong)
}

// emitScheduling gives the program its place among others. It comes behind the resource
// limits, of which RLIMIT_NICE and RLIMIT_RTPRIO count here for who has no CAP_SYS_NICE,
// and before CAP_SYS_NICE is given up. All of it outlives execve and every change of ids.
func (c *compiler) emitScheduling() {
	b, p := c.b, &c.spec.Process
	if s := p.Scheduler; s != nil {
		b.From("process.scheduler")
		policy, _ := prog.SchedPolicies.Number(s.Policy)
		flags := uint64(0)
		for _, name := range s.Flags {
			f, _ := prog.SchedFlags.Number(name)
			flags |= f
		}
		b.Add(prog.Op{
			Call: prog.SchedSetattr,
			Args: prog.Args{prog.Int(0), prog.SchedAttr(policy, flags, s.Nice, s.Priority, s.Runtime, s.Deadline, s.Period), prog.Int(0)},
			Why:  "as the configuration says",
			Hint: "EINVAL: SCHED_DEADLINE takes a runtime of 1024 ns and more, and a period within kernel.sched_deadline_period_min_us and _max_us; EPERM: it needs CAP_SYS_NICE, or a cgroup that has time for real-time policies, and SCHED_DEADLINE all processors; EBUSY: the processors have no time left for it; EOPNOTSUPP: this kernel has no bounds of utilization",
		})
		if flags&(unix.SCHED_FLAG_UTIL_CLAMP_MIN|unix.SCHED_FLAG_UTIL_CLAMP_MAX) != 0 {
			c.warn("process.scheduler.flags: the specification has no value for a bound of utilization: it is 0")
		}
		if s.Policy == "SCHED_DEADLINE" && flags&unix.SCHED_FLAG_RESET_ON_FORK == 0 {
			c.warn("process.scheduler: a process with SCHED_DEADLINE cannot make another one without SCHED_FLAG_RESET_ON_FORK")
		}
	}
	if p.IOPriority != nil {
		b.From("process.ioPriority")
		class, _ := prog.IOPriorityClasses.Number(p.IOPriority.Class)
		b.Add(prog.Op{
			Call: prog.IoprioSet,
			Args: prog.Args{prog.Int(prog.IOPriorityProcess), prog.Int(0), prog.IOPriority(class, p.IOPriority.Priority)},
			Why:  "what it starts inherits it",
			Hint: "IOPRIO_CLASS_RT needs CAP_SYS_NICE or CAP_SYS_ADMIN",
		})
	}
	if p.MemoryPolicy != nil {
		b.From("linux.memoryPolicy")
		p.MemoryPolicy.emit(b)
	}
	if p.Personality != nil {
		b.From("linux.personality")
		persona, _ := p.Personality.persona()
		b.Add(prog.Op{
			Call: prog.Personality, Args: prog.Args{persona}, Why: "what uname says of the machine",
			Hint: "EINVAL: these processors cannot run 32-bit programs",
		})
	}
	b.From("process")
}
