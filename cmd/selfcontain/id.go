package main

import (
	"errors"
	"fmt"

	"github.com/selfcontain/runtime/container"
)

// containerID is the one argument of a verb about a container.
func containerID(args []string) (string, error) {
	switch len(args) {
	case 0:
		return "", errors.New("the id of the container is missing")
	case 1:
		return args[0], container.CheckID(args[0])
	}
	return "", fmt.Errorf("%q: nothing is expected behind the id", args[1])
}
