package main

import (
	"fmt"
	"strings"
)

// fishScript is a line a flag.
func fishScript(list []completed) string {
	var b strings.Builder
	b.WriteString("# fish completion of selfcontain\ncomplete -c selfcontain -f\n")
	quote := func(text string) string {
		return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
	}
	for _, c := range list {
		when := "__fish_use_subcommand"
		if c.name != "" {
			when = "__fish_seen_subcommand_from " + c.name
			fmt.Fprintf(&b, "complete -c selfcontain -n __fish_use_subcommand -a %s -d %s\n", c.name, quote(c.summary))
		}
		for _, f := range c.flags {
			name := "-l " + strings.TrimPrefix(f.name, "--")
			if len(f.name) == 2 {
				name = "-s " + f.name[1:]
			}
			fmt.Fprintf(&b, "complete -c selfcontain -n %s %s -d %s", quote(when), name, quote(f.usage))
			switch {
			case f.words != nil:
				b.WriteString(" -x -a " + quote(strings.Join(f.words, " ")))
			case f.dir:
				b.WriteString(" -r -F")
			case f.value:
				b.WriteString(" -x")
			}
			b.WriteByte('\n')
		}
		switch {
		case c.command:
			fmt.Fprintf(&b, "complete -c selfcontain -n %s -x -a '(__fish_complete_subcommand --fcs-skip=2)'\n", quote(when))
		case c.name != "" && c.words != nil:
			fmt.Fprintf(&b, "complete -c selfcontain -n %s -a %s\n", quote(when), quote(strings.Join(c.words, " ")))
		}
	}
	return b.String()
}
