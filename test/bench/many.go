//go:build linux

package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// addMany adds what it costs that many containers live at once: how the create of the last
// compares with that of the tenth, how long all are listed, and what each has in memory.
// One runtime after the other: no one's containers are there when another is measured.
func (t *table) addMany(o options, at place, timed bundle, dir string, s *spawner) error {
	for _, name := range o.runtimes() {
		l, missing := lifeOf(name, at, dir, s)
		if missing != nil {
			t.notes = append(t.notes, fmt.Sprintf("%s: %v", name, missing))
			continue
		}
		m := many{life: *l, pause: o.pause}
		err := m.fill(timed, o.many)
		if err == nil {
			err = m.look()
		}
		if ended := m.empty(); err == nil {
			err = ended
		}
		if err != nil {
			return err
		}
		t.figures = append(t.figures, m.figures()...)
	}
	return nil
}

// many is a runtime with many containers that wait to be started.
type many struct {
	life
	pause    time.Duration
	ids      []string
	pids     []int
	creates  []float64 // in fork, exec and end of /bin/true, each beside its own
	listed   []float64 // ms
	resident []float64 // KiB
}

// fill makes them, and measures each.
func (m *many) fill(b bundle, count int) error {
	for range count {
		time.Sleep(m.pause)
		bare, err := runOnce("true", []string{"/bin/true"}, m.s.attr())
		if err != nil {
			return err
		}
		id := m.s.id()
		begun := time.Now()
		pid, err := m.create(id, b)
		if err != nil {
			return err
		}
		m.creates = append(m.creates, float64(time.Since(begun))/float64(bare))
		m.ids, m.pids = append(m.ids, id), append(m.pids, pid)
	}
	return nil
}

// look lists all a few times, and looks at the memory of each.
func (m *many) look() error {
	const times = 11
	for range times {
		took, err := m.call("list")
		if err != nil {
			return err
		}
		m.listed = append(m.listed, took.Seconds()*1e3)
	}
	for _, pid := range m.pids {
		kib, _, err := residentNow(pid)
		if err != nil {
			return err
		}
		m.resident = append(m.resident, kib)
	}
	return nil
}

// empty removes them, the first one last.
func (m *many) empty() error {
	for i := len(m.ids) - 1; i >= 0; i-- {
		if _, err := m.call("delete", "--force", m.ids[i]); err != nil {
			return err
		}
		if err := reap(m.pids[i]); err != nil {
			return err
		}
	}
	return nil
}

// figures are the three. First and last are the medians of a tenth of all, of fifty at most: one
// create alone tells of the machine's mood.
func (m *many) figures() []figure {
	goals := [3]float64{1.2, 200, 64}
	if m.name != self {
		goals = [3]float64{}
	}
	some := min(50, len(m.creates)/10)
	if some == 0 {
		return []figure{{Name: "create of the last : of the first, " + m.name, Value: math.NaN(), Note: "ten are needed at least"}}
	}
	first, last := medianOf(m.creates[:some]), medianOf(m.creates[len(m.creates)-some:])
	return []figure{
		{
			Name:  fmt.Sprintf("create of the %dth : of the first, %s", len(m.ids), m.name),
			Value: last.Median / first.Median, Reach: goals[0],
			Note: fmt.Sprintf("medians of %d each, %.2f and %.2f of a bare fork and exec", some, last.Median, first.Median),
		},
		{Name: "list of all, " + m.name, Value: medianOf(m.listed).Median, Unit: "ms", Reach: goals[1]},
		{
			Name: "resident each, " + m.name, Value: medianOf(m.resident).Median, Unit: "KiB", Reach: goals[2],
			Note: fmt.Sprintf("%.0f at most", slices.Max(m.resident)),
		},
	}
}
