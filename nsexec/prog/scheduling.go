package prog

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Tables whose names a configuration uses: [Kind.Number] looks one up.
var (
	SchedPolicies     = &schedPolicies
	SchedFlags        = &schedFlags
	IOPriorityClasses = &ioprioClasses
	MemoryModes       = &memoryModes
	MemoryFlags       = &memoryFlags
)

// Number is the value of a name of the kind's table.
func (k *Kind) Number(name string) (value uint64, ok bool) {
	for i := range k.names {
		if k.names[i].name == name {
			return k.names[i].value, true
		}
	}
	return 0, false
}

// sched_setattr(2). The manual calls the first one SCHED_OTHER, the kernel SCHED_NORMAL.
var schedPolicies = Kind{form: formEnum, names: []name{
	{unix.SCHED_NORMAL, "SCHED_OTHER"},
	{unix.SCHED_FIFO, "SCHED_FIFO"},
	{unix.SCHED_RR, "SCHED_RR"},
	{unix.SCHED_BATCH, "SCHED_BATCH"},
	{unix.SCHED_IDLE, "SCHED_IDLE"},
	{unix.SCHED_DEADLINE, "SCHED_DEADLINE"},
}}

// sched_setattr(2)
var schedFlags = Kind{form: formFlags, names: []name{
	{unix.SCHED_FLAG_RESET_ON_FORK, "SCHED_FLAG_RESET_ON_FORK"},
	{unix.SCHED_FLAG_RECLAIM, "SCHED_FLAG_RECLAIM"},
	{unix.SCHED_FLAG_DL_OVERRUN, "SCHED_FLAG_DL_OVERRUN"},
	{unix.SCHED_FLAG_KEEP_POLICY, "SCHED_FLAG_KEEP_POLICY"},
	{unix.SCHED_FLAG_KEEP_PARAMS, "SCHED_FLAG_KEEP_PARAMS"},
	{unix.SCHED_FLAG_UTIL_CLAMP_MIN, "SCHED_FLAG_UTIL_CLAMP_MIN"},
	{unix.SCHED_FLAG_UTIL_CLAMP_MAX, "SCHED_FLAG_UTIL_CLAMP_MAX"},
}}

// SchedAttrSize is the size of [SchedAttr], SCHED_ATTR_SIZE_VER1: Linux 5.3.
const SchedAttrSize = 56

// SchedAttr is struct sched_attr of sched_setattr(2). The bounds of utilization are 0.
func SchedAttr(policy, flags uint64, nice, priority int32, runtime, deadline, period uint64) *Block {
	return &Block{Fields: []Field{
		{Name: "size", Kind: &unsigned, Size: 4, Value: Int(SchedAttrSize)},
		{Name: "sched_policy", Kind: &schedPolicies, Size: 4, Value: Int(policy)},
		{Name: "sched_flags", Kind: &schedFlags, Size: 8, Value: Int(flags)},
		{Name: "sched_nice", Kind: &integer, Size: 4, Value: Int(uint64(int64(nice)))},
		{Name: "sched_priority", Kind: &unsigned, Size: 4, Value: Int(uint64(uint32(priority)))},
		{Name: "sched_runtime", Kind: &unsigned, Size: 8, Value: Int(runtime)},
		{Name: "sched_deadline", Kind: &unsigned, Size: 8, Value: Int(deadline)},
		{Name: "sched_period", Kind: &unsigned, Size: 8, Value: Int(period)},
		{Name: "sched_util_min", Kind: &unsigned, Size: 4, Value: Int(0)},
		{Name: "sched_util_max", Kind: &unsigned, Size: 4, Value: Int(0)},
	}}
}

// IOPriorityProcess is IOPRIO_WHO_PROCESS of linux/ioprio.h, which x/sys does not have.
const IOPriorityProcess = 1

// ioprio_set(2), whose priority it is
var ioprioWho = Kind{form: formEnum, names: []name{
	{IOPriorityProcess, "IOPRIO_WHO_PROCESS"},
	{2, "IOPRIO_WHO_PGRP"},
	{3, "IOPRIO_WHO_USER"},
}}

