package container

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// Stdio is what the user's program gets as its standard input, output and error.
type Stdio struct {
	// In, Out and Err stay open in the caller; nil is /dev/null. A program with a
	// terminal gets that, and none of them.
	In, Out, Err *os.File
	// Console takes the other end of the program's terminal, before the program
	// runs: it may set the size of the window, or give it to somebody else. The file
	// is its own then. A read says EIO when nobody has the terminal any more, perhaps a
	// moment before what was written last can be read: read once more. An error closes it, ends the container and is that of
	// [Plan.Start]. It is needed where [Process.Terminal] is set, and not called
	// elsewhere.
	Console func(master *os.File) error
	// Extra are descriptors of the caller's that the program gets as 3, 4 and so on,
	// as many as [Process].PreserveFDs says. They are numbers because [os.File.Fd]
	// changes a file that does not block into one that does, for all who share it.
	Extra []int
}

// Start does what the plan says, and returns when the user's program runs. If anything
// fails, a hook included, nothing is left behind, and the error is a [*StepError] of the host's
// side, or an [*nsexec.OpError] or [*nsexec.CloneError] of the container's.
func (p *Plan) Start(stdio Stdio) (*nsexec.Process, error) { return p.start(stdio, nil) }

// start is Start, which keeps a record of the times if there is a trace for it.
func (p *Plan) start(stdio Stdio, trace *Trace) (*nsexec.Process, error) {
	if p.gate {
		return nil, errGated
	}
	return p.startIn(stdio, trace, nil)
}

// startIn is start, in a place where others find a container that waits.
func (p *Plan) startIn(stdio Stdio, trace *Trace, at *place) (*nsexec.Process, error) {
	process, err := p.attempt(stdio, trace, at)
	if err != nil {
		p.diagnose(err)
	}
	return process, err
}

func (p *Plan) attempt(stdio Stdio, trace *Trace, at *place) (*nsexec.Process, error) {
	hooks := &called{}
	if at != nil {
		hooks.over = at.d.forced
	}
	config := nsexec.Config{Namespaces: p.Clone.Namespaces, Sync: p.syncs(trace, at, hooks), Record: trace.record(), Meanwhile: p.meanwhile}
	if p.entered == nil { // whoever enters one begins in the caller's mount namespace, and that is not to be looked into
		config.Explain = p.explain
	}
	if p.Terminal {
		if stdio.Console == nil {
			return nil, errors.New("process.terminal: nobody takes the other end of the terminal: Stdio.Console is nil")
		}
		stdio.In, stdio.Out, stdio.Err = nil, nil, nil
		config.Receive = func(f *os.File) error { return receiveMaster(f, stdio.Console) }
	}
	image, err := trace.image(p.Child)
	if err != nil {
		return nil, err
	}
	var opened []int
	defer func() {
		runtime.KeepAlive(stdio) // a file of which nobody knows any more is closed
		for _, fd := range opened {
			unix.Close(fd)
		}
	}()
	files := make([]prog.FD, len(p.Clone.Files))
	for i, f := range []*os.File{stdio.In, stdio.Out, stdio.Err} {
		fd, err := stdioFD(f, &opened)
		if err != nil {
			return nil, err
		}
		files[i] = prog.FD{Num: fd, Name: p.Clone.Files[i].Name}
	}
	if err := p.Clone.take(stdio.Extra, files); err != nil {
		return nil, err
	}
	for _, s := range p.Before {
		fd, err := trace.step(s, at)
		if err != nil {
			return nil, err
		}
		if fd < 0 {
			continue
		}
		opened = append(opened, fd)
		if s.Action == OpenCgroup {
			config.Cgroup = fd
			continue
		}
		files[s.As.Num] = prog.FD{Num: fd, Name: s.As.Name}
	}
	config.Image, config.Files = image, files
	if at != nil {
		config.Report = at.report
		if at.group != nil {
			config.Cgroup = at.group.FD()
		}
		at.at("clone")
	}
	var process *nsexec.Process
	returns := false
	failed := func(err error) error {
		if process != nil {
			_ = process.Signal(unix.SIGKILL) // ESRCH: it has ended meanwhile
			_, waited := process.Wait()
			err = withMore(err, waited, process.Close())
		}
		err = withMore(err, hooks.end(true))
		if hooks.any { // whoever has been told of the container is told of its end
			err = withMore(err, p.ended(hooks.over))
		}
		return err
	}
	defer func() {
		if !returns { // a function of the caller's has panicked, or has ended its goroutine
			_ = failed(nil) // nobody is there to be told
		}
	}()
	process, err = nsexec.Start(config)
	if err == nil && at == nil {
		err = p.after(process, trace, hooks)
	}
	if err == nil {
		err = hooks.end(false)
	}
	returns = true
	if err != nil {
		return nil, failed(err)
	}
	return process, nil
}

// withMore is an error, with what else went wrong behind it. The first stays as it is
// where that is nothing.
func withMore(err error, more ...error) error {
	if more := errors.Join(more...); more != nil {
		return errors.Join(err, more)
	}
	return err
}

// after does what the host's side does when the user's program runs.
func (p *Plan) after(process *nsexec.Process, trace *Trace, hooks *called) error {
	for _, s := range p.After {
		if err := trace.during(s, process, p.State, nil, hooks); err != nil {
			return err
		}
	}
	return nil
}

// Ended does what the host's side does when the container is gone, which is to call its
// poststop hooks. It is the caller's to call when the process that [Plan.Start] has
// returned was waited for. All are called, whatever becomes of one, and an error is a
// matter for a warning: the container is gone in any case.
func (p *Plan) Ended() error {
	return p.ended(nil)
}

func (p *Plan) ended(over func() bool) error {
	var errs []error
	hooks := &called{over: over}
	for _, s := range p.End {
		if err := s.callHook(p.State, 0, 0, hooks); err != nil {
			errs = append(errs, &StepError{Step: s, Err: err})
		}
	}
	return errors.Join(append(errs, hooks.end(false))...)
}

// stdioFD is the descriptor of a file, or one of /dev/null, which goes to opened.
func stdioFD(f *os.File, opened *[]int) (int, error) {
	if f != nil {
		return int(f.Fd()), nil
	}
	fd, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("%s: %w", os.DevNull, err)
	}
	*opened = append(*opened, fd)
	return fd, nil
}
