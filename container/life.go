package container

import (
	"golang.org/x/sys/unix"
)

// CreateOptions is what a container is made with beside its [Spec].
type CreateOptions struct {
	// Bundle is the directory of its configuration; it is kept for [State] and hooks.
	Bundle string
	// Stdio is what its program gets. Console is called before Create returns.
	Stdio Stdio
	// Host is the machine, and nil to ask it ([Probe]).
	Host *Host
	// Created is called when everything is done but to say so: the container waits,
	// and its state is on disk. Its error undoes the container and is that of
	// [Create]. A pid file is written here, for instance. It may be nil.
	Created func(State) error
}

// Container is a container that is on disk: a directory below the root of state that is
// named by its id. It may be used by several goroutines, and the same container by
// several processes: whatever changes it holds a lock on that directory meanwhile.
//
// Nothing has to be closed.
type Container struct {
	root string
	id   string
}

// ID is its id.
func (c *Container) ID() string { return c.id }

// Create makes a container up to the execution of its program, and leaves it waiting
// there for [Container.Start]. What waits is one process of a few pages with the rights of
// the program. root is the directory where the state of all containers is kept; it is
// made if it does not exist.
//
// When Create fails nothing is left. When its process is killed in the middle, the
// container ends too, and what is left on disk is removed by [Container.Destroy].
func Create(root, id string, spec Spec, o CreateOptions) (*Container, error) {
	if err := CheckID(id); err != nil {
		return nil, err
	}
	return nil, &Error{Code: SystemError, ID: id, Op: "create"}
}

// Load finds a container. The code of the error is [ContainerNotExists] where there is
// none; one whose state is damaged is found all the same, so that it can be destroyed.
func Load(root, id string) (*Container, error) {
	return &Container{root: root, id: id}, CheckID(id)
}

// List finds all containers below root, in the order of their ids. There are none where
// root does not exist.
func List(root string) ([]*Container, error) { return nil, nil }

// Status is where it is in its life.
func (c *Container) Status() (Status, error) { return Stopped, nil }

// State is what the OCI runtime specification calls by that name.
func (c *Container) State() (State, error) { return State{}, nil }

// Spec is the one that it was created with.
func (c *Container) Spec() (Spec, error) { return Spec{}, nil }

// Start lets the program of a created container go on and returns when the user's
// program runs. If it could not be executed the error is an [*nsexec.OpError] below
// [Error], and the container is stopped. A second Start is an error.
func (c *Container) Start() error { return nil }

// Run is Start, and Wait.
func (c *Container) Run() (unix.WaitStatus, error) { return 0, nil }

// Signal sends a signal to its first process, or to all of its processes. The code of
// the error is [ContainerNotRunning] where none lives.
func (c *Container) Signal(sig unix.Signal, all bool) error { return nil }

// Pause freezes all of its processes, which takes a cgroup of its own. Resume goes on.
func (c *Container) Pause() error { return nil }

// Resume lets a paused container go on.
func (c *Container) Resume() error { return nil }

// Processes are the numbers of its processes, in the caller's pid namespace.
func (c *Container) Processes() ([]int, error) { return nil, nil }

// Wait waits until its first process has ended and returns how. How is told only to the
// process that has made the container; for another one the code of the error is
// [NoProcessOps] once it has ended. It may be called by many.
func (c *Container) Wait() (unix.WaitStatus, error) { return 0, nil }

// Destroy removes a stopped container and everything that it has: cgroup and state. With
// force it ends what still runs before, and it is no error that there is no such
// container; without, that has the code [ContainerNotExists], and one that is not
// stopped [ContainerNotStopped]. It may be called again.
func (c *Container) Destroy(force bool) error { return nil }
