package main

import (
	"flag"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/nsexec/prog"
)

const stateText = `One JSON object: what the OCI runtime specification calls the state of a container,
and besides the directory of its root file system, when it was made and by whom.
`

func prepareState(g *global, f *flag.FlagSet) action {
	return func(args []string) (int, error) {
		c, err := g.load(f, args)
		if err != nil {
			return 0, err
		}
		s, err := c.State()
		if err != nil {
			return 0, g.explained(err)
		}
		return 0, output(string(appendState(nil, s, owners()(s.Owner), "  ")) + "\n")
	}
}

// load finds the container that is the one argument of a verb.
func (g *global) load(f *flag.FlagSet, args []string) (*container.Container, error) {
	id, err := containerID(f, args)
	if err != nil {
		return nil, err
	}
	root, err := g.states()
	if err != nil {
		return nil, err
	}
	c, err := container.Load(root, id)
	if err != nil {
		return nil, g.explained(err)
	}
	return c, nil
}

// appendState appends a state as JSON. With an indentation it has a line for each
// property, without it is one line.
func appendState(b []byte, s container.State, owner, indent string) []byte {
	between, colon, end := ",", ":", ""
	if indent != "" {
		between, colon, end = ",\n"+indent, ": ", "\n"
	}
	b = append(b, '{')
	if indent != "" {
		b = append(b, "\n"+indent...)
	}
	key := func(name string) { b = append(append(b, `"`+name+`"`...), colon...) }
	text := func(name, value string) {
		key(name)
		b = append(prog.AppendQuoteJSON(b, value), between...)
	}
	text("ociVersion", s.Version)
	text("id", s.ID)
	key("pid")
	b = append(strconv.AppendInt(b, int64(s.Pid), 10), between...)
	text("status", string(s.Status))
	text("bundle", s.Bundle)
	text("rootfs", s.Rootfs)
	text("created", s.Created.UTC().Format(time.RFC3339Nano))
	if len(s.Annotations) > 0 {
		key("annotations")
		b = appendAnnotations(b, s.Annotations, colon, indent)
		b = append(b, between...)
	}
	key("owner")
	b = prog.AppendQuoteJSON(b, owner)
	return append(append(b, end...), '}')
}

// appendAnnotations appends them in the order of their names, so that the same state is
// the same text.
func appendAnnotations(b []byte, m map[string]string, colon, indent string) []byte {
	begin, between, end := "{", ",", "}"
	if indent != "" {
		line := "\n" + indent + indent
		begin, between, end = "{"+line, ","+line, "\n"+indent+"}"
	}
	b = append(b, begin...)
	for i, name := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, between...)
		}
		b = append(prog.AppendQuoteJSON(b, name), colon...)
		b = prog.AppendQuoteJSON(b, m[name])
	}
	return append(b, end...)
}
