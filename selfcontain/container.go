package selfcontain

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
)

// stateRoot is where the machine's containers are found by their names. The command
// selfcontain looks there too.
const stateRoot = "/run/selfcontain"

// Container is a container of a [Config]. It may be used by several goroutines, and the
// same container by several processes, each with one from [Get].
type Container struct {
	config Config
	log    logr.Logger

	mu   sync.Mutex // guards what follows
	held *holding   // nil where this process has not brought it up
}

// holding is a container that this process has brought up. It ends with this process.
type holding struct {
	*container.Held
	main *program      // nil until there is one
	over chan struct{} // closed when it has ended, whoever has ended it, and is reaped
}

// Get returns the container of a configuration: the one that runs, or a new one, of which there
// is nothing but the directory Data until [Container.Run] or [Container.Start].
func Get(config *Config) (*Container, error) {
	if config == nil {
		return nil, errors.New("selfcontain: there is no Config")
	}
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("selfcontain: %w", err)
	}
	if err := config.claim(); err != nil {
		return nil, fmt.Errorf("selfcontain: %w", err)
	}
	return &Container{config: *config, log: config.Logger.WithName("selfcontain").WithValues("container", config.Name)}, nil
}

// failed is an error with the container in front.
func (c *Container) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	var e *container.Error
	if errors.As(err, &e) { // that one has its name in front
		return fmt.Errorf("selfcontain: %s: %w", op, err)
	}
	return fmt.Errorf("selfcontain: %s %s: %w", op, c.config.Name, err)
}

// Run brings the container up: namespaces, root, cgroup, and an init as process 1 that
// reaps what is left to it. There is no program in it yet. If the container runs
// already nothing is done.
//
// The container ends when this process ends, however that happens.
func (c *Container) Run() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.run()
	return c.failed("run", err)
}

// run is Run, and returns what this process has brought up just now: nil where it was up.
func (c *Container) run() (*holding, error) {
	known, err := c.known()
	if err != nil {
		return nil, err
	}
	if known != nil {
		status, err := known.Status()
		switch {
		case errors.Is(err, container.ContainerNotExists): // it was removed meanwhile
		case err != nil:
			return nil, err
		case status == container.Creating:
			return nil, fmt.Errorf("%w: another process is bringing it up", container.IDInUse)
		case status != container.Stopped:
			return nil, nil
		default: // who has brought it up was killed
			if err := known.Destroy(true); err != nil {
				return nil, err
			}
		}
	}
	c.held = nil // somebody else has ended it
	m, err := c.config.look()
	if err != nil {
		return nil, err
	}
	spec, err := c.config.spec(m)
	if err != nil {
		return nil, err
	}
	if err := c.config.prepare(spec); err != nil {
		return nil, err
	}
	held, err := container.Hold(stateRoot, c.config.Name, spec, container.CreateOptions{Warn: c.warn})
	if err != nil {
		return nil, err
	}
	h := &holding{Held: held, over: make(chan struct{})}
	if err := h.watch(); err != nil {
		return nil, errors.Join(err, h.Destroy(true), h.Release())
	}
	c.held = h
	c.delegate(spec.Cgroup.Path)
	return h, nil
}

// known is the container as others find it, and nil where there is none.
func (c *Container) known() (*container.Container, error) {
	known, err := container.Load(stateRoot, c.config.Name)
	if errors.Is(err, container.ContainerNotExists) {
		return nil, nil
	}
	return known, err
}

// running is the container, if it runs.
func (c *Container) running() (*container.Container, error) {
	known, err := c.known()
	if err == nil && known == nil {
		err = &container.Error{Code: container.ContainerNotRunning, ID: c.config.Name, Op: "load"}
	}
	return known, err
}

func (c *Container) warn(texts []string) {
	for _, text := range texts {
		c.log.Info(text)
	}
}

// delegate gives the container every controller that can be had. A machine on which
// somebody else has some of them, or has processes where there may be none then, gives what
// is left.
func (c *Container) delegate(group string) {
	h, err := cgroupv2.Find()
	if err == nil {
		defer h.Close()
		err = enableAll(h, group)
	}
	if err != nil {
		c.log.Info("the container does not have every controller", "reason", err.Error())
	}
}

func enableAll(h *cgroupv2.Hierarchy, group string) error {
	root, err := h.Open("/")
	if err != nil {
		return err
	}
	defer root.Close()
	all, err := root.Controllers()
	if err != nil {
		return err
	}
	g, err := h.Open(group)
	if err != nil {
		return err
	}
	defer g.Close()
	var errs []error
	for _, controller := range all {
		errs = append(errs, g.Enable(controller)) // one by one: what cannot be had keeps no other one away
	}
	return errors.Join(errs...)
}

