package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/selfcontain/runtime/container"
)

const psText = `The table is what ps(1) of this machine prints for "ps -ef", or with the arguments
behind the id, less the lines of other processes. The JSON is an array of numbers, as
they are in this command's pid namespace.
`

func preparePs(g *global, f *flag.FlagSet) action {
	format := choice{value: "table", of: []string{"table", "json"}}
	choiceFlag(f, &format, "format", "f", "for people or for programs")
	return func(args []string) (int, error) {
		c, err := g.load(f, args[:min(len(args), 1)])
		if err != nil {
			return 0, err
		}
		pids, err := c.Processes()
		if err != nil && !errors.Is(err, container.ContainerNotRunning) {
			return 0, g.explained(err)
		}
		if format.value == "json" {
			if len(args) > 1 {
				return 0, fmt.Errorf("ps: %q: arguments of ps(1) are for --format table", args[1])
			}
			return 0, output(numbersJSON(pids))
		}
		all, err := processTable(args[1:])
		if err != nil {
			return 0, fmt.Errorf("ps: %w", err)
		}
		text, err := linesOf(all, pids)
		if err != nil {
			return 0, fmt.Errorf("ps: %w", err)
		}
		return 0, output(text)
	}
}

func numbersJSON(list []int) string {
	b := []byte{'['}
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return string(b) + "]\n"
}

// processTable is what ps(1) prints.
func processTable(args []string) (string, error) {
	if len(args) == 0 {
		args = []string{"-ef"}
	}
	text, status, err := run(nil, "ps", args...)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w; --format json needs none", err)
	case status != 0: // it has said why
		return "", fmt.Errorf("ps(1) ended with status %d", status)
	}
	return text, nil
}

// linesOf keeps the first line of a table, which names its columns, and those whose
// column PID is one of the numbers.
func linesOf(table string, pids []int) (string, error) {
	var b strings.Builder
	column := -1
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if column < 0 {
			if column = slices.Index(fields, "PID"); column < 0 {
				return "", errors.New("what ps(1) prints has no column PID: it needs one, such as of -o pid,comm")
			}
			b.WriteString(line)
			continue
		}
		if len(fields) <= column {
			continue
		}
		if pid, err := strconv.Atoi(fields[column]); err == nil && slices.Contains(pids, pid) {
			b.WriteString(line)
		}
	}
	return b.String(), nil
}
