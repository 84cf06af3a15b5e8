package main

import (
	"errors"
	"fmt"
	"strings"
)

const (
	idLength  = 255
	idLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+.-"
)

// containerID is the one argument of a verb about a container. The id becomes the name
// of a directory, so it is neither a path nor one of the two names that every
// directory has.
func containerID(args []string) (string, error) {
	switch len(args) {
	case 0:
		return "", errors.New("the id of the container is missing")
	case 1:
	default:
		return "", fmt.Errorf("%q: nothing is expected behind the id", args[1])
	}
	id := args[0]
	switch {
	case id == "":
		return "", errors.New("the id of the container is empty")
	case len(id) > idLength:
		return "", fmt.Errorf("the id of the container has %d letters: %d are the most", len(id), idLength)
	case strings.Trim(id, idLetters) != "":
		return "", fmt.Errorf("id %q: letters, digits and _+.- are allowed", id)
	case id == "." || id == "..":
		return "", fmt.Errorf("id %q is no name for a container", id)
	}
	return id, nil
}
