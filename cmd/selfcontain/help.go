package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// overview is the help of the whole program.
func overview() string {
	var b strings.Builder
	b.WriteString("Run OCI bundles in containers, and say beforehand what will be done.\n\n")
	b.WriteString("Usage: selfcontain [FLAGS] COMMAND [FLAGS] [ARGUMENTS]\n\nCommands:\n")
	for _, v := range verbs() {
		fmt.Fprintf(&b, "  %-8s %s\n", v.name, v.summary)
	}
	b.WriteString("\nFlags:\n" + new(global).flags().FlagUsagesWrapped(width))
	b.WriteString("\n\"selfcontain help COMMAND\" shows how a command is used.\n")
	return b.String()
}

// width is what a line of help has at most.
const width = 80

// help is how a verb is used.
func (v verb) help() string {
	f := flagSet(v.name)
	v.prepare(new(global), f)
	var b strings.Builder
	b.WriteString("Usage: selfcontain " + v.name)
	if f.HasFlags() {
		b.WriteString(" [FLAGS]")
	}
	if v.args != "" {
		b.WriteString(" " + v.args)
	}
	b.WriteString("\n\n" + strings.ToUpper(v.summary[:1]) + v.summary[1:] + ".\n")
	if v.text != "" {
		b.WriteString("\n" + v.text)
	}
	if f.HasFlags() {
		b.WriteString("\nFlags:\n" + f.FlagUsagesWrapped(width))
	}
	return b.String()
}

func prepareHelp(*global, *pflag.FlagSet) action {
	return func(args []string) (int, error) {
		switch len(args) {
		case 0:
			return 0, output(overview())
		case 1:
			v, known := find(args[0])
			if !known {
				return 0, fmt.Errorf("help: unknown command %q", args[0])
			}
			return 0, output(v.help())
		}
		return 0, errors.New("help: more than one command")
	}
}
