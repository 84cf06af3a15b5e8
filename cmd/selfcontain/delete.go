package main

import (
	"errors"
	"flag"

	"github.com/selfcontain/runtime/container"
)

const deleteText = `What a stopped container has left is removed: its state and its cgroup. With --force
one that runs is killed before, with all of its processes, one whose state is damaged
is removed as well, and it is no error if there is none.
`

func prepareDelete(g *global, f *flag.FlagSet) action {
	force := f.Bool("force", false, "kill what runs, and do not mind if there is nothing")
	f.Var(f.Lookup("force").Value, "f", "")
	regex := regexFlag(f)
	return func(args []string) (int, error) {
		err := g.each(f, args, *regex, func(c *container.Container) error {
			c.Warn = g.log.warn
			return c.Destroy(*force)
		})
		if *force && errors.Is(err, container.ContainerNotExists) {
			err = nil
		}
		return 0, err
	}
}
