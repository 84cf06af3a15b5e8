package caps_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/syndtr/gocapability/capability"
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// tail is the end of a container's program as far as capabilities go.
type tail struct {
	Caller          *caps.Config // what the caller is to have beforehand
	Config          caps.Config
	Last            caps.Cap
	UID             uint32
	NoNewPrivileges bool
}

// program is the tail in the order that doc.go gives.
func (t tail) program() (*prog.Program, error) {
	var b prog.Builder
	if t.NoNewPrivileges {
		b.Add(prog.Op{Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_NO_NEW_PRIVS), prog.Int(1)}})
	}
	caps.EmitBounding(&b, t.Config, t.Last)
	id := prog.Int(t.UID)
	b.Add(prog.Op{Call: prog.Setresgid, Args: prog.Args{id, id, id}})
	caps.EmitKeep(&b, t.Config, t.UID)
	b.Add(prog.Op{Call: prog.Setresuid, Args: prog.Args{id, id, id}})
	caps.EmitSets(&b, t.Config)
	b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/proc/self/exe"), prog.Strings([]string{"caps"}), prog.Strings([]string{stageEnv + "=show"})}})
	return b.Program()
}

// sight is what a process has, by three witnesses.
type sight struct {
	Before     caps.Config // the kernel, just before execve
	After      caps.Config // the kernel, after it
	Judge      caps.Config // gocapability, after it
	Securebits caps.Securebits
	UID        int
}

// runTail is the child: it makes the operations with its own hands, on one thread,
// and prints what it had before the execve to descriptor 3.
func runTail() error {
	runtime.LockOSThread() // credentials belong to threads, and execve takes the caller's
	var t tail
	if err := json.NewDecoder(os.Stdin).Decode(&t); err != nil {
		return err
	}
	if t.Caller != nil {
		if err := become(*t.Caller, t.Last); err != nil {
			return fmt.Errorf("become the caller: %w", err)
		}
	}
	p, err := t.program()
	if err != nil {
		return err
	}
	for i := range p.Len() {
		op := p.Op(i)
		if op.Call == prog.Execve {
			text, err := os.ReadFile("/proc/thread-self/status")
			if err != nil {
				return err
			}
			if _, err := os.Stdout.Write(append(text, 0)); err != nil {
				return err
			}
		}
		if errno := perform(op); errno != 0 {
			return fmt.Errorf("op %d %v: %w", i, op, errno)
		}
	}
	return nil
}

// showOwn is the child after the execve.
func showOwn() error {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	c, err := capability.NewPid2(0)
	if err != nil {
		return err
	}
	if err := c.Load(); err != nil {
		return err
	}
	var s sight
	if s.After, err = caps.ParseStatus(text); err != nil {
		return err
	}
	for _, r := range []struct {
		which capability.CapType
		set   *caps.Set
	}{
		{capability.BOUNDING, &s.Judge.Bounding},
		{capability.EFFECTIVE, &s.Judge.Effective},
		{capability.PERMITTED, &s.Judge.Permitted},
		{capability.INHERITABLE, &s.Judge.Inheritable},
		{capability.AMBIENT, &s.Judge.Ambient},
	} {
		for _, theirs := range capability.List() {
			if c.Get(r.which, theirs) {
				r.set.Add(caps.Cap(theirs))
			}
		}
	}
	bits, err := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0)
	if err != nil {
		return err
	}
	s.Securebits, s.UID = caps.Securebits(bits), os.Getuid()
	return json.NewEncoder(os.Stdout).Encode(s)
}

// become gives the thread inheritable and ambient capabilities, as a service
// manager does.
func become(c caps.Config, last caps.Cap) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	data[0].Inheritable, data[1].Inheritable = uint32(c.Inheritable), uint32(c.Inheritable>>32)
	if err := unix.Capset(&header, &data[0]); err != nil {
		return err
	}
	for _, a := range c.Ambient.List() {
		if _, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(a), 0, 0, 0); errno != 0 {
			return errno
		}
	}
	return nil
}

// perform makes one system call as the loop in the image would.
func perform(op prog.Op) unix.Errno {
	var m memory
	var v [6]uintptr
	for i, a := range op.Args {
		v[i] = uintptr(m.value(a))
	}
	number, err := op.Call.Number(runtime.GOARCH)
	if err != nil {
		return unix.ENOSYS
	}
	_, _, errno := unix.RawSyscall6(uintptr(number), v[0], v[1], v[2], v[3], v[4], v[5])
	runtime.KeepAlive(m.kept)
	return errno
}

// memory is what the pointers among the arguments of an operation point to.
type memory struct{ kept [][]byte }

func (m *memory) value(a prog.Arg) uint64 {
	switch a := a.(type) {
	case prog.Int:
		return uint64(a)
	case prog.Named:
		return a.Value
	case prog.Str:
		return m.keep(append([]byte(a), 0))
	case *prog.Block:
		var b []byte
		for _, f := range a.Fields {
			var word [8]byte
			binary.LittleEndian.PutUint64(word[:], m.value(f.Value))
			b = append(b, word[:f.Size]...)
		}
		return m.keep(b)
	}
	return 0
}

func (m *memory) keep(b []byte) uint64 {
	m.kept = append(m.kept, b)
	return uint64(uintptr(unsafe.Pointer(&b[0])))
}
