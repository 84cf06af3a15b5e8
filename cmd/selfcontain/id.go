package main

import (
	"errors"
	"flag"
	"fmt"

	"github.com/selfcontain/runtime/container"
)

// containerID is the one argument of a verb about a container.
func containerID(f *flag.FlagSet, args []string) (string, error) {
	var err error
	switch len(args) {
	case 0:
		err = errors.New("the id of the container is missing")
	case 1:
		err = container.CheckID(args[0])
	default:
		err = fmt.Errorf("%q: nothing is expected behind the id", args[1])
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", f.Name(), err)
	}
	return args[0], nil
}
