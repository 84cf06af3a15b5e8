// A command that lives for some milliseconds does not look again how many processors it may use.
// (That it looks for a quota of its cgroup at the start cannot be turned off.)

//go:debug updatemaxprocs=0

// Selfcontain makes containers, and says beforehand what it will do.
//
//	selfcontain box -- sh               a shell in a copy of this machine that is thrown away
//	selfcontain spec                    write a config.json
//	selfcontain plan --brief mybox      what "run" would do
//	selfcontain run mybox               do it
//
// "selfcontain help COMMAND" has the rest.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// failure is the exit status for an error of our own. The status of a container's
// program may be the same: whoever has to tell them apart looks at standard error.
const failure = 1

func main() {
	growStack()
	g := global{slack: leaveEntry()}
	status, err := g.selfcontain(os.Args[1:])
	switch {
	case err == nil:
		g.log.succeeded()
	case status == 0:
		status = failure
	}
	if err != nil {
		g.log.failed(err)
	}
	os.Exit(status)
}

// complain writes an error on standard error. Most are one line; of a configuration
// with several mistakes every line is one, and --debug adds what it knows.
func complain(err error) {
	name := paintFor(os.Stderr).failed("selfcontain:")
	var text strings.Builder
	for line := range strings.SplitSeq(err.Error(), "\n") {
		text.WriteString(name + " " + line + "\n")
	}
	// Nothing is left to tell anybody if this fails.
	_, _ = os.Stderr.WriteString(text.String())
}

// verb is a command.
type verb struct {
	name    string
	args    string // that stand behind the flags
	summary string // one line of the list
	text    string // what its help says besides that
	// prepare declares the flags and returns what to do with the arguments.
	prepare func(*global, *flag.FlagSet) action
	// failed is the exit status for an error in the flags; 0 is that of the others.
	failed int
}

// action does what a verb is for, and returns the exit status. With an error, 0 is that
// of an error of our own.
type action func(args []string) (int, error)

// verbs is in the order in which people meet them. It is no variable: help, which is
// one of them, reads it.
func verbs() []verb {
	return []verb{
		{"box", "[--] [CMD [ARGUMENT...]]", "run a program in a container, with nothing to prepare", boxText, prepareBox, boxFailed},
		{"spec", "", "write a config.json to begin with", specText, prepareSpec, 0},
		{"plan", "ID | run ... | box ... | exec ...", "show what run, box or exec would do, and do nothing", planText, preparePlan, 0},
		{"run", "ID", "run the container of a config.json and wait for it", runText, prepareRun, 0},
		{"create", "ID", "make the container of a config.json, up to its program", createText, prepareCreate, 0},
		{"start", "ID", "begin the program of a created container", startText, prepareStart, 0},
		{"state", "ID", "show the state of a container", stateText, prepareState, 0},
		{"list", "", "show all containers", listText, prepareList, 0},
		{"ps", "ID [ARGUMENT...]", "show the processes of a container", psText, preparePs, 0},
		{"exec", "ID CMD [ARGUMENT...]", "run a program in a container that runs", execText, prepareExec, execFailed},
		{"kill", "ID [SIGNAL]", "send a signal to a container", killText, prepareKill, 0},
		{"pause", "ID", "freeze the processes of a container", pauseText, preparePause, 0},
		{"resume", "ID", "let the processes of a paused container go on", "", prepareResume, 0},
		{"update", "ID", "change the limits of a container", updateText, prepareUpdate, 0},
		{"events", "ID", "show what a container uses, and when its memory runs out", eventsText, prepareEvents, 0},
		{"delete", "ID", "remove a container", deleteText, prepareDelete, 0},
		{"trace", "ID | run ... | box ... | exec ...", "run a container and show each call and its time", traceText, prepareTrace, 0},
		{"completion", "bash|zsh|fish", "write the completion of a shell", completionText, prepareCompletion, 0},
		{"version", "", "show the version", "", prepareVersion, 0},
		{"help", "[COMMAND]", "show how a command is used", "", prepareHelp, 0},
	}
}

func find(name string) (verb, bool) {
	for _, v := range verbs() {
		if v.name == name {
			return v, true
		}
	}
	return verb{}, false
}

// flagSet makes an empty set. The first word that is no flag ends the flags, unless
// [verb.parse] goes on behind it. A flag may have one dash or two, as with the other
// runtimes: their callers use both.
func flagSet(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard) // the caller writes errors, and help only where it is asked for
	return f
}

// given reports whether a flag stands among the arguments, in its long or its short form,
// which are two flags with one value.
func given(f *flag.FlagSet, name string) (found bool) {
	value := f.Lookup(name).Value
	f.Visit(func(x *flag.Flag) { found = found || x.Value == value })
	return found
}

// selfcontain runs the command that the arguments name.
func (g *global) selfcontain(args []string) (int, error) {
	f := g.flags()
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0, output(overview())
	case err != nil:
		return 0, err
	}
	if err := g.check(given(f, "root")); err != nil {
		return 0, err
	}
	if g.version {
		return 0, output(versionLines())
	}
	if f.NArg() == 0 {
		return 0, errors.New("a command is missing; selfcontain help lists them")
	}
	v, known := find(f.Arg(0))
	if !known {
		return 0, fmt.Errorf("unknown command %q; selfcontain help lists them", f.Arg(0))
	}
	return v.do(g, f.Args()[1:])
}

// do parses the verb's own flags and runs it.
func (v verb) do(g *global, args []string) (int, error) {
	f := flagSet(v.name)
	act := v.prepare(g, f)
	words, err := v.parse(f, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0, output(v.help())
	case err != nil:
		return v.failed, fmt.Errorf("%s: %w", v.name, err)
	}
	status, err := act(words)
	if asked := (helpAsked{}); errors.As(err, &asked) {
		if other, known := find(asked.verb); known {
			return 0, output(other.help())
		}
	}
	return status, err
}

// parse sets flags, and returns the words that are none. Flags may stand behind an id as
// well, as with the other runtimes, but not where what is there belongs to another program;
// "--" ends them. What only looks like a flag there is a word: kill says what is wrong with
// the signal -9.
func (v verb) parse(f *flag.FlagSet, args []string) (words []string, err error) {
	for {
		if err := f.Parse(args); err != nil || strings.Contains(v.args, "...") {
			return f.Args(), err
		}
		if used := len(args) - f.NArg(); used > 0 && args[used-1] == "--" {
			return append(words, f.Args()...), nil
		}
		args = f.Args()
		for len(args) > 0 && args[0] != "--" && !isFlag(f, args[0]) {
			words, args = append(words, args[0]), args[1:]
		}
		if len(args) == 0 {
			return words, nil
		}
	}
}

// isFlag tells whether a word is one of the flags, or asks for help.
func isFlag(f *flag.FlagSet, word string) bool {
	name, dashed := strings.CutPrefix(word, "-")
	if !dashed {
		return false
	}
	name, _, _ = strings.Cut(strings.TrimPrefix(name, "-"), "=")
	return f.Lookup(name) != nil || name == "h" || name == "help"
}

// output writes text on standard output. A full disk is an error like others.
func output(text string) error {
	_, err := os.Stdout.WriteString(text)
	return err
}
