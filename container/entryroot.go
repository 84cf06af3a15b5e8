package container

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
)

// explainEntry finds out why a program could not be executed, or its directory not be
// found, in the container as it is.
func (p *Plan) explainEntry(err error) {
	var failed *nsexec.OpError
	if !errors.As(err, &failed) || failed.Errno == 0 {
		return
	}
	if failed.Origin == "process.cwd" && failed.Errno == unix.ENOENT {
		failed.Cause = "the container has no directory " + p.wanted.Process.Cwd
	}
	if failed.Origin != programOrigin {
		return
	}
	root, err := p.entered.process.openRoot()
	if err != nil {
		return
	}
	defer root.Close()
	if cause := failed.Cause; cause == "" {
		p.explain(int(root.Fd()), failed)
	}
}

// openRoot opens the root directory of a process, as it sees it.
func (i identity) openRoot() (*os.File, error) {
	pidfd, err := i.open()
	if err != nil {
		return nil, err
	}
	defer unix.Close(pidfd)
	name := "/proc/" + strconv.Itoa(i.pid) + "/root"
	root, err := os.OpenFile(name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	// As long as it lives the number is its own, so this was its root.
	if gone, err := ended(pidfd); gone || err != nil {
		return nil, errors.Join(errGone, err, root.Close())
	}
	return root, nil
}

// OpenRoot opens the root directory of a container that runs, as its first process sees
// it, for [LookupUser] and the like. Everything in it is the container's: whatever is
// opened below it has to be opened so that no link leads out (openat2(2),
// RESOLVE_IN_ROOT).
func (c *Container) OpenRoot() (*os.File, error) {
	const op = "open"
	d, v, err := c.running(op)
	if err != nil {
		return nil, err
	}
	defer d.close()
	defer v.close()
	root, err := v.process.openRoot()
	if err != nil {
		return nil, c.unlessStopped(op, v, c.failed(op, err))
	}
	return root, nil
}

// ending reports whether the first process has ended, or is on its way out: the kernel
// ends all others of its pid namespace then, and lets nobody in, before it is a zombie.
func (v *view) ending() bool {
	if gone, err := ended(v.pidfd); gone || err != nil {
		return gone
	}
	text, err := readProc("/proc/" + strconv.Itoa(v.process.pid) + "/stat")
	if err != nil {
		return true // it has been reaped meanwhile
	}
	const flags = 6 // of the fields behind the name. proc_pid_stat(5)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) <= flags {
		return false
	}
	f, err := strconv.ParseUint(fields[flags], 10, 64)
	return err == nil && f&exiting != 0
}

// exiting is PF_EXITING of include/linux/sched.h.
const exiting = 0x4
