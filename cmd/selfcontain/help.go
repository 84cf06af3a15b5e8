package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
)

// overview is the help of the whole program.
func overview() string {
	var b strings.Builder
	b.WriteString("Make containers, and say beforehand what will be done.\n\n")
	b.WriteString("Usage: selfcontain [FLAGS] COMMAND [FLAGS] [ARGUMENTS]\n\nCommands:\n")
	for _, v := range verbs() {
		fmt.Fprintf(&b, "  %-11s %s\n", v.name, v.summary)
	}
	b.WriteString("\nFlags:\n" + flagUsages(new(global).flags()))
	b.WriteString("\n\"selfcontain help COMMAND\" shows how a command is used.\n")
	return b.String()
}

// width is what a line of help has at most, and usageColumn where the text of a flag
// begins.
const (
	width       = 80
	usageColumn = 24
)

func hasFlags(f *flag.FlagSet) (has bool) {
	f.VisitAll(func(*flag.Flag) { has = true })
	return has
}

// flagUsages lists flags. One without a text is the short form of the one that has the
// same value.
func flagUsages(f *flag.FlagSet) string {
	var b strings.Builder
	f.VisitAll(func(x *flag.Flag) {
		if x.Usage == "" {
			return
		}
		short := "    "
		f.VisitAll(func(y *flag.Flag) {
			if y.Usage == "" && y.Value == x.Value && len(y.Name) == 1 {
				short = "-" + y.Name + ", "
			}
		})
		value, usage := valueOf(x)
		if x.DefValue != "" && x.DefValue != "false" {
			usage += " (default " + x.DefValue + ")"
		}
		left := "  " + short + strings.TrimSpace("--"+x.Name+" "+value)
		b.WriteString(left)
		if len(left) >= usageColumn { // no room for two spaces between the two
			b.WriteByte('\n')
			left = ""
		}
		b.WriteString(strings.Repeat(" ", usageColumn-len(left)))
		indent(&b, usage, usageColumn)
	})
	return b.String()
}

// indent writes a text whose lines begin at a column and end before width.
func indent(b *strings.Builder, text string, column int) {
	at := column
	for word := range strings.FieldsSeq(text) {
		if at > column && at+1+len(word) > width {
			b.WriteString("\n" + strings.Repeat(" ", column))
			at = column
		}
		if at > column {
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	b.WriteByte('\n')
}

// help is how a verb is used.
func (v verb) help() string {
	f := flagSet(v.name)
	v.prepare(new(global), f)
	var b strings.Builder
	b.WriteString("Usage: selfcontain " + v.name)
	if hasFlags(f) {
		b.WriteString(" [FLAGS]")
	}
	if v.args != "" {
		b.WriteString(" " + v.args)
	}
	b.WriteString("\n\n" + strings.ToUpper(v.summary[:1]) + v.summary[1:] + ".\n")
	if v.text != "" {
		b.WriteString("\n" + v.text)
	}
	if hasFlags(f) {
		b.WriteString("\nFlags:\n" + flagUsages(f))
	}
	return b.String()
}

func prepareHelp(*global, *flag.FlagSet) action {
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
