//go:build linux

package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// work starts processes, each after the end of the one before, until enough are started.
func (s *stress) work(worker int) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	stdio := prog.FD{Num: int(null.Fd()), Name: "null"}
	stores := []nsexec.Store{nsexec.StoreMemfd, nsexec.StoreFile}
	if os.Geteuid() == 0 {
		stores = append(stores, nsexec.StoreTmpfs)
	}
	for {
		n := s.next.Add(1)
		if n > int64(s.starts) {
			return nil
		}
		image, want, err := s.image(worker, int(n))
		if err != nil {
			return err
		}
		c := nsexec.Config{Image: image, Files: []prog.FD{stdio, stdio, stdio}, Store: stores[int(n)%len(stores)]}
		p, err := nsexec.Start(c)
		if err != nil {
			return fmt.Errorf("start %d, image in a %v: %w", n, c.Store, err)
		}
		status, err := p.Wait()
		p.Close()
		if err != nil {
			return err
		}
		if status != want {
			return fmt.Errorf("start %d ended with %#x, want %#x", n, int(status), int(want))
		}
		s.done.Add(1)
	}
}

// image is a program that ends in its own way: most exit with a status of their own, one
// in eight executes a program, and one in eight is killed as soon as it has been started.
func (s *stress) image(worker, n int) (*nsexec.Image, unix.WaitStatus, error) {
	b := &prog.Builder{}
	b.From(fmt.Sprintf("worker %d", worker))
	nsexec.Begin(b, 3)
	for i := range n % 20 {
		b.Add(prog.Op{Call: prog.Dup3, Args: prog.Args{prog.FD{Num: 0}, prog.FD{Num: 10 + i}, prog.Int(0)}})
	}
	status := unix.WaitStatus(n%100) << 8
	switch n % 8 {
	case 0:
		nsexec.EmitCloseOnExec(b, 3)
		argv := []string{s.bin, "sh", "-c", fmt.Sprint("exit ", n%100)}
		b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str(s.bin), prog.Strings(argv), prog.Strings(nil)}})
	case 1:
		nsexec.EmitCloseOnExec(b, 3)
		argv := []string{s.bin, "sh", "-c", "kill -KILL $$"}
		b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str(s.bin), prog.Strings(argv), prog.Strings(nil)}})
		status = unix.WaitStatus(unix.SIGKILL)
	default:
		b.Add(prog.Op{Call: prog.ExitGroup, Args: prog.Args{prog.Int(n % 100)}})
	}
	p, err := b.Program()
	if err != nil {
		return nil, 0, err
	}
	image, err := nsexec.NewImage(p)
	return image, status, err
}
