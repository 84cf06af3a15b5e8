package container

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/internal/plainjson"
	"github.com/selfcontain/runtime/nsexec"
)

// CreateOptions is what a container is made with beside its [Spec].
type CreateOptions struct {
	// Host is the machine, and nil to ask it ([Probe]).
	Host *Host
	// Created is called when everything is done but to say so: the container waits,
	// and its state is on disk. Its error undoes the container and is that of
	// [Create]. A pid file is written here, for instance. It may be nil.
	Created func(State) error
	// Warn is told what of the configuration has no effect, before anything is done. It
	// may be nil.
	Warn func(texts []string)

	reached func(step string) // a test is told of every step
	edit    func(*Plan) error // and may change what will be done
}

// Create makes a container up to the execution of its program, and leaves it waiting
// there for [Container.Exec]. What waits is one process of a few pages with the rights of
// the program. Its Process.Console is called before Create returns. root is the directory
// where the state of all containers is kept; it is made if it does not exist.
//
// When Create fails nothing is left. When its process is killed in the middle, the
// container ends too, and what is left on disk is removed by [Container.Destroy].
//
// The container is a child of the calling process, as long as that lives.
func Create(root, id string, spec Spec, o CreateOptions) (*Container, error) {
	const op = "create"
	if err := CheckID(id); err != nil {
		return nil, err
	}
	spec.Process.run = nil
	if err := spec.Process.checkStreams(id, op); err != nil {
		return nil, err
	}
	plan, d, err := o.begin(op, root, id, spec, CompileGated)
	if err != nil {
		return nil, err
	}
	defer d.close()
	m := &maker{CreateOptions: o, d: d, plan: plan, spec: &spec}
	err = m.whole(func() error {
		if err := m.make(); err != nil {
			return err
		}
		return spec.Process.Close() // who opens the gate has its end
	})
	if err != nil {
		return nil, &Error{ID: id, Op: op, Err: err}
	}
	return m.container(filepath.Dir(d.path)), nil
}

// whole does something, and undoes what was made if it fails, or does not return since a function
// of the caller's panics in there or ends its goroutine.
func (m *maker) whole(do func() error) (err error) {
	done := false
	defer func() {
		if !done {
			err = errors.Join(err, m.undo())
		}
	}()
	err = do()
	done = err == nil
	return err
}

// container is what was made.
func (m *maker) container(root string) *Container {
	return &Container{
		Host: m.Host, Warn: m.Warn,
		root: root, id: m.d.id, inst: m.d.inst, made: &m.process, first: m.spec.Process.run, group: m.plan.cgroup, hooks: &m.spec.Hooks, reached: m.reached,
	}
}

// begin plans a container, says what has no effect, and takes the id: it makes the
// directory of the container and holds its lock.
func (o *CreateOptions) begin(op, root, id string, spec Spec, compile func(Spec, Host) (*Plan, error)) (*Plan, *stateDir, error) {
	host, err := probed(o.Host, Probe)
	if err != nil {
		return nil, nil, &Error{ID: id, Op: op, Err: err}
	}
	plan, err := o.plan(spec, host, compile)
	if err != nil {
		return nil, nil, &Error{Code: ConfigInvalid, ID: id, Op: op, Err: err}
	}
	if o.Warn != nil {
		o.Warn(plan.Warnings)
	}
	root, err = filepath.Abs(root)
	if err != nil {
		return nil, nil, &Error{ID: id, Op: op, Err: err}
	}
	d, err := makeDirectory(root, id)
	if errors.Is(err, unix.EEXIST) {
		return nil, nil, &Error{Code: IDInUse, ID: id, Op: op}
	}
	if err != nil {
		return nil, nil, &Error{ID: id, Op: op, Err: err}
	}
	return plan, d, nil
}

// probed is what is known of the machine, which is asked where that is nothing.
func probed(host *Host, probe func() (Host, error)) (Host, error) {
	if host == nil {
		return probe()
	}
	return *host, nil
}

func (o *CreateOptions) plan(spec Spec, host Host, compile func(Spec, Host) (*Plan, error)) (*Plan, error) {
	spec.Process.PreserveFDs = len(spec.Process.ExtraFiles)
	plan, err := compile(spec, host)
	if err == nil && o.edit != nil {
		err = o.edit(plan)
	}
	return plan, err
}

// makeDirectory makes the directory of a container, which nobody else does then, and
// takes its lock.
func makeDirectory(root, id string) (*stateDir, error) {
	fd, err := openRoot(root)
	if errors.Is(err, unix.ENOENT) {
		if err := os.MkdirAll(root, 0o700); err != nil {
			return nil, err
		}
		fd, err = openRoot(root)
	}
	if err != nil {
		return nil, err
	}
	if err := unix.Mkdirat(fd, id, 0o700); err != nil {
		unix.Close(fd)
		return nil, &os.PathError{Op: "mkdir", Path: root + "/" + id, Err: err}
	}
	d, err := openBelow(fd, root, id)
	if err != nil {
		unix.Close(fd)
	} else if err = d.lock(); err != nil {
		d.close()
	}
	if errors.Is(err, unix.ENOENT) {
		err = fmt.Errorf("%s/%s was removed meanwhile: %w", root, id, unix.ENOENT) // who destroys was faster
	}
	if err != nil {
		return nil, err
	}
	// It may have been removed between its making and its opening, and made again by
	// another creation, which has finished meanwhile.
	if d.has(intentName) {
		d.close()
		return nil, unix.EEXIST
	}
	return d, nil
}

