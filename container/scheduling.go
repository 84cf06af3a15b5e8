package container

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

// MemoryPolicy says on which NUMA nodes memory is allocated. set_mempolicy(2)
type MemoryPolicy struct {
	// Mode is the name in the manual, such as "MPOL_INTERLEAVE".
	Mode string
	// Nodes are numbers and ranges, such as "0-1,3".
	Nodes string
	// Flags are names such as "MPOL_F_STATIC_NODES".
	Flags []string
}
