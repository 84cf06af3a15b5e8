package container

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/plainjson"
)

// Attached is a container that does not outlive its caller. Others find it by its id as
// long as it lives.
type Attached struct {
	*Process
	d       *stateDir
	removed bool
}

// Attach makes a container and executes its program, as [Plan.Start] does, and lets
// others find it under an id: [Load], and all that can be done with a container that
// runs. Nothing waits at a gate in between, and nothing is waited for until it is on the
// disk: what would be found there after a crash is a container whose processes are gone.
//
// A cgroup has to be removed in the end whoever dies, and poststop hooks have to be called,
// so they take [Create]: a Spec with hooks is refused. Spec should
// have a ParentDeathSignal. When the process has been waited for, [Attached.Remove]
// takes the id back.
func Attach(root, id string, spec Spec, o CreateOptions) (*Attached, error) {
	const op = "run"
	if err := CheckID(id); err != nil {
		return nil, err
	}
	if !spec.Hooks.IsZero() {
		return nil, &Error{Code: ConfigInvalid, ID: id, Op: op, Err: errors.New("hooks: a container with hooks is made by Create, which keeps what has to be called when it is gone")}
	}
	spec.Process.run = nil
	if err := spec.Process.checkStreams(id, op); err != nil {
		return nil, err
	}
	plan, d, err := o.begin(op, root, id, spec, Compile)
	if err != nil {
		return nil, err
	}
	a := &Attached{d: d}
	returns := false
	defer func() {
		if !returns { // o.Created has panicked, or has ended its goroutine
			_ = a.abandon() // nobody is there to be told
		}
	}()
	err = a.start(plan, &spec, &o)
	returns = true
	if err != nil {
		return nil, &Error{ID: id, Op: op, Err: errors.Join(err, a.abandon())}
	}
	return a, nil
}

// abandon ends a container that has failed, and leaves nothing of it.
func (a *Attached) abandon() (err error) {
	if a.Process != nil && a.Process.run != nil {
		_ = a.Signal(unix.SIGKILL) // ESRCH: it has ended meanwhile
		_, err = a.Wait()
	}
	return errors.Join(err, a.Remove())
}

func (a *Attached) start(plan *Plan, spec *Spec, o *CreateOptions) error {
	i := intent{about: a.d.about(spec)}
	// The process is at work for a millisecond, for which this one waits.
	plan.meanwhile = func() (err error) {
		if i.Spec, err = plainjson.Append(nil, spec); err != nil {
			return err
		}
		text, err := plainjson.Append(nil, &i)
		if err == nil {
			err = a.d.put(intentName, text, false)
		}
		return err
	}
	a.Process = &spec.Process
	if err := a.begin(plan, nil); err != nil {
		return err
	}
	boot, err := a.d.boot()
	var who identity
	if err == nil {
		who, err = identify(boot, a.Pid(), a.PidFD())
	}
	if err == nil && o.Created != nil {
		err = o.Created(i.state(Running, a.Pid()))
	}
	if err == nil {
		if err = unix.Symlinkat(who.String(), a.d.fd, processName); err != nil {
			err = &os.PathError{Op: "symlink", Path: a.d.path + "/" + processName, Err: err}
		}
	}
	if err == nil {
		err = unix.Flock(a.d.fd, unix.LOCK_UN) // others may see to it now
		a.d.held = false
	}
	return err
}

// Remove takes the id back, and closes what is held of the process. It is for a container
// whose process has been waited for, or never was. It may be called again.
func (a *Attached) Remove() error {
	if a.removed {
		return nil
	}
	a.removed = true
	var errs []error
	if a.Process != nil {
		errs = append(errs, a.Process.Close())
	}
	for _, name := range []string{processName, intentName} {
		if err := unix.Unlinkat(a.d.fd, name, 0); err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, &os.PathError{Op: "unlink", Path: a.d.path + "/" + name, Err: err})
		}
	}
	// Somebody else may have destroyed it meanwhile, and taken the id for another one.
	if err := a.d.linked(); err == nil {
		if err := a.d.removeEmpty(); err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, &os.PathError{Op: "rmdir", Path: a.d.path, Err: err})
		}
	}
	a.d.close()
	return errors.Join(errs...)
}
