package prog

import "fmt"

// Call is a system call by its place in the table of this package. The table
// holds what exists on amd64 and arm64 alike: arm64 has no open, mkdir, mknod,
// symlink or dup2, so programs use openat2, mkdirat, mknodat, symlinkat, dup3.
type Call uint8

// row is what the table knows of a call.
type row struct {
	name     string
	amd64    uint16 // number, arch/x86/entry/syscalls/syscall_64.tbl
	arm64    uint16 // number, include/uapi/asm-generic/unistd.h
	ends     ending
	nonzero  bool // a result is never 0: an id, an address, or a descriptor, since 0 is open
	needed   int  // arguments that must be given; the others may be left 0
	params   []param
	selector int // which argument chooses between the variants
	variants []variant
}

// param is a parameter of a call.
type param struct {
	name string
	kind *Kind
}

// variant replaces the parameters of a call for one value of an argument: prctl
// means something else for each operation.
type variant struct {
	value  uint64
	needed int
	params []param
}

// ending says after which outcomes a call does not return.
type ending uint8

const (
	returns       ending = iota
	endsProgram          // exit: never returns
	endsOnSuccess        // execve: returns only with an error
	alwaysFails          // rt_sigsuspend: returns, but only ever with an error
)

// Name is the call's name in the kernel and in strace.
func (c Call) Name() string {
	if !c.valid() {
		return fmt.Sprintf("call(%d)", uint8(c))
	}
	return calls[c].name
}

// String is Name.
func (c Call) String() string { return c.Name() }

func (c Call) valid() bool { return int(c) < len(calls) && calls[c].name != "" }

// Number is the call's number on an architecture, "amd64" or "arm64".
func (c Call) Number(arch string) (uint64, error) {
	if !c.valid() {
		return 0, fmt.Errorf("%v: not in the table of system calls", c)
	}
	switch arch {
	case "amd64":
		return uint64(calls[c].amd64), nil
	case "arm64":
		return uint64(calls[c].arm64), nil
	}
	return 0, fmt.Errorf("architecture %q: want amd64 or arm64", arch)
}

// Calls lists the table.
func Calls() []Call {
	list := make([]Call, 0, len(calls))
	for c := range calls {
		if Call(c).valid() {
			list = append(list, Call(c))
		}
	}
	return list
}

// signature is the parameters of a call with these arguments.
func (c Call) signature(args *Args) (params []param, needed int) {
	r := &calls[c]
	if len(r.variants) > 0 {
		if v, ok := number(args[r.selector]); ok {
			for i := range r.variants {
				if r.variants[i].value == v {
					return r.variants[i].params, r.variants[i].needed
				}
			}
		}
	}
	return r.params, r.needed
}

// number is the value of an argument that is known beforehand.
func number(a Arg) (uint64, bool) {
	switch a := a.(type) {
	case nil:
		return 0, true
	case Int:
		return uint64(a), true
	case Named:
		return a.Value, true
	case FD:
		return uint64(int64(a.Num)), true
	}
	return 0, false
}

// ResourceLimit is the number of a resource limit, such as "RLIMIT_NOFILE".
func ResourceLimit(name string) (Named, bool) {
	for _, r := range rlimits.names {
		if r.name == name {
			return Named{Value: r.value, Text: r.name}, true
		}
	}
	return Named{}, false
}
