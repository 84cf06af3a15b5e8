package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
)

// job is a container that is asked for, before anything of it is done.
type job struct {
	plan *container.Plan
	// layers are the overlays whose directories have to be made, in keep, which stays,
	// or in scratch, which goes. All are empty where there are none.
	layers        []*mounts.Overlay
	keep, scratch string
	remove        func(dir string) error // of a scratch directory
	// limited is set where the container has a cgroup.
	limited *limitedBox
}

// prepare makes on the machine what the container needs besides its plan. The function
// that it returns is called when the container has ended.
func (j *job) prepare() (undo func() error, err error) {
	undo = func() error { return nil }
	switch {
	case j.keep != "":
		if err := os.Mkdir(j.keep, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("--keep: %w", err)
		}
		lock, err := claim(j.keep)
		if err != nil {
			return nil, fmt.Errorf("--keep: another box has it: %w", err)
		}
		undo = lock.Close
	case j.scratch != "":
		if undo, err = openScratch(j.scratch, j.remove); err != nil {
			return nil, err
		}
	}
	if err := container.MakeLayers(j.layers); err != nil {
		return nil, errors.Join(err, undo())
	}
	return undo, nil
}

// run starts the container and waits for it. Its terminal, if it has one, is sent to a
// socket or connected with ours.
func (j *job) run(log *log, socket string, signals *signals) (status int, err error) {
	log.warn(j.plan.Warnings)
	console, err := openConsole(j.plan.Terminal, j.plan.Clone.Kept, socket, signals)
	if err != nil {
		return 0, err
	}
	defer console.close()
	undo, err := j.prepare()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, undo()) }()
	if j.limited != nil {
		wait, err := j.limited.run(log, console, signals)
		return exitStatus(wait), err
	}
	process, err := start(j.plan, console.stdio, signals)
	if err != nil {
		return 0, err
	}
	log.succeeded()
	wait, err := signals.wait(process, process.PidFD())
	if err != nil {
		return 0, err
	}
	console.terminal.drain()
	j.ended(log)
	return exitStatus(wait), nil
}

// ended does what there is to do when the container is gone. What fails is told, and
// changes nothing.
func (j *job) ended(log *log) {
	if err := j.plan.Ended(); err != nil {
		log.warn(strings.Split(err.Error(), "\n"))
	}
}

// planner declares the flags of a verb that starts a container, and returns what makes
// a job of its arguments.
type planner func(*global, *flag.FlagSet) func(args []string) (*job, error)

// findPlanner is the planner of a verb.
func findPlanner(verb string, gated bool) (planner, bool) {
	switch verb {
	case "run":
		return planRun(gated), true
	case "box":
		return planBox(gated), true
	case "exec":
		return planExec, true
	}
	return nil, false
}

// planRun is for run: a bundle and an id. What run does has a gate, since it creates a
// container and starts it. What is traced has none.
func planRun(gated bool) planner {
	return func(g *global, f *flag.FlagSet) func(args []string) (*job, error) {
		b := requestFlags(f)
		return func(args []string) (*job, error) {
			id, err := containerID(f, args)
			if err != nil {
				return nil, err
			}
			plan, err := b.compile(g, id, gated)
			if err != nil {
				return nil, err
			}
			plan.State.ID = id
			return &job{plan: plan}, nil
		}
	}
}

// helpAsked is the error of arguments that ask for the help of a verb.
type helpAsked struct{ verb string }

func (h helpAsked) Error() string { return h.verb + ": help is asked for" }

// planOther makes the job of a verb that shows what another one does: "run", "box" or
// "exec" with flags and arguments of their own, or just the id of a container, whose bundle is
// that of the verb's own flag then. A container may be called like one of them: where
// --bundle is given the word is its id.
func planOther(g *global, f *flag.FlagSet, args []string, own func([]string) (*job, error)) (*job, error) {
	if len(args) == 0 {
		return own(args)
	}
	other, found := findPlanner(args[0], f.Name() == "plan")
	bundle := given(f, "bundle")
	switch {
	case !found, bundle && len(args) == 1:
		return own(args)
	case bundle:
		return nil, fmt.Errorf("%s: --bundle belongs behind %q", f.Name(), args[0])
	}
	flags := flagSet(f.Name() + " " + args[0])
	plan := other(g, flags)
	switch err := flags.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return nil, helpAsked{args[0]}
	case err != nil:
		return nil, fmt.Errorf("%s: %w", flags.Name(), err)
	}
	return plan(flags.Args())
}
