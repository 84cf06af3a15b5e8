package main

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/selfcontain/runtime/container"
)

const listText = `The containers whose state is kept in the directory of --root: those that create or
run has made and nobody has deleted. One whose state cannot be read is shown as
stopped, with a warning; "delete --force" removes it.
`

func prepareList(g *global, f *flag.FlagSet) action {
	format := choice{value: "table", of: []string{"table", "json"}}
	choiceFlag(f, &format, "format", "f", "for people or for programs")
	quiet := f.Bool("quiet", false, "the ids alone")
	f.Var(f.Lookup("quiet").Value, "q", "")
	return func(args []string) (int, error) {
		if len(args) > 0 {
			return 0, fmt.Errorf("list: %q: no argument is expected", args[0])
		}
		all, err := g.all()
		if err != nil {
			return 0, err
		}
		if *quiet {
			return 0, output(idLines(all))
		}
		states, warnings := states(all)
		g.log.warn(warnings)
		if format.value == "json" {
			return 0, output(statesJSON(states, owners()))
		}
		return 0, output(statesTable(states, owners()))
	}
}

// all finds all containers.
func (g *global) all() ([]*container.Container, error) {
	root, err := g.states()
	if err != nil {
		return nil, err
	}
	list, err := container.List(root)
	if err != nil {
		return nil, g.explained(err)
	}
	return list, nil
}

// choiceFlag declares a flag that is one of a few words, with a long and a short form.
func choiceFlag(f *flag.FlagSet, c *choice, long, short, usage string) {
	f.Var(c, long, usage)
	f.Var(c, short, "")
}

func idLines(all []*container.Container) string {
	var b strings.Builder
	for _, c := range all {
		b.WriteString(c.ID() + "\n")
	}
	return b.String()
}

// states asks each container for its state. One that somebody deletes meanwhile is none
// any more.
func states(all []*container.Container) (list []container.State, warnings []string) {
	for _, c := range all {
		s, err := c.State()
		switch {
		case errors.Is(err, container.ContainerNotExists):
			continue
		case err != nil:
			warnings = append(warnings, fmt.Sprintf("%s: %v", c.ID(), err))
			s = container.State{Version: container.StateVersion, ID: c.ID(), Status: container.Stopped}
		case s.Damaged != "":
			warnings = append(warnings, fmt.Sprintf("%s: %s", c.ID(), s.Damaged))
		}
		list = append(list, s)
	}
	return list, warnings
}

// statesJSON is one line, an array.
func statesJSON(list []container.State, owner func(uid int) string) string {
	b := []byte{'['}
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendState(b, s, owner(s.Owner), "")
	}
	return string(b) + "]\n"
}

// statesTable has the columns of other runtimes.
func statesTable(list []container.State, owner func(uid int) string) string {
	rows := [][]string{{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}}
	for _, s := range list {
		rows = append(rows, []string{s.ID, strconv.Itoa(s.Pid), string(s.Status), s.Bundle, s.Created.UTC().Format(time.RFC3339Nano), owner(s.Owner)})
	}
	return columns(rows)
}

const (
	columnWidth = 12 // at least
	columnGap   = 3
)

// columns aligns the cells of rows that have the same number of them. A cell with a
// control character, as a path may have, is quoted: a row is a line.
func columns(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, columnWidth)
			}
			row[i] = printable(cell)
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i])+columnGap)
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			if i == len(row)-1 {
				b.WriteString(cell + "\n")
				break
			}
			fmt.Fprintf(&b, "%-*s", widths[i], cell)
		}
	}
	return b.String()
}

// printable is a text as it is, or quoted where a terminal would not show it so.
func printable(text string) string {
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` && strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return quoted
	}
	return text
}
