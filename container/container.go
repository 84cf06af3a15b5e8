package container

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Container is a container that is on disk: a directory below the root of state that is
// named by its id. It may be used by several goroutines, and the same container by
// several processes: whoever changes something holds a lock on that directory meanwhile.
//
// It has no descriptor open, so nothing has to be closed.
type Container struct {
	// Host is the machine, and nil to ask it ([Probe]) where it has to be known. [Create]
	// takes that of its options.
	Host *Host
	// Warn is told what went wrong and stopped nothing: a poststop hook that failed. It may
	// be nil. [Create] takes that of its options.
	Warn func(texts []string)

	root  string
	id    string
	inst  instance   // of its directory
	asked *asked     // where it was listed with others
	made  *identity  // its process, where this one has made it
	first *execution // what copies for it
	group string     // with its cgroup, if it has one
	hooks *Hooks     // and those that it was made with

	reached func(step string) // a test is told of every step

	removed atomic.Bool
	known   atomic.Pointer[madeOf] // of its Spec, once that was read; it never changes

	waiting sync.Mutex // held by who waits: it guards what follows, and nothing else may take it
	waited  bool
	status  unix.WaitStatus
}

// ID is its id.
func (c *Container) ID() string { return c.id }

// Load finds a container. The code of the error is [ContainerNotExists] where there is
// none; one whose state is damaged is found all the same, so that it can be destroyed.
func Load(root, id string) (*Container, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, &Error{ID: id, Op: "load", Err: err}
	}
	d, err := openDirectory(root, id, "load")
	if err != nil {
		return nil, err
	}
	d.close()
	return &Container{root: root, id: id, inst: d.inst}, nil
}

// List finds all containers below root, in the order of their ids. There are none where
// root does not exist.
func List(root string) ([]*Container, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, &Error{Op: "list", Err: err}
	}
	entries, err := os.ReadDir(root)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	dir := -1
	if err == nil {
		dir, err = openRoot(root)
	}
	if err != nil {
		return nil, &Error{Op: "list", Err: err}
	}
	defer unix.Close(dir)
	var list []*Container
	all := ask()
	for _, e := range entries {
		if !e.IsDir() || CheckID(e.Name()) != nil {
			continue
		}
		inst, err := instanceOf(dir, e.Name())
		if errors.Is(err, unix.ENOENT) { // it has been removed meanwhile
			continue
		}
		if err != nil {
			return nil, &Error{ID: e.Name(), Op: "list", Err: err}
		}
		list = append(list, &Container{root: root, id: e.Name(), inst: inst, asked: all})
	}
	return list, nil
}

// enter opens its directory. Another container that has been given the id since is not it.
func (c *Container) enter(op string) (*stateDir, error) {
	d, err := openDirectory(c.root, c.id, op)
	if err != nil {
		return nil, err
	}
	if c.inst != d.inst {
		d.close()
		return nil, &Error{Code: ContainerNotExists, ID: c.id, Op: op}
	}
	if c.asked != nil {
		d.asked = c.asked
	}
	return d, nil
}

// hold is enter, with the lock.
func (c *Container) hold(op string) (*stateDir, error) {
	d, err := c.enter(op)
	if err != nil {
		return nil, err
	}
	if err := d.lock(); err != nil {
		d.close()
		if errors.Is(err, unix.ENOENT) {
			return nil, &Error{Code: ContainerNotExists, ID: c.id, Op: op}
		}
		return nil, c.failed(op, err)
	}
	return d, nil
}

// failed is an error without a code of its own.
func (c *Container) failed(op string, err error) error {
	return &Error{ID: c.id, Op: op, Err: err}
}

// refused is an error that its code says all about.
func (c *Container) refused(op string, code Code) error {
	return &Error{Code: code, ID: c.id, Op: op}
}

// at tells a test how far it has come.
func (c *Container) at(step string) {
	if c.reached != nil {
		c.reached(step)
	}
}

// PidFD opens a pidfd of its first process, which is the caller's to close. The code of
// the error is [ContainerNotRunning] where it has ended. pidfd_open(2)
func (c *Container) PidFD() (int, error) {
	const op = "pidfd"
	d, v, err := c.running(op)
	if err != nil {
		return -1, err
	}
	d.close()
	fd := v.pidfd
	v.pidfd = -1 // it is the caller's
	return fd, nil
}

// Status is where it is in its life.
func (c *Container) Status() (Status, error) {
	d, err := c.enter("state")
	if err != nil {
		return "", err
	}
	defer d.close()
	v, err := d.view()
	if err != nil {
		return "", c.failed("state", err)
	}
	v.close()
	return v.status, nil
}

// State is what the OCI runtime specification calls by that name.
func (c *Container) State() (State, error) {
	d, err := c.enter("state")
	if err != nil {
		return State{}, err
	}
	defer d.close()
	v, err := d.view()
	if err != nil {
		return State{}, c.failed("state", err)
	}
	v.close()
	var i aboutIntent
	damage := d.read(intentName, &i)
	if damage == nil && i.ID != c.id {
		damage = errors.New("it is another container's: " + i.ID)
	}
	if damage != nil {
		i.about = about{ID: c.id}
	}
	s := i.state(v.status, 0)
	if v.status != Stopped && v.status != Creating {
		s.Pid = v.process.pid
	}
	if errors.Is(damage, unix.ENOENT) { // where it is not there, not much else is
		damage = nil
	}
	if damage = errors.Join(damage, v.damage); damage != nil {
		s.Damaged = damage.Error()
	}
	return s, nil
}

// Spec is the one that it was created with.
func (c *Container) Spec() (Spec, error) {
	d, err := c.enter("spec")
	if err != nil {
		return Spec{}, err
	}
	defer d.close()
	s, err := d.spec()
	if err != nil {
		return Spec{}, c.failed("spec", err)
	}
	c.known.Store(s.madeOf())
	return s, nil
}

// spec is what stands in the intent.
func (d *stateDir) spec() (Spec, error) {
	i := specIntent{}
	if err := d.read(intentName, &i); err != nil {
		return Spec{}, err
	}
	if i.Spec == nil {
		return Spec{}, fmt.Errorf("%s/%s: it does not say of what the container was made", d.path, intentName)
	}
	return *i.Spec, nil
}
