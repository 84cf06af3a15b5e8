package main

import (
	"errors"
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
`

func prepareRun(g *global, f *flag.FlagSet) action {
	bundle := bundleFlag(f)
	return func(args []string) (int, error) {
		if _, err := containerID(args); err != nil {
			return 0, fmt.Errorf("run: %w", err)
		}
		signals := catchSignals()
		plan, err := compile(*bundle)
		if err != nil {
			return 0, err
		}
		warn(plan.Warnings)
		process, err := start(plan, signals)
		if err != nil {
			if g.debug {
				err = detailed(err)
			}
			return 0, err
		}
		status, err := signals.wait(process)
		if err != nil {
			return 0, err
		}
		return exitStatus(status), nil
	}
}

// start starts the container. The signals are forwarded to it by [signals.wait].
func start(plan *container.Plan, signals *signals) (*nsexec.Process, error) {
	if err := signals.ready(); err != nil {
		return nil, err
	}
	return plan.Start(container.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
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
	for _, text := range texts {
		fmt.Fprintf(os.Stderr, "selfcontain: warning: %s\n", text)
	}
}

// detailed adds what is known of the operation that failed beyond the error's one line.
func detailed(err error) error {
	var op *nsexec.OpError
	if !errors.As(err, &op) {
		return err
	}
	return fmt.Errorf("%w\n%+v", err, op.Op)
}
