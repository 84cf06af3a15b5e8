package container

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// MemoryPolicy says on which NUMA nodes memory is allocated. set_mempolicy(2)
type MemoryPolicy struct {
	// Mode is the name in the manual, such as "MPOL_INTERLEAVE".
	Mode string
	// Nodes are numbers and ranges, such as "0-1,3".
	Nodes string
	// Flags are names such as "MPOL_F_STATIC_NODES".
	Flags []string
}

// CPUAffinity are the processors on which a program runs that is executed in a container
// which is there already: numbers and ranges, such as "0-3,7". The container's own first
// program does not have it. sched_setaffinity(2)
type CPUAffinity struct {
	// Initial holds before the program is in the container's cgroup, Final from then
	// on. Empty leaves it as it is.
	Initial, Final string
}

// highestNumber is of a node or a processor. For nodes it is the kernel's: set_mempolicy
// takes a page of bits. It has room for four times the processors that Linux knows.
const highestNumber = 1<<15 - 1

// numbers reads a list such as "0-3,7" into a set of bits, 64 in each word, with no more
// words than it needs.
func numbers(list string) ([]uint64, error) {
	var bits []uint64
	for part := range strings.SplitSeq(list, ",") {
		from, to, ranged := strings.Cut(part, "-")
		first, err := oneNumber(from)
		last := first
		if err == nil && ranged {
			last, err = oneNumber(to)
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q: %w", list, err)
		case last < first:
			return nil, fmt.Errorf("%q: the range %s goes down", list, part)
		}
		for n := first; n <= last; n++ {
			for len(bits) <= n/64 {
				bits = append(bits, 0)
			}
			bits[n/64] |= 1 << (n % 64)
		}
	}
	return bits, nil
}

func oneNumber(digits string) (int, error) {
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, errors.New("want numbers and ranges, such as 0-3,7")
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n > highestNumber {
		return 0, fmt.Errorf("%s is above %d", digits, highestNumber)
	}
	return n, nil
}

func (a CPUAffinity) check(wrong complaint) {
	for _, set := range [...]struct{ name, list string }{{"initial", a.Initial}, {"final", a.Final}} {
		if set.list == "" {
			continue
		}
		if _, err := numbers(set.list); err != nil {
			wrong("process.execCPUAffinity."+set.name, "%v", err)
		}
	}
}

func (p *MemoryPolicy) check(wrong complaint) {
	const origin = "linux.memoryPolicy"
	if _, known := prog.MemoryModes.Number(p.Mode); !known {
		wrong(origin+".mode", "%q is no memory policy", p.Mode)
		return
	}
	switch {
	case p.Nodes != "" && (p.Mode == "MPOL_DEFAULT" || p.Mode == "MPOL_LOCAL"):
		wrong(origin+".nodes", "%q: %s has no nodes", p.Nodes, p.Mode)
	case p.Nodes != "":
		if _, err := numbers(p.Nodes); err != nil {
			wrong(origin+".nodes", "%v", err)
		}
	case p.Mode != "MPOL_DEFAULT" && p.Mode != "MPOL_LOCAL" && p.Mode != "MPOL_PREFERRED":
		wrong(origin+".nodes", "%s needs a node at least", p.Mode)
	}
	flags := uint64(0)
	for _, name := range p.Flags {
		f, known := prog.MemoryFlags.Number(name)
		if !known {
			wrong(origin+".flags", "%q is no flag of a memory policy", name)
		}
		flags |= f
	}
	if both := uint64(unix.MPOL_F_STATIC_NODES | unix.MPOL_F_RELATIVE_NODES); flags&both == both {
		wrong(origin+".flags", "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other")
	}
}

// emit asks for the policy. Nodes without a number in the kernel's count are its to refuse.
func (p *MemoryPolicy) emit(b *prog.Builder) {
	mode, _ := prog.MemoryModes.Number(p.Mode)
	for _, name := range p.Flags {
		f, _ := prog.MemoryFlags.Number(name)
		mode |= f
	}
	mask, bits := prog.Arg(prog.Int(0)), 0
	if p.Nodes != "" {
		words, _ := numbers(p.Nodes)
		// The kernel takes one bit less than it is told of. mm/mempolicy.c, get_nodes
		mask, bits = prog.NodeMask(words), 64*len(words)+1
	}
	b.Add(prog.Op{
		Call: prog.SetMempolicy, Args: prog.Args{prog.Int(mode), mask, prog.Int(bits)},
		Why: "as the configuration says",
		Hint: "EINVAL: the machine or the cpuset has no such node, or the flags do not go with the mode; MPOL_PREFERRED_MANY is there since Linux 5.15, " +
			"MPOL_WEIGHTED_INTERLEAVE since 6.9; ENOSYS: this kernel knows nothing of NUMA",
	})
}
