//go:build linux

package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	var s stress
	flag.IntVar(&s.starts, "starts", 20_000, "processes to start")
	flag.IntVar(&s.workers, "workers", 16, "goroutines that start them")
	flag.IntVar(&s.heap, "heap", 64, "MiB of heap to watch")
	flag.StringVar(&s.bin, "exec", "/bin/busybox", "the program that some of them execute")
	flag.Parse()
	// A process group of its own, to which it can send signals.
	if err := unix.Setpgid(0, 0); err != nil {
		fmt.Fprintln(os.Stderr, "setpgid:", err)
		os.Exit(1)
	}
	if err := s.run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// stress is one run.
type stress struct {
	starts, workers, heap int
	bin                   string

	next, done atomic.Int64
	collected  atomic.Int64
	spawned    atomic.Int64
	checked    atomic.Int64
}

// hung is how long no start may come to its end.
const hung = 60 * time.Second

func (s *stress) run(out io.Writer) error {
	memory := newMemory(s.heap)
	if err := s.warm(); err != nil {
		return err
	}
	before, err := openDescriptors()
	if err != nil {
		return err
	}
	var profile bytes.Buffer
	if err := pprof.StartCPUProfile(&profile); err != nil {
		return err
	}
	begin := time.Now()
	var errs errorList
	s.disturbed(memory, &errs, func() {
		var workers sync.WaitGroup
		for n := range s.workers {
			workers.Go(func() { errs.add(s.work(n)) })
		}
		workers.Wait()
	})
	pprof.StopCPUProfile()
	took := time.Since(begin)
	errs.add(memory.check())
	after, err := openDescriptors()
	errs.add(err)
	for fd, what := range after {
		if before[fd] != what {
			errs.add(fmt.Errorf("descriptor %s is left open: %s", fd, what))
		}
	}
	errs.add(noChildren())
	if profile.Len() == 0 {
		errs.add(errors.New("the CPU profile is empty"))
	}
	fmt.Fprintf(out, "%d starts in %v, %.0f a second; meanwhile %d collections, %d processes by os/exec, %d MiB checksummed %d times\n",
		s.done.Load(), took.Round(time.Millisecond), float64(s.done.Load())/took.Seconds(), s.collected.Load(), s.spawned.Load(), s.heap, s.checked.Load())
	return errs.join()
}

// warm makes the runtime and package os open what they keep.
func (s *stress) warm() error {
	return exec.Command(s.bin, "true").Run()
}

// disturbed runs f while the disturbers are at work.
func (s *stress) disturbed(memory *memory, errs *errorList, f func()) {
	var disturbers sync.WaitGroup
	stop := make(chan struct{})
	loop := func(step func() error) {
		disturbers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := step(); err != nil {
					errs.add(err)
					return
				}
			}
		})
	}
	loop(func() error { runtime.GC(); s.collected.Add(1); return nil })
	loop(func() error { s.checked.Add(1); return memory.check() })
	loop(func() error { growStack(0); runtime.Gosched(); return nil })
	if unix.Getpgrp() == os.Getpid() {
		// What a terminal sends when its size changes. Go has a handler for it, which must
		// not run in a child that is in its parent's memory; who has none ignores it.
		loop(func() error { time.Sleep(20 * time.Microsecond); return unix.Kill(0, unix.SIGWINCH) })
	}
	for range 2 {
		loop(func() error {
			s.spawned.Add(1)
			text, err := exec.Command(s.bin, "echo", "disturber").CombinedOutput()
			if err != nil || string(text) != "disturber\n" {
				return fmt.Errorf("os/exec: %q: %w", text, err)
			}
			return nil
		})
	}
	watch := make(chan struct{})
	disturbers.Go(func() {
		last := s.done.Load()
		for {
			select {
			case <-watch:
				return
			case <-time.After(hung):
			}
			if now := s.done.Load(); now == last {
				panic(fmt.Sprintf("nothing has been started for %v, after %d starts", hung, now)) // and every goroutine's stack
			} else {
				last = now
			}
		}
	})
	f()
	close(stop)
	close(watch)
	disturbers.Wait()
}

// growStack makes the runtime copy this goroutine's stack.
func growStack(depth int) byte {
	var b [1 << 10]byte
	if depth < 64 {
		b[depth] = growStack(depth + 1)
	}
	return b[depth%len(b)]
}

// errorList collects what goes wrong, the first of it.
type errorList struct {
	mu   sync.Mutex
	list []error
}

func (l *errorList) add(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil && len(l.list) < 10 {
		l.list = append(l.list, err)
	}
}

func (l *errorList) join() error { return errors.Join(l.list...) }
