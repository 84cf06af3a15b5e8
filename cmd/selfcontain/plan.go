package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/plainjson"
)

const planText = `Nothing is done and no privilege is needed: the machine is asked what it can do, and
every system call that the command would make is printed, with the reason why. What
is asked for is the bundle of --bundle, or "run", "box" or "exec" with flags and
arguments of their own. A warning is about what was asked for and has no effect.
`

func preparePlan(g *global, f *flag.FlagSet) action {
	own := planRun(true)(g, f)
	format := choice{value: "text", of: []string{"text", "json"}}
	f.Var(&format, "format", "print it for people or for programs")
	brief := f.Bool("brief", false, "one line for each part of the configuration")
	digest := f.Bool("digest", false, "only the SHA-256 of what the container would execute")
	return func(args []string) (int, error) {
		show, err := planFormat(format.value, *brief, *digest, g.debug)
		if err != nil {
			return 0, fmt.Errorf("plan: %w", err)
		}
		j, err := planOther(g, f, args, own)
		if err != nil {
			return 0, err
		}
		text, err := show(j.plan)
		if err != nil {
			return 0, err
		}
		if *brief || *digest { // neither of which has them
			g.log.warn(j.plan.Warnings)
		}
		return 0, output(paintFor(os.Stdout).plan(text, format.value))
	}
}

// planFormat chooses how a plan is shown.
func planFormat(format string, brief, digest, detail bool) (func(*container.Plan) (string, error), error) {
	switch {
	case brief && digest, brief && format == "json", digest && format == "json":
		return nil, errors.New("--brief, --digest and --format=json: only one of them is possible")
	case digest:
		return func(p *container.Plan) (string, error) {
			sum, err := p.Digest()
			return sum + "\n", err
		}, nil
	case format == "json":
		return planJSON, nil
	}
	layout := "%v"
	switch {
	case brief:
		layout = "%s"
	case detail:
		layout = "%+v"
	}
	return func(p *container.Plan) (string, error) { return fmt.Sprintf(layout, p), nil }, nil
}

// planJSON is for programs, and for people who look at what programs see.
func planJSON(p *container.Plan) (string, error) {
	b, err := p.MarshalJSON()
	if err != nil {
		return "", err
	}
	return string(append(plainjson.Indent(nil, b), '\n')), nil
}