// ioprio_set(2), linux/ioprio.h
var ioprioClasses = Kind{form: formEnum, names: []name{
	{0, "IOPRIO_CLASS_NONE"},
	{1, "IOPRIO_CLASS_RT"},
	{2, "IOPRIO_CLASS_BE"},
	{3, "IOPRIO_CLASS_IDLE"},
}}

// ioprioShift is IOPRIO_CLASS_SHIFT: the class stands above the level.
const ioprioShift = 13

// IOPriority is a class and a level as ioprio_set(2) takes them.
func IOPriority(class uint64, level int) Int { return Int(class<<ioprioShift | uint64(level)) }

// appendIOPriority writes a priority as C does.
func appendIOPriority(b []byte, v uint64) []byte {
	b = appendNumber(append(b, "IOPRIO_PRIO_VALUE("...), &ioprioClasses, v>>ioprioShift)
	b = appendUnsigned(append(b, ", "...), v&(1<<ioprioShift-1))
	return append(b, ')')
}

// Execution domains of personality(2), linux/personality.h, which x/sys does not have.
const (
	PersonaLinux   = 0
	PersonaLinux32 = 8
)

var personas = Kind{form: formEnum, names: []name{
	{PersonaLinux, "PER_LINUX"},
	{PersonaLinux32, "PER_LINUX32"},
}}

// set_mempolicy(2)
var memoryModes = Kind{form: formEnum, names: []name{
	{unix.MPOL_DEFAULT, "MPOL_DEFAULT"},
	{unix.MPOL_PREFERRED, "MPOL_PREFERRED"},
	{unix.MPOL_BIND, "MPOL_BIND"},
	{unix.MPOL_INTERLEAVE, "MPOL_INTERLEAVE"},
	{unix.MPOL_LOCAL, "MPOL_LOCAL"},
	{unix.MPOL_PREFERRED_MANY, "MPOL_PREFERRED_MANY"},
	{unix.MPOL_WEIGHTED_INTERLEAVE, "MPOL_WEIGHTED_INTERLEAVE"},
}}

// set_mempolicy(2), the flags that are added to a mode
var memoryFlags = Kind{form: formFlags, names: []name{
	{unix.MPOL_F_NUMA_BALANCING, "MPOL_F_NUMA_BALANCING"},
	{unix.MPOL_F_RELATIVE_NODES, "MPOL_F_RELATIVE_NODES"},
	{unix.MPOL_F_STATIC_NODES, "MPOL_F_STATIC_NODES"},
}}

// appendMemoryPolicy writes a mode with its flags.
func appendMemoryPolicy(b []byte, v uint64) []byte {
	b = appendNumber(b, &memoryModes, v&^unix.MPOL_MODE_FLAGS)
	if flags := v & unix.MPOL_MODE_FLAGS; flags != 0 {
		b = appendFlags(append(b, '|'), memoryFlags.names, flags)
	}
	return b
}

// NodeMask is a set of NUMA nodes for set_mempolicy(2), 64 of them in each word.
func NodeMask(words []uint64) *Block {
	fields := make([]Field, len(words))
	for i, w := range words {
		fields[i] = Field{Kind: &address, Size: 8, Value: Int(w)}
	}
	return &Block{Fields: fields, Array: true}
}

// CPUMask is a set of processors for sched_setaffinity(2), 64 of them in each word.
func CPUMask(words []uint64) *Block {
	mask := NodeMask(words)
	mask.Bits = true
	return mask
}

// appendBits writes which bits of a block are set.
func appendBits(b []byte, words []Field) []byte {
	b = append(b, '[')
	for i := range words {
		word, _ := words[i].Value.(Int)
		for bit := range 64 {
			if word&(1<<bit) == 0 {
				continue
			}
			if b[len(b)-1] != '[' {
				b = append(b, ' ')
			}
			b = strconv.AppendInt(b, int64(64*i+bit), 10)
		}
	}
	return append(b, ']')
}
