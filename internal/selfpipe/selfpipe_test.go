package selfpipe_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/internal/selfpipe"
)

// parts are what this test binary does when it is started again: what is done to the
// signals of a process stays done.
var parts = map[string]func() error{"every": every, "fault": fault, "storm": storm, "ignored": ignored, "twice": twice}

const part = "SELFPIPE_PART"

func TestMain(m *testing.M) {
	do, ok := parts[os.Getenv(part)]
	if !ok {
		nstest.Main(m, nstest.Needs{})
	}
	if err := do(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

func again(t *testing.T, name string, prefix ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // a fault that comes back for ever
	defer cancel()
	c := exec.CommandContext(ctx, "/proc/self/exe")
	if len(prefix) > 0 {
		c = exec.CommandContext(ctx, prefix[0], append(prefix[1:], os.Args[0])...)
	}
	c.Env = []string{part + "=" + name}
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestEverySignalArrives(t *testing.T)      { again(t, "every") }
func TestAFaultIsStillAPanic(t *testing.T)     { again(t, "fault") }
func TestNoneIsLostWhileGoIsBusy(t *testing.T) { again(t, "storm") }
func TestOnePipeAProcess(t *testing.T)         { again(t, "twice") }
func TestIgnoredSignalStaysIgnored(t *testing.T) {
	again(t, "ignored", "/bin/sh", "-c", `trap "" HUP; exec "$0"`)
}

// catchable is everything but what the kernel refuses, what Go's runtime sends to itself,
// and what the caller of the tests ignores, which stays so: make(1) starts everything with
// 32 and 33 ignored.
func catchable() (list []unix.Signal) {
	mask := sigIgn()
	for n := unix.Signal(1); n <= selfpipe.Last; n++ {
		if n != unix.SIGKILL && n != unix.SIGSTOP && n != unix.SIGURG && mask>>(n-1)&1 == 0 {
			list = append(list, n)
		}
	}
	return list
}

// sigIgn are the signals that this process ignores, signal n at bit n-1.
func sigIgn() uint64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	_, rest, _ := strings.Cut(string(text), "SigIgn:\t")
	mask, err := strconv.ParseUint(strings.Fields(rest)[0], 16, 64)
	if err != nil {
		panic(err)
	}
	return mask
}

func open(list ...unix.Signal) (selfpipe.Pipe, error) {
	pipe, err := selfpipe.Open()
	for _, n := range list {
		err = errors.Join(err, pipe.Catch(n))
	}
	return pipe, err
}

// next waits for signals.
func next(pipe selfpipe.Pipe, buffer []byte) ([]byte, error) {
	for {
		wait := []unix.PollFd{{Fd: int32(pipe.FD()), Events: unix.POLLIN}}
		if n, err := unix.Poll(wait, 10_000); n == 0 || err != nil {
			if errors.Is(err, unix.EINTR) {
				continue
			}
			return nil, fmt.Errorf("no signal comes: %v", err)
		}
		if got, err := pipe.Read(buffer); err != nil || len(got) > 0 {
			return got, err
		}
	}
}

func every() error {
	pipe, err := open(catchable()...)
	if err != nil {
		return err
	}
	var buffer [8]byte
	for _, n := range catchable() {
		if err := unix.Kill(os.Getpid(), n); err != nil {
			return err
		}
		got, err := next(pipe, buffer[:])
		if err != nil || len(got) != 1 || unix.Signal(got[0]) != n {
			return fmt.Errorf("signal %d: got %v, %v", int(n), got, err)
		}
	}
	return nil
}

// fault uses a nil pointer before and after somebody has sent the same signal.
func fault() error {
	pipe, err := open(catchable()...)
	if err != nil {
		return err
	}
	for range 3 {
		if err := use(nil); err == nil {
			return errors.New("no panic")
		}
		if err := unix.Kill(os.Getpid(), unix.SIGSEGV); err != nil {
			return err
		}
		var buffer [8]byte
		if got, err := next(pipe, buffer[:]); err != nil || len(got) != 1 {
			return fmt.Errorf("got %v, %v", got, err)
		}
	}
	return nil
}

func use(p *int) (err error) {
	defer func() {
		if e, ok := recover().(runtime.Error); ok {
			err = e
		}
	}()
	*p = 1
	return nil
}

// storm sends real-time signals, which the kernel counts one by one, while goroutines
// grow their stacks, allocate and collect garbage.
func storm() error {
	const count, each = 5_000, 500
	pipe, err := open(40)
	if err != nil {
		return err
	}
	var busy sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		busy.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					_ = deep(64)
					runtime.GC()
				}
			}
		})
	}
	var buffer [64]byte
	for sent := 0; sent < count && err == nil; sent += each {
		for range each { // fewer than may wait, and than the pipe holds
			if e := unix.Kill(os.Getpid(), 40); e != nil {
				return e
			}
		}
		for got := 0; got < each && err == nil; {
			var some []byte
			some, err = next(pipe, buffer[:])
			got += len(some)
			if got > each {
				err = fmt.Errorf("%d signals were sent, %d came", each, got)
			}
		}
	}
	close(done)
	busy.Wait()
	return err
}

func deep(n int) []byte {
	var room [1024]byte
	if n > 0 {
		copy(room[:], deep(n-1))
	}
	return append([]byte(nil), room[:]...)
}

func ignored() error {
	pipe, err := open(unix.SIGHUP, unix.SIGTERM)
	if err != nil {
		return err
	}
	for _, n := range []unix.Signal{unix.SIGHUP, unix.SIGTERM} {
		if err := unix.Kill(os.Getpid(), n); err != nil {
			return err
		}
	}
	var buffer [8]byte
	if got, err := next(pipe, buffer[:]); err != nil || len(got) != 1 || unix.Signal(got[0]) != unix.SIGTERM {
		return fmt.Errorf("got %v, %v", got, err)
	}
	return nil
}

func twice() error {
	if _, err := selfpipe.Open(); err != nil {
		return err
	}
	if _, err := selfpipe.Open(); err == nil {
		return errors.New("a second pipe is opened")
	}
	return nil
}
