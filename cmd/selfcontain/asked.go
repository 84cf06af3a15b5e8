package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

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
	if err := makeLayers(j.layers); err != nil {
		return nil, errors.Join(err, undo())
	}
	return undo, nil
}

// asked makes a job.
type asked func() (*job, error)

// parseAsked reads what a verb takes that shows what another one does: "run" or "box"
// with their own flags and arguments, or just the id of a container, whose bundle is
// that of the verb's own flag then. A container may be called run or box: where the
// flag is given the word is its id.
func parseAsked(g *global, args []string, bundle string, given bool) (asked, error) {
	if len(args) > 0 && !given {
		switch args[0] {
		case "box":
			var flags boxFlags
			f := flagSet("box")
			flags.declare(f)
			if err := f.Parse(args[1:]); err != nil {
				return nil, fmt.Errorf("box: %w", err)
			}
			return func() (*job, error) { return flags.job(g, f.Args()) }, nil
		case "run":
			f := flagSet("run")
			bundle := bundleFlag(f)
			if err := f.Parse(args[1:]); err != nil {
				return nil, fmt.Errorf("run: %w", err)
			}
			return parseBundle(f.Args(), *bundle)
		}
	}
	return parseBundle(args, bundle)
}

// parseBundle reads the arguments of run.
func parseBundle(args []string, bundle string) (asked, error) {
	if _, err := containerID(args); err != nil {
		return nil, err
	}
	return func() (*job, error) {
		plan, err := compile(bundle)
		return &job{plan: plan}, err
	}, nil
}
