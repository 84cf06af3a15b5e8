//go:build linux

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"

	"golang.org/x/sys/unix"
)

func (t *table) print(out io.Writer) error {
	fmt.Fprintf(out, "%s, %d rounds, times in ms\n\n", machine(), t.rounds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	section := ""
	for _, p := range t.pairs {
		if p.section != section {
			section = p.section
			fmt.Fprintf(w, "%s\tours\tpeer\tratio\t95%%\treach\taim\tmet\n", section)
		}
		if err := cmp.Or(p.missing, p.err); err != nil {
			fmt.Fprintf(w, "  %s\t-\t-\t-\t-\t%s\t%s\t\t%v\n", p.name, goal(p.reach), goal(p.aim), err)
			continue
		}
		r := p.ratio()
		fmt.Fprintf(w, "  %s\t%.3f\t%.3f\t%.3f\t%.3f-%.3f\t%s\t%s\t%s\n", p.name,
			milliseconds(p.oursTook), milliseconds(p.peerTook), r.Median, r.Low, r.High,
			goal(p.reach), goal(p.aim), met(r.Median, p.reach, p.aim))
	}
	fmt.Fprintf(w, "sizes\tvalue\t\t\t\treach\t\tmet\n")
	for _, f := range t.figures {
		if math.IsNaN(f.Value) {
			fmt.Fprintf(w, "  %s\t-\t\t\t\t%s\t\t\t%s\n", f.Name, goal(f.Reach), f.Note)
			continue
		}
		fmt.Fprintf(w, "  %s\t%.2f %s\t\t\t\t%s\t\t%s\t%s\n", f.Name, f.Value, f.Unit,
			goal(f.Reach), met(f.Value, f.Reach, 0), f.Note)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, n := range t.notes {
		fmt.Fprintln(out, n)
	}
	return nil
}

func goal(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%g", v)
}

// machine is the line above the table.
func machine() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err.Error()
	}
	load, _ := os.ReadFile("/proc/loadavg")
	one, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("Linux %s %s, %d CPUs, load %s", unix.ByteSliceToString(u.Release[:]),
		unix.ByteSliceToString(u.Machine[:]), runtime.NumCPU(), one)
}

// writeJSON writes the samples themselves, in nanoseconds, for whoever wants another statistic.
func (t *table) writeJSON(path string) error {
	type row struct {
		Section, Name string
		Ratio         *interval `json:",omitempty"`
		Reach, Aim    float64
		Error         string  `json:",omitempty"`
		Ours, Peer    []int64 `json:",omitempty"`
	}
	file := struct {
		Machine string
		Rounds  int
		Rows    []row
		Figures []figure
		Notes   []string
	}{Machine: machine(), Rounds: t.rounds, Notes: t.notes}
	for _, f := range t.figures {
		if !math.IsNaN(f.Value) {
			file.Figures = append(file.Figures, f)
		}
	}
	for _, p := range t.pairs {
		r := row{Section: p.section, Name: p.name, Reach: p.reach, Aim: p.aim}
		if err := cmp.Or(p.missing, p.err); err != nil {
			r.Error = err.Error()
		} else {
			ratio := p.ratio()
			r.Ratio = &ratio
		}
		for i := range p.oursTook {
			r.Ours = append(r.Ours, p.oursTook[i].Nanoseconds())
			r.Peer = append(r.Peer, p.peerTook[i].Nanoseconds())
		}
		file.Rows = append(file.Rows, r)
	}
	data, err := json.MarshalIndent(file, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
