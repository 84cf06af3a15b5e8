package container

import (
	"errors"
	"fmt"
	"strings"
)

const (
	idLength  = 255 // NAME_MAX: it is the name of a directory
	idLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+.-"
)

// CheckID returns an error with the code [InvalidIDFormat] for what cannot be the id of a
// container. The id becomes the name of a directory, so it is neither a path nor one of
// the two names that every directory has.
func CheckID(id string) error {
	var wrong error
	switch {
	case id == "":
		wrong = errors.New("the id of the container is empty")
	case len(id) > idLength:
		wrong = fmt.Errorf("the id of the container has %d letters: %d are the most", len(id), idLength)
	case strings.Trim(id, idLetters) != "":
		wrong = fmt.Errorf("id %q: letters, digits and _+.- are allowed", id)
	case id == "." || id == "..":
		wrong = fmt.Errorf("id %q is no name for a container", id)
	default:
		return nil
	}
	return &Error{Code: InvalidIDFormat, ID: id, Op: "check", Err: wrong}
}