// Start starts the current program with args as the main process of the container, and
// returns when it runs. Where the container is not up yet, Start brings it up ([Container.Run]), and
// where Config has a Master its network too ([Container.SetupNetworking]). The container
// ends when the main process ends.
//
// The program has the environment and the standard streams of this process, and / as its
// working directory. Its args are those behind its own name.
func (c *Container) Start(args []string) error {
	_, err := c.start(args)
	return c.failed("start", err)
}

// handover is how long a container may live whose holder has been killed.
const handover = time.Second

func (c *Container) start(args []string) (*program, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh, err := c.run()
	if err == nil && fresh == nil && c.held == nil {
		if err = c.outlive(); err == nil {
			fresh, err = c.run()
		}
	}
	if err != nil {
		return nil, err
	}
	switch {
	case c.held == nil:
		err = fmt.Errorf("%w: another process has brought it up, and is answerable for its main process; Exec executes another one", container.IDInUse)
	case c.held.main != nil:
		err = fmt.Errorf("%w: it has a main process", container.ContainerNotStopped)
	}
	if err != nil {
		return nil, err
	}
	if c.config.Master != "" {
		err = c.setupNetworking(c.etc())
	}
	var p *program
	if err == nil {
		p, err = execute(c.held.Container, c.command(args))
	}
	if err != nil {
		if fresh != nil {
			c.held = nil
			err = errors.Join(err, fresh.end())
		}
		return nil, err
	}
	c.held.main = p
	go c.endWith(c.held)
	return p, nil
}

// outlive waits for the end of a container that somebody else has brought up, for as
// long as it takes if he has just been killed.
func (c *Container) outlive() error {
	known, err := c.known()
	if known == nil || err != nil {
		return err
	}
	state, err := known.State()
	if err != nil || state.Pid == 0 {
		return err
	}
	fd, err := unix.PidfdOpen(state.Pid, 0)
	if err != nil {
		return nil //nolint:nilerr // it is gone
	}
	defer unix.Close(fd)
	return awaitEnds([]int{fd}, handover)
}

// watch reaps the init when it ends, whoever has ended it.
func (h *holding) watch() error {
	state, err := h.State()
	if err != nil {
		return err
	}
	pidfd, err := unix.PidfdOpen(state.Pid, 0) // a child that nobody else reaps
	if err != nil {
		return fmt.Errorf("pidfd_open %d: %w", state.Pid, err)
	}
	go func() {
		_ = awaitEnds([]int{pidfd}, forever) // if it fails Wait waits
		unix.Close(pidfd)
		_, _ = h.Wait()
		_ = h.Release()
		close(h.over)
	}()
	return nil
}

// endWith ends a container when its main process has ended.
func (c *Container) endWith(h *holding) {
	<-h.main.ended
	h.main.after = h.end()
	c.forget(h)
	close(h.main.gone)
}

// end ends it, if nobody has done so, and waits until it has ended.
func (h *holding) end() error {
	err := h.Destroy(true)
	if err == nil {
		<-h.over
	}
	return err
}

// forget forgets what this process has brought up.
func (c *Container) forget(h *holding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == h {
		c.held = nil
	}
}

// Exec executes the current program with args inside the running container and waits
// for it. A status other than 0 is an [*ExitError]. Signals are passed on as by
// [RunWithArgs].
//
// A program that is executed by another process than the one that has brought the
// container up goes on when that other process is killed, until the container ends.
func (c *Container) Exec(args []string) error {
	pass := catch()
	defer pass.stop()
	known, err := c.running()
	if err != nil {
		return c.failed("exec", err)
	}
	p, err := execute(known, c.command(args))
	if err != nil {
		return c.failed("exec", err)
	}
	pass.to(p)
	<-p.ended
	return p.outcome()
}

// GetNS returns a path of the container's namespace of a type that setns(2) accepts, as
// long as the container runs. It is an error for a type of which the container has none of its own.
func (c *Container) GetNS(nsType clone.NamespaceType) (string, error) {
	at, err := c.namespace(nsType)
	return at, c.failed("namespace", err)
}

func (c *Container) namespace(nsType clone.NamespaceType) (string, error) {
	if !slices.Contains(ownNamespaces[:], nsType) {
		return "", fmt.Errorf("%q: the container has none of its own of this type", nsType)
	}
	known, err := c.running()
	if err != nil {
		return "", err
	}
	state, err := known.State()
	if err == nil && state.Pid == 0 {
		err = &container.Error{Code: container.ContainerNotRunning, ID: c.config.Name, Op: "namespace"}
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("/proc/%d/ns/%s", state.Pid, clone.NsName(nsType)), nil
}