// maker makes one container.
type maker struct {
	CreateOptions
	d       *stateDir
	plan    *Plan
	spec    *Spec
	intent  intent
	process identity
}

// at tells a test how far it has come.
func (m *maker) at(step string) {
	if m.reached != nil {
		m.reached(step)
	}
}

// make makes it, in the order in which everything can be taken back.
func (m *maker) make() error {
	m.at("directory")
	text, err := plainjson.Append(nil, m.spec)
	if err != nil {
		return err
	}
	m.intent = intent{m.d.about(m.spec), text}
	m.d.lasting = m.spec.Hooks.any(Poststop)
	if err := m.d.write(intentName, &m.intent); err != nil {
		return err
	}
	if m.spec.Hooks.any(StartContainer, Poststart, Poststop) {
		if err := m.d.link(laterName, "hooks"); err != nil {
			return err
		}
	}
	m.at("intent")
	report, err := m.d.makeReport()
	if err != nil {
		return err
	}
	defer unix.Close(report)
	m.at("report")
	at := &place{d: m.d, spec: m.spec, report: report, keep: m.keep, at: m.at}
	defer at.close()
	m.plan.State = m.intent.state(Creating, 0)
	if err := m.spec.Process.begin(m.plan, at); err != nil {
		return err
	}
	m.at("gate")
	return nil
}

// undo removes what a creation that has failed has made: its process has ended.
func (m *maker) undo() error {
	return errors.Join(m.d.endGroup(), m.d.remove())
}

// keep is the host's part while the program stands in front of its gate. When it has
// been done the container is created.
func (m *maker) keep(p *nsexec.Process) (err error) {
	boot, err := m.d.boot()
	if err != nil {
		return err
	}
	if m.process, err = identify(boot, p.Pid(), p.PidFD()); err != nil {
		return err
	}
	if err := m.d.write(stateName, &kept{Rest: nsexec.RestOf(m.plan.Child)}); err != nil {
		return err
	}
	m.at("state")
	if m.Created != nil {
		if err := m.Created(m.intent.state(Created, m.process.pid)); err != nil {
			return err
		}
	}
	if err := m.d.link(processName, m.process.String()); err != nil {
		return err
	}
	m.at("process")
	return nil
}

// makeReport makes the report, locked until all have closed it: this process, and the
// program of the container when it executes the user's.
func (d *stateDir) makeReport() (int, error) {
	fd, err := unix.Openat(d.fd, reportName, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err == nil {
		if err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: d.path + "/" + reportName, Err: err}
	}
	return fd, nil
}

// place is where a container that waits keeps what others have to find.
type place struct {
	d      *stateDir
	spec   *Spec
	report int
	group  *cgroupv2.Group // once it is made
	keep   func(*nsexec.Process) error
	at     func(step string)
}

// do does a step of the host's side, before the container is born.
func (pl *place) do(s Step) (int, error) {
	pl.at("before " + string(s.Action))
	fd, err := -1, error(nil)
	switch s.Action {
	case ListenGate:
		fd, err = listenGate(pl.d.fd)
	case MakeCgroup:
		pl.group, err = pl.d.makeGroup(s.Path)
		if pl.spec.Cgroup.Optional && mayNot(err) {
			err = nil
		}
	case LimitCgroup:
		if pl.group != nil { // without one nothing is limited, and nothing else was asked for
			err = pl.group.Set(s.Files)
		}
	case FilterDevices:
		switch {
		case pl.group != nil:
			err = s.attachFilter(pl.group)
		case len(pl.spec.Cgroup.Resources.Devices) > 0:
			err = errors.New("rules for devices take a cgroup, and there can be none")
		}
	case DelegateCgroup:
		if pl.group != nil {
			err = pl.group.Delegate(int(s.UID), int(s.GID))
		}
	default:
		return s.do()
	}
	if err != nil {
		return -1, &StepError{Step: s, Err: err}
	}
	return fd, nil
}

// mayNot reports whether somebody may not make a cgroup.
func mayNot(err error) bool {
	return errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EROFS)
}

// close closes what the birth needed.
func (pl *place) close() {
	if pl.group != nil {
		_ = pl.group.Close() // it stays
	}
}

// doFor does one while it waits at a sync point.
func (pl *place) doFor(s Step, p *nsexec.Process, state State, hooks *called) error {
	if pl == nil {
		return s.doFor(p, state, hooks)
	}
	pl.at("during " + string(s.Action))
	switch {
	case s.Action == KeepState:
		return pl.keep(p)
	case s.Action == LimitCgroup:
		if pl.group == nil { // as in do
			return nil
		}
		return pl.group.Set(s.Files)
	case s.Action == RunHook && pl.group != nil:
		hooks.group = pl.group.FD()
	}
	if s.Action == RunHook && !hooks.any {
		// Whoever destroys the container from here on calls its poststop hooks.
		if err := pl.d.link(hookedName, string(s.Kind)); err != nil {
			return err
		}
	}
	return s.doFor(p, state, hooks)
}

// errGated is that of a plan that waits for somebody who could not find it.
var errGated = fmt.Errorf("the plan is one of CompileGated or CompileHeld: it is Create or Hold that does what it says")
