package nstest

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// grace is how long leftovers may take to go away by themselves: an orphan
// that was just killed, a descriptor that a goroutine is about to close, a
// cgroup whose last process is still exiting.
func grace() time.Duration {
	if d, err := time.ParseDuration(os.Getenv(graceEnv)); err == nil {
		return d
	}
	return Slower(3 * time.Second)
}

// supervise runs the test binary again, as a child, and returns its exit
// status, or 1 when the tests have orphaned a process that still lives.
func supervise(needs Needs) int {
	if needs.Cgroups {
		unlock, err := lockMachine()
		if err != nil {
			return fail(err)
		}
		defer unlock()
	}
	// Orphans would go to init otherwise and could not be told from the
	// machine's own daemons. prctl(2), PR_SET_CHILD_SUBREAPER, Linux 3.4.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fail(fmt.Errorf("PR_SET_CHILD_SUBREAPER: %w", err))
	}
	runtime.LockOSThread() // Pdeathsig is about the thread that forks
	pid, err := startTests()
	if err != nil {
		return fail(err)
	}
	stop := forwardSignals(pid)
	defer stop()

	status, err := waitFor(pid)
	if err != nil {
		return fail(err)
	}
	code := status.ExitStatus()
	if status.Signaled() {
		fmt.Fprintf(os.Stderr, "nstest: the tests were ended by a signal: %v\n", status.Signal())
		code = 128 + int(status.Signal())
	}
	if err := endOrphans(); err != nil {
		fail(err)
		code = max(code, 1)
	}
	return code
}

func startTests() (int, error) {
	attr := &syscall.ProcAttr{
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	}
	stage := stageTests
	if os.Geteuid() == 0 {
		stage = stageMounted
		attr.Sys.Unshareflags = syscall.CLONE_NEWNS // and all mounts private: nothing reaches the machine's
	}
	if err := os.Setenv(stageEnv, stage); err != nil {
		return 0, err
	}
	attr.Env = os.Environ()
	pid, err := syscall.ForkExec("/proc/self/exe", os.Args, attr)
	if err != nil {
		return 0, fmt.Errorf("run the tests in a process of their own: %w", err)
	}
	return pid, nil
}

// shareMounts makes every mount of this namespace shared, as systemd does
// with a host's. They were private: their only peers are in namespaces that
// the tests derive from this one.
func shareMounts() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("make all mounts shared: %w", err)
	}
	return nil
}

// forwardSignals passes on what `go test` sends to end a run: SIGQUIT at its
// timeout, which makes the child print its goroutines. A terminal's SIGINT
// reaches both processes by itself.
func forwardSignals(pid int) (stop func()) {
	c := make(chan os.Signal, 4)
	signal.Notify(c, unix.SIGQUIT, unix.SIGTERM, unix.SIGINT)
	go func() {
		for s := range c {
			if s != unix.SIGINT {
				_ = unix.Kill(pid, s.(syscall.Signal)) // ESRCH: it has just ended
			}
		}
	}()
	return func() { signal.Stop(c); close(c) }
}

// waitFor reaps every child, as init would, until it has reaped pid.
func waitFor(pid int) (unix.WaitStatus, error) {
	for {
		var status unix.WaitStatus
		switch got, err := unix.Wait4(-1, &status, 0, nil); {
		case err == unix.EINTR:
		case err != nil:
			return 0, fmt.Errorf("wait4: %w", err)
		case got == pid:
			return status, nil
		}
	}
}

// endOrphans waits for the processes that the tests have orphaned. Those that
// are still there after the grace are its error, and are killed.
func endOrphans() error {
	var errs []error
	for deadline := time.Now().Add(grace()); ; time.Sleep(5 * time.Millisecond) {
		switch pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); {
		case err == unix.ECHILD:
			return errors.Join(errs...)
		case err != nil && err != unix.EINTR:
			return errors.Join(append(errs, fmt.Errorf("wait4: %w", err))...)
		case pid != 0 || time.Now().Before(deadline):
			continue
		}
		left, err := children(os.Getpid())
		if err != nil {
			return err
		}
		for _, c := range left {
			errs = append(errs, fmt.Errorf("left behind: orphaned process %s", c))
			if err := unix.Kill(c.pid, unix.SIGKILL); err != nil {
				return errors.Join(append(errs, fmt.Errorf("kill %d: %w", c.pid, err))...)
			}
		}
		deadline = time.Now().Add(grace()) // their children become ours now
	}
}

// lockMachine lets one supervisor at a time run tests that make cgroups.
func lockMachine() (unlock func(), err error) {
	name := filepath.Join(os.TempDir(), fmt.Sprintf("selfcontain-nstest-%d.lock", os.Getuid()))
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if err != unix.EINTR {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
	}
}
