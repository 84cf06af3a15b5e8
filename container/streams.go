package container

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// streams are the pipes between a program and readers and writers that are no files.
type streams struct {
	theirs []*os.File // the program's ends
	in     *os.File
	from   io.Reader
	out    []outgoing
}

// outgoing is what the program writes, and where it goes.
type outgoing struct {
	from *os.File
	to   io.Writer
}

// open makes the pipes that are needed. A program with a terminal has none.
func (s *streams) open(p *Process) (stdio Stdio, err error) {
	stdio.Console = p.Console
	for i, f := range p.ExtraFiles {
		fd, err := descriptorOf(f)
		if err != nil {
			return stdio, fmt.Errorf("process.extraFiles[%d]: %w", i, err)
		}
		stdio.Extra = append(stdio.Extra, fd)
	}
	if p.Terminal {
		return stdio, nil
	}
	switch in := p.Stdin.(type) {
	case nil:
	case *os.File:
		stdio.In = in
	default:
		stdio.In, s.in, err = s.pipe()
		s.from = in
	}
	if err == nil {
		stdio.Out, err = s.output(p.Stdout)
	}
	if err == nil && p.Stderr != nil && same(p.Stdout, p.Stderr) {
		stdio.Err = stdio.Out // one pipe, so that nothing is written to it by two at once
	} else if err == nil {
		stdio.Err, err = s.output(p.Stderr)
	}
	if err != nil {
		s.closeOurs()
	}
	return stdio, err
}

// pipe makes one of which the program has the end for reading.
func (s *streams) pipe() (r, w *os.File, err error) {
	if r, w, err = os.Pipe(); err == nil {
		s.theirs = append(s.theirs, r)
	}
	return r, w, err
}

// output is what the program writes to.
func (s *streams) output(to io.Writer) (*os.File, error) {
	if f, ok := to.(*os.File); ok || to == nil {
		return f, nil
	}
	r, w, err := os.Pipe()
	if err == nil {
		s.theirs = append(s.theirs, w)
		s.out = append(s.out, outgoing{r, to})
	}
	return w, err
}

// same reports whether two writers are one. What cannot be compared is not.
func same(a, b io.Writer) (equal bool) {
	defer func() {
		if recover() != nil {
			equal = false
		}
	}()
	return a == b
}

// copy copies until the other ends are closed.
func (s *streams) copy(e *execution) {
	if s.in != nil {
		in, from := s.in, s.from
		go func() {
			_, err := io.Copy(in, from)
			e.failed(errors.Join(err, in.Close()))
		}()
	}
	for _, o := range s.out {
		e.outputs.Add(1)
		go func() {
			defer e.outputs.Done()
			_, err := io.Copy(o.to, o.from)
			e.failed(errors.Join(err, o.from.Close()))
		}()
	}
}

// closeTheirs closes the program's ends, of which it has copies by now.
func (s *streams) closeTheirs() {
	for _, f := range s.theirs {
		f.Close()
	}
}

// closeOurs closes the others, where there is nothing to be copied.
func (s *streams) closeOurs() {
	if s.in != nil {
		s.in.Close()
	}
	for _, o := range s.out {
		o.from.Close()
	}
}

// descriptorOf is the descriptor of a file, which stays as it is: [os.File.Fd] makes one that
// does not block into one that does, for all who share it.
func descriptorOf(f *os.File) (fd int, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return -1, err
	}
	err = errors.Join(conn.Control(func(n uintptr) { fd = int(n) }), err)
	return fd, err
}
