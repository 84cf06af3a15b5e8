package main

import (
	"fmt"

	"github.com/selfcontain/runtime/container"
)

// asked makes the plan of a container.
type asked func() (*container.Plan, error)

// parseAsked reads what a verb takes that shows what another one does: "run" or "box"
// with their own flags and arguments, or just the id of a container, whose bundle is
// that of the verb's own flag then. A container may be called run or box: where the
// flag is given the word is its id.
func parseAsked(args []string, bundle string, given bool) (asked, error) {
	if len(args) > 0 && !given {
		switch args[0] {
		case "box":
			var flags boxFlags
			f := flagSet("box")
			flags.declare(f)
			if err := f.Parse(args[1:]); err != nil {
				return nil, fmt.Errorf("box: %w", err)
			}
			return func() (*container.Plan, error) { return flags.compile(f.Args()) }, nil
		case "run":
			return parseRun(args[1:])
		}
	}
	if _, err := containerID(args); err != nil {
		return nil, err
	}
	return func() (*container.Plan, error) { return compile(bundle) }, nil
}

func parseRun(args []string) (asked, error) {
	f := flagSet("run")
	bundle := bundleFlag(f)
	if err := f.Parse(args); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	if _, err := containerID(f.Args()); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	return func() (*container.Plan, error) { return compile(*bundle) }, nil
}
