package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
)

const completionText = `The script stands for itself and does not run this command. What it is written to:

  bash  ~/.local/share/bash-completion/completions/selfcontain
  zsh   a file _selfcontain in a directory of $fpath
  fish  ~/.config/fish/completions/selfcontain.fish
`

func prepareCompletion(*global, *flag.FlagSet) action {
	return func(args []string) (int, error) {
		scripts := map[string]func([]completed) string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}
		if len(args) != 1 {
			return 0, errors.New("completion: want the name of one shell: bash, zsh or fish")
		}
		script, known := scripts[args[0]]
		if !known {
			return 0, fmt.Errorf("completion: shell %q: want bash, zsh or fish", args[0])
		}
		return 0, output(script(completions()))
	}
}

// completed is what a script has to know of a verb, or of the program itself, whose
// name is empty.
type completed struct {
	name, summary string
	flags         []completedFlag
	command       bool     // a program and its arguments follow
	words         []string // that may follow
}

// plannable are the verbs that can be planned and traced: findPlanner.
var plannable = []string{"run", "box", "exec"}

// completedFlag is a flag as it is typed.
type completedFlag struct {
	name  string // with its dashes
	usage string
	value bool     // a word follows
	dir   bool     // it is a directory or a file
	words []string // it is one of these
}

// completions reads the tables of verbs and flags.
func completions() []completed {
	list := []completed{{flags: completedFlags(new(global).flags())}}
	var names []string
	for _, v := range verbs() {
		f := flagSet(v.name)
		v.prepare(new(global), f)
		names = append(names, v.name)
		c := completed{name: v.name, summary: v.summary, flags: completedFlags(f), command: v.name == "box"}
		switch v.name {
		case "completion":
			c.words = strings.Split(v.args, "|")
		case "plan", "trace":
			c.words = plannable
		}
		list = append(list, c)
	}
	for i := range list {
		if list[i].name == "help" || list[i].name == "" {
			list[i].words = names
		}
	}
	return list
}

func completedFlags(f *flag.FlagSet) (list []completedFlag) {
	f.VisitAll(func(x *flag.Flag) {
		long := x
		if x.Usage == "" { // a short form: the long one has the text
			f.VisitAll(func(y *flag.Flag) {
				if y.Value == x.Value && y.Usage != "" {
					long = y
				}
			})
		}
		value, usage := valueOf(long)
		c := completedFlag{name: "--" + x.Name, usage: usage, value: value != ""}
		if len(x.Name) == 1 {
			c.name = "-" + x.Name
		} else if x != long {
			return // of "-it" there is nothing to complete
		}
		switch {
		case strings.Contains(value, "|"):
			c.words = strings.Split(value, "|")
			for i, word := range c.words { // ipvlan:MASTER
				if at := strings.IndexByte(word, ':'); at >= 0 {
					c.words[i] = word[:at+1]
				}
			}
		case strings.HasPrefix(value, "DIR"), strings.HasPrefix(value, "SRC"), strings.HasPrefix(value, "PATH"):
			c.dir = true
		}
		list = append(list, c)
	})
	return list
}

// names are the flags of a verb.
func (c completed) names() string {
	var names []string
	for _, f := range c.flags {
		names = append(names, f.name)
	}
	return strings.Join(names, " ")
}
