package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/plainjson"
)

const eventsText = `One JSON object a line: "type", "id" and, of the type "stats", "data" with what the
cgroup of the container has used: cpu, memory, pids, blkio and hugetlb, and as psi
how long it has waited for them. What the cgroup has no controller for is 0. Times
are in nanoseconds, but those of psi in microseconds.

A line of the type "oom" comes at once when memory has run out and the kernel kills
a process for it. The command ends when the container does.
`

func prepareEvents(g *global, f *flag.FlagSet) action {
	interval := f.Duration("interval", 5*time.Second, "write statistics every `TIME`, such as 500ms or 1m")
	once := f.Bool("stats", false, "write statistics once, and end")
	return func(args []string) (int, error) {
		if *interval <= 0 {
			return 0, fmt.Errorf("events: --interval %v: want more than 0", *interval)
		}
		c, err := g.load(f, args)
		if err != nil {
			return 0, err
		}
		status, err := c.Status()
		switch {
		case err != nil:
			return 0, g.explained(err)
		case status == container.Stopped, status == container.Creating:
			return 0, &container.Error{Code: container.ContainerNotRunning, ID: c.ID(), Op: "events"}
		case *once:
			return 0, g.explained(writeStats(c))
		}
		return 0, g.explained(g.events(c, *interval))
	}
}

// events writes what happens to a container until it ends.
func (g *global) events(c *container.Container, interval time.Duration) error {
	oom, err := c.NotifyOOM(context.Background())
	var ended <-chan struct{}
	switch {
	case errors.Is(err, container.ContainerNotRunning), errors.Is(err, container.NoProcessOps), errors.Is(err, container.ContainerNotExists):
		return err
	case err != nil: // the statistics can be had
		g.log.warn([]string{fmt.Sprintf("it is not told when memory runs out: %v", err)})
		ended = endOf(c)
	}
	g.log.succeeded()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case _, ok := <-oom:
			if !ok {
				return nil
			}
			if err := writeEvent(event{Type: oomEvent, ID: c.ID()}); err != nil {
				return err
			}
		case <-ended:
			return nil
		case <-tick.C:
			err := writeStats(c)
			if errors.Is(err, container.ContainerNotExists) || errors.Is(err, container.ContainerNotRunning) {
				continue // its end is about to be told
			}
			if err != nil {
				return err
			}
		}
	}
}

// endOf is closed when the container has ended.
func endOf(c *container.Container) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = c.Wait() // how, its parent knows
	}()
	return ended
}

func writeStats(c *container.Container) error {
	s, err := c.Stats()
	if err != nil {
		return err
	}
	return writeEvent(event{Type: statsEvent, ID: c.ID(), Data: dataOf(&s)})
}

// writeEvent writes a line, at once: somebody waits for it.
func writeEvent(e event) error {
	line, err := plainjson.AppendWhole(nil, e)
	if err != nil {
		return err
	}
	return output(string(line) + "\n")
}
