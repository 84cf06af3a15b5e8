package main

import (
	"flag"

	"github.com/selfcontain/runtime/container"
)

const pauseText = `No process of the container runs until "resume": the kernel freezes its cgroup.
`

func preparePause(g *global, f *flag.FlagSet) action {
	return func(args []string) (int, error) {
		return 0, g.each(f, args, false, (*container.Container).Pause)
	}
}

func prepareResume(g *global, f *flag.FlagSet) action {
	return func(args []string) (int, error) {
		return 0, g.each(f, args, false, (*container.Container).Resume)
	}
}
