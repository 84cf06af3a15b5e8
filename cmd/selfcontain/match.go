package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/selfcontain/runtime/container"
)

func regexFlag(f *flag.FlagSet) *bool {
	return f.Bool("regex", false, "the id is a regular expression of those that are meant, as grep -E reads it")
}

// each does something with the container of an id, or with all whose ids a regular
// expression matches. One that fails does not keep the others from their turn.
func (g *global) each(f *flag.FlagSet, args []string, regex bool, do func(*container.Container) error) error {
	if !regex {
		c, err := g.load(f, args)
		if err != nil {
			return err
		}
		return g.explained(do(c))
	}
	if len(args) != 1 {
		return fmt.Errorf("%s: --regex: want one expression", f.Name())
	}
	all, err := g.all()
	if err != nil {
		return err
	}
	matches, err := matching(args[0], idLines(all))
	if err != nil {
		return fmt.Errorf("%s: --regex: %w", f.Name(), err)
	}
	var failed []error
	for _, c := range all {
		if !matches[c.ID()] {
			continue
		}
		if err := do(c); err != nil && !errors.Is(err, container.ContainerNotExists) {
			failed = append(failed, g.explained(err))
		}
	}
	return errors.Join(failed...)
}

// matching are the lines of a text that a regular expression matches. The machine's
// grep(1) looks: package regexp would cost every command's start a twentieth of a
// millisecond, for a flag that hardly anybody uses.
func matching(expression, text string) (map[string]bool, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	written := make(chan error, 1)
	go func() {
		_, err := w.WriteString(text)
		written <- errors.Join(err, w.Close())
	}()
	found, status, err := run(r, "grep", "-E", "-e", expression)
	switch {
	case err != nil:
		return nil, err
	case status > 1: // it has said why
		return nil, fmt.Errorf("grep -E does not take %q", expression)
	}
	matches := make(map[string]bool)
	for line := range strings.Lines(found) {
		matches[strings.TrimSuffix(line, "\n")] = true
	}
	return matches, <-written
}
