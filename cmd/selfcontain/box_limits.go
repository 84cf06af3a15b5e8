package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/nsexec"
)

// boxLimits are what a box may use; 0 is no limit.
type boxLimits struct {
	memory int64 // bytes
	quota  int64 // microseconds of each cpuPeriod
	pids   int64
}

// cpuPeriod is the kernel's own, in microseconds.
const cpuPeriod = 100_000

func (l *boxLimits) declare(f *flag.FlagSet) {
	number := func(to *int64, name, usage string, parse func(string) (int64, error)) {
		f.Var(&optional{func(text string) (err error) { *to, err = parse(text); return err }}, name, usage)
	}
	number(&l.memory, "memory", "at most `SIZE` of memory, such as 64m, and no swap", func(text string) (int64, error) {
		n, err := parseSize(text)
		if err == nil && n <= 0 {
			err = errors.New("want more than 0: without the flag there is no limit")
		}
		return n, err
	})
	number(&l.quota, "cpus", "at most the time of `NUMBER` processors, such as 1.5", func(text string) (int64, error) { return parseCPUs(text, cpuPeriod) })
	number(&l.pids, "pids", "at most `NUMBER` processes and threads", func(text string) (int64, error) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			err = errors.New("want a number of 1 or more")
		}
		return n, err
	})
}

func (l boxLimits) any() bool { return l != boxLimits{} }

func (l boxLimits) resources() (r cgroupv2.Resources) {
	if l.memory != 0 {
		r.Memory = cgroupv2.Memory{Limit: l.memory, Swap: l.memory}
	}
	if l.quota != 0 {
		r.CPU = cgroupv2.CPU{Quota: l.quota, Period: cpuPeriod}
	}
	if l.pids != 0 {
		r.Pids = &l.pids
	}
	return r
}

// boxPrefix begins the ids of boxes with a cgroup.
const boxPrefix = "box-"

func boxID() (string, error) {
	var name [8]byte
	if _, err := unix.Getrandom(name[:], 0); err != nil {
		return "", fmt.Errorf("getrandom: %w", err)
	}
	return fmt.Sprintf("%s%x", boxPrefix, name), nil
}

// limitedBox is a box with a cgroup, for limits or for a filter of devices. The group has to be removed in the end, whoever dies, so
// it is a container that others find.
type limitedBox struct {
	root, id string
	spec     container.Spec
	host     *container.Host
	limits   boxLimits
}

// run makes the container, and waits for its end.
func (l *limitedBox) run(log *log, console console, signals *signals) (wait unix.WaitStatus, err error) {
	if err := signals.ready(); err != nil {
		return 0, err
	}
	sweepBoxes(l.root)
	console.connect(&l.spec.Process)
	pidfd := -1
	c, err := container.Create(l.root, l.id, l.spec, container.CreateOptions{
		Host: l.host,
		Created: func(s container.State) (err error) {
			pidfd, err = unix.PidfdOpen(s.Pid, 0) // it is our child
			return os.NewSyscallError("pidfd_open", err)
		},
	})
	if pidfd >= 0 {
		defer unix.Close(pidfd)
	}
	if err != nil {
		if l.limits.any() {
			err = limitsHint(err, os.Geteuid())
		}
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Destroy(true)) }()
	if err := c.Exec(); err != nil {
		return 0, err
	}
	log.succeeded()
	if wait, err = signals.wait(c, pidfd); err != nil {
		return 0, err
	}
	console.terminal.drain()
	if l.limits.memory != 0 {
		if s, err := c.Stats(); err == nil && s.Memory != nil && s.Memory.Events.OOMKill > 0 {
			log.warn([]string{fmt.Sprintf("the kernel has killed %d of its processes, for want of memory: --memory was %d bytes", s.Memory.Events.OOMKill, l.limits.memory)})
			log.succeeded()
		}
	}
	return wait, nil
}

// sweepBoxes removes what is left of boxes whose command was killed: state and cgroup. Their
// processes have ended with it.
func sweepBoxes(root string) {
	all, err := container.List(root)
	if err != nil {
		return // who makes one there says it better
	}
	for _, c := range all {
		if !strings.HasPrefix(c.ID(), boxPrefix) {
			continue
		}
		s, err := c.State()
		if err != nil || s.Status != container.Stopped {
			continue
		}
		if s.Created.IsZero() { // it is not known, or one that has just been begun has no more than a directory yet
			st, err := os.Stat(filepath.Join(root, c.ID()))
			if err != nil || time.Since(st.ModTime()) < begun {
				continue
			}
		}
		_ = c.Destroy(false) // another box may be just removing it
	}
}

// begun is how long it may take from the directory of a box to what is written down of it.
const begun = time.Minute

// limitFlag is the flag that asks for what this line of a configuration would.
func limitFlag(origin string) string {
	switch origin {
	case "linux.resources.memory.limit", "linux.resources.memory.swap":
		return "--memory"
	case "linux.resources.cpu.quota":
		return "--cpus"
	case "linux.resources.pids.limit":
		return "--pids"
	}
	return ""
}

// limitsHint says of an error that comes from a limit which one it is, and what to do.
func limitsHint(err error, uid int) error {
	var step *container.StepError
	var birth *nsexec.CloneError
	var missing *cgroupv2.ControllerError
	mayNot := errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EROFS)
	switch {
	case errors.As(err, &missing):
		own := *missing
		own.Origin = limitFlag(missing.Origin)
		err = fmt.Errorf("box: %w", &own)
	case errors.As(err, &step) && (step.Step.Action == container.MakeCgroup || step.Step.Action == container.LimitCgroup):
		err = fmt.Errorf("box: --memory, --cpus and --pids take a cgroup: %w", step.Err)
	case errors.As(err, &birth) && mayNot: // CLONE_INTO_CGROUP
		err = fmt.Errorf("box: --memory, --cpus and --pids take a cgroup: %w", err)
	default:
		return err
	}
	if uid != 0 && (mayNot || missing != nil) {
		err = fmt.Errorf("%w; an ordinary user may limit what runs below systemd's user manager: systemd-run --user --scope -p Delegate=yes selfcontain box", err)
	}
	return err
}
