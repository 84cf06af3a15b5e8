package main

import (
	"os"
	"strings"
)

// paint puts colour on text, or does not.
type paint bool

// paintFor tells whether a file gets colour: a terminal that can show it, where
// nobody has said that he does not want any. https://no-color.org
func paintFor(f *os.File) paint {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	return paint(isTerminal(int(f.Fd())))
}

// Attributes of a terminal, console_codes(4): the eight colours that every palette has.
const (
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[1;31m"
	yellow = "\x1b[33m"
	usual  = "\x1b[0m"
)

func (p paint) with(attribute, text string) string {
	if !p {
		return text
	}
	return attribute + text + usual
}

func (p paint) failed(text string) string  { return p.with(red, text) }
func (p paint) warned(text string) string  { return p.with(yellow, text) }
func (p paint) heading(text string) string { return p.with(bold, text) }
func (p paint) aside(text string) string   { return p.with(dim, text) }

// plan paints a plan: headings, reasons and warnings. What programs read stays as it is.
func (p paint) plan(text, format string) string {
	if !p || format != "text" {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		call, why, reasoned := strings.Cut(line, "  # ")
		switch {
		case strings.HasPrefix(line, "warning:"):
			line = p.warned(line)
		case reasoned:
			line = call + "  " + p.aside("# "+why)
		case line != "" && line[0] >= 'a' && line[0] <= 'z' && strings.Contains(line, ": "):
			line = p.heading(line)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
