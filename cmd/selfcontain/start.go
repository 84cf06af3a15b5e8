package main

import (
	"flag"

	"github.com/selfcontain/runtime/container"
)

const startText = `The program of a container that "create" has made begins. If it cannot be executed
the error says why, and the container is stopped.
`

func prepareStart(g *global, f *flag.FlagSet) action {
	return func(args []string) (int, error) {
		return 0, g.each(f, args, false, (*container.Container).Exec)
	}
}
