package main

import (
	"errors"
	"flag"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
)

const killText = `The signal is a number or a name, with or without SIG, and TERM by default. It goes
to the container's first process. As the first one of a pid namespace that gets only
what it catches, KILL and STOP. With --all the signal goes to every process.
`

func prepareKill(g *global, f *flag.FlagSet) action {
	all := f.Bool("all", false, "every process of the container; it is no error if it has none")
	f.Var(f.Lookup("all").Value, "a", "")
	regex := regexFlag(f)
	return func(args []string) (int, error) {
		if len(args) > 2 {
			return 0, fmt.Errorf("kill: %q: nothing is expected behind the signal", args[2])
		}
		sig := unix.SIGTERM
		if len(args) == 2 {
			var err error
			if sig, err = parseSignal(args[1]); err != nil {
				return 0, fmt.Errorf("kill: %w", err)
			}
			args = args[:1]
		}
		return 0, g.each(f, args, *regex, func(c *container.Container) error {
			err := c.Signal(sig, *all)
			if *all && errors.Is(err, container.ContainerNotRunning) {
				return nil
			}
			return err
		})
	}
}
