package selfcontain

import (
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
)

// RunWithArgs runs the current program inside a container with the given arguments, and
// waits for it and for the end of the container, whose data stay. A status other than 0 is
// an [*ExitError].
//
// Meanwhile the signals by which somebody asks a program to end, and SIGUSR1, SIGUSR2 and
// SIGWINCH, are passed on to the program inside.
func RunWithArgs(config *Config, args []string) error {
	c, err := Get(config)
	if err != nil {
		return err
	}
	pass := catch()
	defer pass.stop()
	p, err := c.start(args)
	if err != nil {
		return c.failed("run", err)
	}
	pass.to(p)
	<-p.gone
	if err := p.outcome(); err != nil {
		return err
	}
	return c.failed("run", p.after)
}

// passed are the signals that are passed on.
var passed = [...]unix.Signal{
	unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH,
}

// passing passes signals on. Those that come before there is a program wait for it.
type passing struct {
	signals chan os.Signal
	once    sync.Once
	over    chan struct{}
}

// catch begins to catch signals, but for those that this process ignores: whoever has
// started it with nohup(1) wants that.
func catch() *passing {
	p := &passing{signals: make(chan os.Signal, 16), over: make(chan struct{})}
	for _, s := range passed {
		if !signal.Ignored(s) {
			signal.Notify(p.signals, s)
		}
	}
	return p
}

// to passes them on until stop.
func (p *passing) to(program *program) {
	go func() {
		for {
			select {
			case s := <-p.signals:
				if s, ok := s.(unix.Signal); ok {
					_ = program.Signal(s) // ESRCH: it has ended
				}
			case <-p.over:
				return
			}
		}
	}()
}

// stop gives the signals back.
func (p *passing) stop() {
	p.once.Do(func() {
		signal.Stop(p.signals)
		close(p.over)
	})
}
