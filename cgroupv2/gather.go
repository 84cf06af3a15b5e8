package cgroupv2

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// Stats reads what the group and all below it have used.
func (g *Group) Stats() (Stats, error) {
	r := &reader{dir: g.fd}
	s := Stats{Memory: r.memory(), Pids: r.pids()}
	if flat := r.flat("cpu.stat"); flat != nil {
		s.CPU.set(flat)
	} else { // every group has this one, since Linux 4.15
		r.note("cpu.stat", unix.ENOENT)
	}
	if text, ok := r.text("io.stat"); ok {
		nested, err := parseNested(text)
		if err == nil {
			s.IO, err = ioStats(nested)
		}
		r.note("io.stat", err)
	}
	s.Hugepages = r.hugepages()
	if text, ok := r.text("rdma.current"); ok {
		nested, err := parseNested(text)
		r.note("rdma.current", err)
		s.RDMA = map[string]RDMAStats{}
		for name, v := range nested {
			s.RDMA[name] = RDMAStats{HCAHandles: v["hca_handle"], HCAObjects: v["hca_object"]}
		}
	}
	s.CPUPressure = r.pressure("cpu.pressure")
	s.MemoryPressure = r.pressure("memory.pressure")
	s.IOPressure = r.pressure("io.pressure")
	return s, g.failed(r.failed, r.err)
}

// reader reads files of a group. Those that the group does not have are nothing, and
// the first one that cannot be read is the error.
type reader struct {
	dir    int
	failed string
	err    error
}

func (r *reader) note(name string, err error) {
	if err != nil && r.err == nil {
		r.failed, r.err = name, err
	}
}

func (r *reader) text(name string) (text string, ok bool) {
	if r.err != nil {
		return "", false
	}
	text, err := readFile(r.dir, name)
	// EOPNOTSUPP: pressure stall information that is switched off.
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) {
		return "", false
	}
	r.note(name, err)
	return text, err == nil
}

func (r *reader) number(name string) uint64 {
	text, ok := r.text(name)
	if !ok {
		return 0
	}
	n, err := parseNumber(text)
	r.note(name, err)
	return n
}

func (r *reader) flat(name string) map[string]uint64 {
	text, ok := r.text(name)
	if !ok {
		return nil
	}
	values, err := parseFlat(text)
	r.note(name, err)
	return values
}

func (r *reader) memory() *MemoryStats {
	stat := r.flat("memory.stat")
	if stat == nil {
		return nil
	}
	m := &MemoryStats{
		Current: r.number("memory.current"), Max: r.number("memory.max"), Peak: r.number("memory.peak"),
		SwapCurrent: r.number("memory.swap.current"), SwapMax: r.number("memory.swap.max"),
		Stat: stat,
	}
	m.Events.set(r.flat("memory.events"))
	return m
}

func (r *reader) pids() *PidsStats {
	if _, ok := r.text("pids.current"); !ok {
		return nil
	}
	return &PidsStats{
		Current: r.number("pids.current"), Max: r.number("pids.max"), Refused: r.flat("pids.events")["max"],
	}
}

func (r *reader) hugepages() map[string]HugepageStats {
	entries, err := list(r.dir)
	r.note("hugetlb", err)
	var out map[string]HugepageStats
	for _, e := range entries {
		size, ok := strings.CutPrefix(e.Name(), "hugetlb.")
		if !ok {
			continue
		}
		size, ok = strings.CutSuffix(size, ".current")
		if !ok || strings.HasSuffix(size, ".rsvd") {
			continue
		}
		if out == nil {
			out = map[string]HugepageStats{}
		}
		of := "hugetlb." + size
		out[size] = HugepageStats{
			Current: r.number(of + ".current"), Max: r.number(of + ".max"), Failures: r.flat(of + ".events")["max"],
		}
	}
	return out
}

func (r *reader) pressure(name string) *Pressure {
	text, ok := r.text(name)
	if !ok {
		return nil
	}
	p, err := parsePressure(text)
	r.note(name, err)
	return &p
}
