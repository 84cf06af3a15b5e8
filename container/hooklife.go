package container

import (
	"errors"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/internal/plainjson"
)

// later are the hooks of a container that is there, which are called in front of its
// program, behind it, and when it is gone.
type later struct {
	start, poststart, poststop []Step
	state                      State
}

// later are the hooks as they were written down, and where this process has made the
// container, those that it was made with: functions are not written down.
func (c *Container) later(d *stateDir) (l later, err error) {
	if !d.has(laterName) {
		return l, nil
	}
	var i intent
	if err := d.read(intentName, &i); err != nil {
		return l, err
	}
	comp := &compiler{}
	if err := plainjson.Decode(i.Spec, &comp.spec); err != nil {
		return l, err
	}
	if c.hooks != nil {
		comp.spec.Hooks = *c.hooks
	}
	l.state = i.state(Created, 0)
	if comp.host, err = Probe(); err != nil {
		return l, err
	}
	for _, part := range []struct {
		kind  HookKind
		steps *[]Step
	}{{StartContainer, &l.start}, {Poststart, &l.poststart}, {Poststop, &l.poststop}} {
		if *part.steps, err = comp.hookSteps(part.kind); err != nil {
			return l, err
		}
	}
	return l, nil
}

// callInside calls the hooks in front of the program, in the container's cgroup.
func (l *later) callInside(d *stateDir, v *view, hooks *called) error {
	if len(l.start) == 0 {
		return nil
	}
	return d.withGroup(func(g *cgroupv2.Group) error {
		if g != nil {
			hooks.group = g.FD()
		}
		return l.call(l.start, v, hooks)
	})
}

// call calls hooks until one fails.
func (l *later) call(steps []Step, v *view, hooks *called) error {
	for _, s := range steps {
		if err := s.callHook(l.state, v.process.pid, v.pidfd, hooks); err != nil {
			return &StepError{Step: s, Err: err}
		}
	}
	return nil
}

// gone calls the poststop hooks of a container of which nothing lives any more. That one
// fails, or that nobody knows any more which there are, is a warning.
func (c *Container) gone(d *stateDir) {
	if !d.has(hookedName) && !d.has(processName) {
		return // it was never made, and no hook was told of it
	}
	l, err := c.later(d)
	errs, hooks := []error{err}, &called{over: d.forced}
	for _, s := range l.poststop {
		if err := s.callHook(l.state, 0, 0, hooks); err != nil {
			errs = append(errs, &StepError{Step: s, Err: err})
		}
	}
	errs = append(errs, hooks.end(false))
	if err := errors.Join(errs...); err != nil && c.Warn != nil {
		var texts []string
		for _, err := range errs {
			if err != nil {
				texts = append(texts, err.Error())
			}
		}
		c.Warn(texts)
	}
}
