package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/selfcontain/runtime/container"
)

const traceText = `The container runs as "run" would run it. When its program has been started, or
could not be, everything that was done until then is written on standard error: when
it began and how long it took, on the host's side and in the container, one line for
each system call. A star marks the slowest, an exclamation mark what has failed.
Calls that were not made, because a branch led past them, are not shown.

Behind "trace run" stand the flags of run; where there is no "run" it is meant.
`

// planner declares the flags of a verb that starts a container, and returns what makes
// a plan of its arguments. The name is how the verb was called, for errors.
type planner func(name string, f *flag.FlagSet) func(args []string) (*container.Plan, error)

// findPlanner is the planner of a verb.
func findPlanner(verb string) (planner, bool) {
	switch verb {
	case "run":
		return planRun, true
	}
	return nil, false
}

// planRun is for run: a bundle and an id.
func planRun(name string, f *flag.FlagSet) func(args []string) (*container.Plan, error) {
	bundle := bundleFlag(f)
	return func(args []string) (*container.Plan, error) {
		if _, err := containerID(args); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return compile(*bundle)
	}
}

func prepareTrace(g *global, f *flag.FlagSet) action {
	asJSON := f.Bool("json", false, "write it as JSON, with times in nanoseconds")
	file := stringFlag(f, "output", "o", "", "write it to `FILE`")
	plan := planRun("trace", f)
	return func(args []string) (int, error) {
		if len(args) > 0 {
			if other, ok := findPlanner(args[0]); ok {
				if given(f, "bundle") || given(f, "b") {
					return 0, fmt.Errorf("trace: --bundle belongs behind %q", args[0])
				}
				verb := "trace " + args[0]
				own := flagSet(verb)
				plan = other(verb, own)
				switch err := own.Parse(args[1:]); {
				case errors.Is(err, flag.ErrHelp):
					v, _ := find("trace")
					return 0, output(v.help())
				case err != nil:
					return 0, fmt.Errorf("%s: %w", verb, err)
				}
				args = own.Args()
			}
		}
		signals := catchSignals()
		p, err := plan(args)
		if err != nil {
			return 0, err
		}
		return g.trace(p, signals, *file, *asJSON)
	}
}

// trace runs a plan and writes down how it went.
func (g *global) trace(plan *container.Plan, signals *signals, file string, asJSON bool) (int, error) {
	out := os.Stderr
	if file != "" {
		var err error
		if out, err = os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666); err != nil {
			return 0, fmt.Errorf("trace: %w", err)
		}
		defer out.Close()
	}
	warn(plan.Warnings)
	signals.ready()
	process, trace, failed := plan.StartTraced(container.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	if failed == nil {
		go signals.forward(process)
	}
	err := writeTrace(out, trace, asJSON, g.debug)
	if failed != nil {
		return 0, g.explained(failed)
	}
	status, waited := process.Wait()
	if err := errors.Join(err, waited); err != nil {
		return 0, err
	}
	return exitStatus(status), nil
}

// writeTrace writes a trace as text or as JSON.
func writeTrace(out *os.File, t *container.Trace, asJSON, detail bool) error {
	if !asJSON {
		return t.Write(out, detail)
	}
	b, err := t.MarshalJSON()
	if err != nil {
		return err
	}
	text := jsontext.Value(b)
	if err := text.Indent(jsontext.WithIndent("  ")); err != nil {
		return err
	}
	_, err = out.Write(append(text, '\n'))
	return err
}
