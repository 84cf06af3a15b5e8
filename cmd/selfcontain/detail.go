package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/selfcontain/runtime/nsexec"
)

// explained is an error with all that is known about it, where --debug asks for that.
func (g *global) explained(err error) error {
	if !g.debug {
		return err
	}
	return detailed(err)
}

// detailed adds what is known of the operation that failed beyond the error's one line:
// the call with all its arguments, what it was for, what its errors mean, and where to
// read about it.
func detailed(err error) error {
	var op *nsexec.OpError
	if !errors.As(err, &op) {
		return err
	}
	var b strings.Builder
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "\n%-11s%s", name, text)
		}
	}
	line("call:", op.Op.String())
	line("for:", op.Op.Why)
	line("asked by:", op.Origin)
	line("errors:", op.Op.Hint)
	line("read:", "man 2 "+op.Op.Call.Name())
	return fmt.Errorf("%w%s", err, b.String())
}
