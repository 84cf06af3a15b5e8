package main

import (
	"fmt"
	"slices"
	"strings"
)

// zshScript describes the flags in the way of _arguments.
func zshScript(list []completed) string {
	var b strings.Builder
	b.WriteString("#compdef selfcontain\n# zsh completion of selfcontain\n")
	spec := func(c completed) {
		for _, f := range c.flags {
			text := strings.NewReplacer("[", "(", "]", ")", ":", " ", "'", "").Replace(f.usage)
			fmt.Fprintf(&b, " \\\n\t\t'*%s[%s]", f.name, text)
			switch {
			case f.words != nil:
				b.WriteString(":value:(" + strings.Join(f.words, " ") + ")")
			case f.dir:
				b.WriteString(":file:_files")
			case f.value:
				b.WriteString(":value: ")
			}
			b.WriteString("'")
		}
	}
	b.WriteString("_selfcontain_plannable() {\n\tcase $words[1] in\n")
	for _, c := range list {
		if slices.Contains(plannable, c.name) {
			fmt.Fprintf(&b, "\t%[1]s) _selfcontain_%[1]s ;;\n", c.name)
		}
	}
	b.WriteString("\tesac\n}\n")
	for _, c := range list {
		if c.name == "" {
			continue
		}
		fmt.Fprintf(&b, "_selfcontain_%s() {\n\t_arguments -s -S", c.name)
		spec(c)
		switch {
		case c.command:
			b.WriteString(" \\\n\t\t'(-)1:command:_command_names -e' '*::argument:_normal'")
		case c.name == "plan", c.name == "trace":
			b.WriteString(" \\\n\t\t'1:command:(" + strings.Join(plannable, " ") + ")' '*::argument:_selfcontain_plannable'")
		case c.words != nil:
			b.WriteString(" \\\n\t\t'1:word:(" + strings.Join(c.words, " ") + ")'")
		}
		b.WriteString("\n}\n")
	}
	b.WriteString("_selfcontain() {\n\tlocal line state\n\t_arguments -C -S")
	spec(list[0])
	b.WriteString(" \\\n\t\t'1:command:->command' '*::argument:->argument'\n\tcase $state in\n\tcommand) _values command")
	for _, c := range list[1:] {
		fmt.Fprintf(&b, " \\\n\t\t'%s[%s]'", c.name, c.summary)
	}
	b.WriteString(" ;;\n\targument) (( $+functions[_selfcontain_$line[1]] )) && _selfcontain_$line[1] ;;\n\tesac\n}\n_selfcontain \"$@\"\n")
	return b.String()
}
