package main

import (
	"flag"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/nsexec"
)

const runText = `The program of config.json runs with the standard input, output and error of this
command, and gets the signals that are sent to it. The exit status is the program's,
and 128+n if signal n ended it. If the container cannot be made nothing is left of
it, one line on standard error says why, and the exit status is 1.

With "terminal": true in config.json the program has a terminal of its own. If
standard input is one, what is typed there goes to the program, ^C and ^Z
included; if it is none, its end becomes a ^D.
`

func prepareRun(g *global, f *flag.FlagSet) action {
	plan := planRun(g, f)
	socket := f.String("console-socket", "", "send the program's terminal to the unix socket at `PATH` and do not use ours")
	return func(args []string) (int, error) {
		signals := catchSignals()
		j, err := plan(args)
		if err != nil {
			return 0, err
		}
		status, err := j.run(*socket, signals)
		if err != nil {
			return 0, g.explained(err)
		}
		return status, nil
	}
}

// start starts the container. The signals are forwarded to it by [signals.wait].
func start(plan *container.Plan, stdio container.Stdio, signals *signals) (*nsexec.Process, error) {
	if err := signals.ready(); err != nil {
		return nil, err
	}
	return plan.Start(stdio)
}

// exitStatus is what a shell makes of it.
func exitStatus(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// warn writes what is worth a look and stops nobody.
func warn(texts []string) {
	if len(texts) == 0 {
		return
	}
	name := paintFor(os.Stderr).warned("selfcontain: warning:")
	for _, text := range texts {
		fmt.Fprintf(os.Stderr, "%s %s\n", name, text)
	}
}
