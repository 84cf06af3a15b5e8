package cgroupv2

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SetFilter makes f decide about the devices of the group. A filter that the group
// had already is replaced in one step, so that there is no moment with none or with both. The
// filters of groups above and below go on to decide as well: every one of them has to say yes.
// It needs CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN. BPF_F_REPLACE, Linux 5.6
func (g *Group) SetFilter(f Filter) error {
	if err := g.notRoot("device filter"); err != nil {
		return err
	}
	program, err := load(f)
	if err != nil {
		return fmt.Errorf("cgroup %s: device filter: %w", g.path, err)
	}
	defer unix.Close(program) // the group keeps it
	return g.eachFilter(func(old []int) error {
		a := attach{target: uint32(g.fd), program: uint32(program), kind: attachDevice, flags: unix.BPF_F_ALLOW_MULTI}
		if len(old) == 1 {
			a.flags |= unix.BPF_F_REPLACE
			a.replace = uint32(old[0])
			return bpf(unix.BPF_PROG_ATTACH, &a)
		}
		// More than one is not ours to have: meanwhile all of them decide, which can
		// only forbid more.
		if err := bpf(unix.BPF_PROG_ATTACH, &a); err != nil {
			return err
		}
		return g.detach(old)
	})
}

// ClearFilter takes away the filters of the group: those of groups above it alone decide.
func (g *Group) ClearFilter() error { return g.eachFilter(g.detach) }

func (g *Group) detach(programs []int) error {
	for _, fd := range programs {
		a := attach{target: uint32(g.fd), program: uint32(fd), kind: attachDevice}
		if err := bpf(unix.BPF_PROG_DETACH, &a); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return nil
}

// eachFilter opens the filters that are attached to the group itself.
func (g *Group) eachFilter(do func(programs []int) error) error {
	ids := make([]uint32, 64) // as many as the kernel attaches
	q := query{target: uint32(g.fd), kind: attachDevice, ids: unsafe.Pointer(&ids[0]), count: uint32(len(ids))}
	if err := bpf(unix.BPF_PROG_QUERY, &q); err != nil {
		return fmt.Errorf("cgroup %s: device filter: which are there: %w", g.path, err)
	}
	var programs []int
	defer func() {
		for _, fd := range programs {
			unix.Close(fd)
		}
	}()
	for _, id := range ids[:min(int(q.count), len(ids))] {
		fd, err := bpfFD(unix.BPF_PROG_GET_FD_BY_ID, &byID{id: id})
		if errors.Is(err, unix.ENOENT) {
			continue // detached meanwhile
		}
		if err != nil {
			return fmt.Errorf("cgroup %s: device filter %d: %w", g.path, id, err)
		}
		programs = append(programs, fd)
	}
	if err := do(programs); err != nil {
		return fmt.Errorf("cgroup %s: device filter: %w%s", g.path, err, bpfHint(err))
	}
	return nil
}

// load gives a program to the kernel, whose verifier has a look at it.
func load(f Filter) (int, error) {
	code, license := f.Bytes(), []byte("Apache-2.0\x00")
	l := program{kind: progDevice, count: uint32(len(f)), code: unsafe.Pointer(&code[0]), license: unsafe.Pointer(&license[0])}
	copy(l.name[:], "selfcontain")
	fd, err := bpfFD(unix.BPF_PROG_LOAD, &l)
	if err == nil || errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		if err != nil {
			err = fmt.Errorf("load: %w%s", err, bpfHint(err))
		}
		return fd, err
	}
	// Once more, for what the verifier has to say: it costs time, and memory.
	log := make([]byte, 64<<10)
	l.logLevel, l.logSize, l.log = 1, uint32(len(log)), unsafe.Pointer(&log[0])
	fd, again := bpfFD(unix.BPF_PROG_LOAD, &l)
	if again == nil {
		return fd, nil
	}
	text := strings.TrimSpace(unix.ByteSliceToString(log))
	const shown = 500 // it retells the whole program, and what is wrong comes last
	return -1, fmt.Errorf("load: %w: the verifier says %q", err, text[max(0, len(text)-shown):])
}

func bpfHint(err error) string {
	switch {
	case errors.Is(err, unix.EPERM):
		return ": it needs CAP_SYS_ADMIN in the host's user namespace, and a group above may forbid others"
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL):
		return ": the kernel needs CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF"
	}
	return ""
}
