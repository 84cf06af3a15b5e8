package container

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// Stdio is what the user's program gets as its standard input, output and error. A nil
// file is /dev/null. The files stay open in the caller.
type Stdio struct{ In, Out, Err *os.File }

// Start does what the plan says, and returns when the user's program runs. If anything
// fails before, nothing is left behind, and the error is a [*StepError] of the host's
// side, or an [*nsexec.OpError] or [*nsexec.CloneError] of the container's.
func (p *Plan) Start(stdio Stdio) (*nsexec.Process, error) { return p.start(stdio, nil) }

// start is Start, which keeps a record of the times if there is a trace for it.
func (p *Plan) start(stdio Stdio, trace *Trace) (*nsexec.Process, error) {
	process, err := p.attempt(stdio, trace)
	if err != nil {
		p.diagnose(err)
	}
	return process, err
}

func (p *Plan) attempt(stdio Stdio, trace *Trace) (*nsexec.Process, error) {
	image, err := trace.image(p.Child)
	if err != nil {
		return nil, err
	}
	var opened []int
	defer func() {
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
	for _, s := range p.Before {
		fd, err := trace.step(s)
		if err != nil {
			return nil, err
		}
		if fd < 0 {
			continue
		}
		opened = append(opened, fd)
		files[s.As.Num] = prog.FD{Num: fd, Name: s.As.Name}
	}
	return nsexec.Start(nsexec.Config{
		Image: image, Namespaces: p.Clone.Namespaces, Files: files,
		Sync: p.syncs(), Record: trace.record(), Explain: p.explain,
	})
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
