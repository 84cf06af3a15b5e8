package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/plainjson"
)

const traceText = `The container runs as "run" or "box" would run it. When its program has been
started, or could not be, everything that was done until then is written on standard
error: when it began and how long it took, on the host's side and in the container,
one line for each system call. A star marks the slowest, an exclamation mark what has
failed. Calls that were not made, because a branch led past them, are not shown.

Behind "trace run", "trace box" and "trace exec" the flags are theirs; without one of
them run is meant.
`

func prepareTrace(g *global, f *flag.FlagSet) action {
	asJSON := f.Bool("json", false, "write it as JSON, with times in nanoseconds")
	file := stringFlag(f, "output", "o", "", "write it to `FILE`")
	own := planRun(false)(g, f)
	return func(args []string) (int, error) {
		signals := catchSignals()
		j, err := planOther(g, f, args, own)
		if err != nil {
			return 0, err
		}
		return g.trace(j, signals, *file, *asJSON)
	}
}

// trace runs a plan and writes down how it went.
func (g *global) trace(j *job, signals *signals, file string, asJSON bool) (status int, err error) {
	out := os.Stderr
	if file != "" {
		if out, err = os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666); err != nil {
			return 0, fmt.Errorf("trace: %w", err)
		}
		defer out.Close()
	}
	if j.limited != nil {
		return 0, errors.New("trace box: --memory, --cpus and --pids are for a container that is created and then started, and what is traced is not: leave them out, or plan it")
	}
	g.log.warn(j.plan.Warnings)
	console, err := openConsole(j.plan.Terminal, j.plan.Clone.Kept, "", signals)
	if err != nil {
		return 0, fmt.Errorf("trace: %w", err)
	}
	defer console.close()
	undo, err := j.prepare()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, undo()) }()
	if err := signals.ready(); err != nil {
		return 0, err
	}
	process, trace, failed := j.plan.StartTraced(console.stdio)
	written := make(chan error, 1)
	go func() { // whoever reads it may take his time, and signals are forwarded meanwhile
		written <- writeTrace(out, trace, asJSON, g.debug)
	}()
	if failed != nil {
		return 0, errors.Join(g.explained(failed), <-written)
	}
	wait, waited := signals.wait(process, process.PidFD())
	if err := errors.Join(<-written, waited); err != nil {
		return 0, err
	}
	console.terminal.drain()
	j.ended(&g.log)
	return exitStatus(wait), nil
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
	_, err = out.Write(append(plainjson.Indent(nil, b), '\n'))
	return err
}
