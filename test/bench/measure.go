//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// table is everything one run of the bench has found.
type table struct {
	rounds  int
	pairs   []*pair
	figures []figure
	notes   []string
	atEnd   []func() error // what is there only to be measured goes
}

// figure is a row that is a size rather than a ratio.
type figure struct {
	Name  string
	Value float64
	Unit  string
	Reach float64
	Note  string
}

// measureAll measures every row and prints the table. A contestant that does not work is
// an error after the table; a peer that is not installed is only a row.
func measureAll(o options, dir string) error {
	t := table{rounds: o.rounds}
	null, err := openNull()
	if err != nil {
		return err
	}
	defer null.Close()
	s := &spawner{prefix: filepath.Base(dir), null: null}
	timed, err := makeBundle(filepath.Join(dir, "bundle"), "/bin/true")
	if err != nil {
		return err
	}
	looking, err := makeBundle(filepath.Join(dir, "look"), "/bin/sh", "-c", lookAround)
	if err != nil {
		return err
	}
	self := place{exe: o.selfcontain, state: filepath.Join(dir, "state-selfcontain"), sys: filepath.Join(dir, "sys")}
	if err := self.prepare(); err != nil {
		return err
	}
	if o.least {
		if err := t.addLeast(o, self, timed, dir, s); err != nil {
			return err
		}
		return t.print(os.Stdout)
	}
	if o.many > 0 {
		if err := t.addMany(o, self, timed, dir, s); err != nil {
			return err
		}
		return t.print(os.Stdout)
	}
	ours := s.command("selfcontain", func(id string) []string { return oursArgs(self, timed, id) })
	seen, err := verify(oursArgs(self, looking, s.id()))
	if err != nil {
		return fmt.Errorf("%s run: %w", o.selfcontain, err)
	}
	t.notes = append(t.notes, fmt.Sprintf("mounts inside: selfcontain %d", seen.mounts))
	t.resident("selfcontain", 8, oursArgs, self, timed, s)

	for _, name := range o.peers {
		p, _ := findPeer(name)
		row := &pair{section: "fresh process, start to wait", name: name, ours: ours, reach: p.reach, aim: p.aim}
		t.pairs = append(t.pairs, row)
		exe, err := p.find()
		if err != nil {
			row.missing = err
			continue
		}
		row.name = "run : " + name + " " + p.version(exe)
		at := place{exe: exe, state: filepath.Join(dir, "state-"+name), sys: self.sys}
		row.peer = s.command(name, func(id string) []string { return p.argv(at, timed, id) })
		if seen, row.err = verify(p.argv(at, looking, s.id())); row.err == nil {
			t.notes[0] += fmt.Sprintf(", %s %d", name, seen.mounts)
			t.resident(name, 0, p.argv, at, timed, s)
		}
	}

	t.pairs = append(t.pairs, &pair{
		section: "fresh process, start to wait", name: "trace : run", reach: 1.1,
		ours: s.command("trace", func(id string) []string { return traceArgs(self, timed, id) }), peer: ours,
	})
	if err := t.addRootless(self, timed, looking, dir, s); err != nil {
		return err
	}
	if err := t.addLife(o, self, timed, dir, s); err != nil {
		return err
	}
	if err := t.addLibrary(timed); err != nil {
		return err
	}
	if err := t.addLeast(o, self, timed, dir, s); err != nil {
		return err
	}
	if err := t.addNetwork(dir, s); err != nil {
		return err
	}
	t.pairs = slices.DeleteFunc(t.pairs, func(p *pair) bool { return !strings.Contains(p.name, o.rows) })
	sample(t.pairs, o.rounds, o.pause)
	for _, end := range t.atEnd {
		if err := end(); err != nil {
			return err
		}
	}
	if err := t.addBinary(o.selfcontain); err != nil {
		return err
	}
	if err := t.print(os.Stdout); err != nil {
		return err
	}
	if o.json != "" {
		if err := t.writeJSON(o.json); err != nil {
			return err
		}
	}
	return t.verdict(o.min)
}

// addLibrary starts the two warm processes and adds the rows that are measured in them.
func (t *table) addLibrary(b bundle) error {
	small, err := startWarm("small heap", smallHeap, b.dir)
	if err != nil {
		return err
	}
	large, err := startWarm("2 GiB heap", largeHeap, b.dir)
	if err != nil {
		return err
	}
	t.atEnd = append(t.atEnd, small.close, large.close)
	t.pairs = append(t.pairs, libraryPairs(small, large)...)
	figures, err := libraryFigures(b)
	t.figures = append(t.figures, figures...)
	return err
}

// resident adds the peak resident size of a contestant's first process, the median of a few runs.
func (t *table) resident(name string, reach float64, argv func(place, bundle, string) []string, at place, b bundle, s *spawner) {
	const runs = 11
	f := figure{Name: "peak RSS of " + name, Unit: "MB", Reach: reach}
	var peaks []float64
	for range runs {
		p, err := peakOf(argv(at, b, s.id()), s.null)
		if err != nil {
			f.Note = err.Error()
			break
		}
		peaks = append(peaks, float64(p.rss)/1e6)
		f.Note = fmt.Sprintf("%d page faults", p.faults)
	}
	f.Value = medianOf(peaks).Median
	t.figures = append(t.figures, f)
}

func (t *table) addBinary(path string) error {
	facts, err := inspectBinary(path)
	if err != nil {
		return err
	}
	t.figures = append(t.figures, figure{
		Name: "binary", Value: float64(facts.size) / 1e6, Unit: "MB", Reach: 5, Note: facts.String(),
	})
	return nil
}

// verdict is what the exit status tells.
func (t *table) verdict(minimum string) error {
	for _, p := range t.pairs {
		if p.err != nil {
			return fmt.Errorf("%s: %w", p.name, p.err)
		}
	}
	wanted := map[string][]string{metReach: {metReach, metAim}, metAim: {metAim}}[minimum]
	if wanted == nil {
		return nil
	}
	for _, p := range t.pairs {
		if p.missing != nil || p.reach == 0 {
			continue
		}
		if r := p.ratio().Median; !slices.Contains(wanted, met(r, p.reach, p.aim)) {
			return fmt.Errorf("%s: ratio %.3f misses -min %s", p.name, r, minimum)
		}
	}
	return nil
}
