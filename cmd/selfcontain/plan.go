package main

import (
	"errors"
	"flag"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/selfcontain/runtime/container"
)

const planText = `Nothing is done and no privilege is needed: the bundle is read, the machine is
asked what it can do, and every system call that "run" would make is printed, with
the reason why. A warning is about what is in config.json and has no effect.
`

func preparePlan(g *global, f *flag.FlagSet) action {
	bundle, flags := bundleFlag(f), processFlags(f)
	format := f.String("format", "text", "print it as `FORMAT`, text or json")
	brief := f.Bool("brief", false, "one line for each part of the configuration")
	digest := f.Bool("digest", false, "only the SHA-256 of what the container would execute")
	return func(args []string) (int, error) {
		id, err := containerID(args)
		if err != nil {
			return 0, fmt.Errorf("plan: %w", err)
		}
		show, err := planFormat(*format, *brief, *digest, g.debug)
		if err != nil {
			return 0, fmt.Errorf("plan: %w", err)
		}
		plan, err := compile(*bundle, flags.change(id))
		if err != nil {
			return 0, err
		}
		text, err := show(plan)
		if err != nil {
			return 0, err
		}
		if *brief || *digest { // neither of which has them
			warn(plan.Warnings)
		}
		return 0, output(text)
	}
}

// planFormat chooses how a plan is shown.
func planFormat(format string, brief, digest, detail bool) (func(*container.Plan) (string, error), error) {
	switch {
	case format != "text" && format != "json":
		return nil, fmt.Errorf("--format %q: text or json", format)
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
	text := jsontext.Value(b)
	if err := text.Indent(jsontext.WithIndent("  ")); err != nil {
		return "", err
	}
	return string(text) + "\n", nil
}
