package container

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
)

// syncs are the host's parts at the sync points of the program.
func (p *Plan) syncs(trace *Trace, at *place, hooks *called) []func(*nsexec.Process) error {
	list := make([]func(*nsexec.Process) error, len(p.During))
	for i, steps := range p.During {
		list[i] = func(process *nsexec.Process) error {
			for _, s := range steps {
				if err := trace.during(s, process, p.State, at, hooks); err != nil {
					return err
				}
			}
			return nil
		}
	}
	for i, steps := range p.During {
		if keeps(steps) {
			return list[:i+1] // what is behind the gate is not ours to do
		}
	}
	return list
}

// keeps reports whether a container is created when these steps have been done.
func keeps(steps []Step) bool { return len(steps) > 0 && steps[len(steps)-1].Action == KeepState }

// doFor does a step for a process that waits at a sync point. It is a child that nobody
// has waited for, so its number is nobody else's.
func (s Step) doFor(process *nsexec.Process, state State, hooks *called) error {
	pid := process.Pid()
	switch s.Action {
	case RunHook:
		return s.callHook(state, pid, process.PidFD(), hooks)
	case ChangeNetwork:
		return hooks.change(pid, s.Request)
	case DenySetgroups, WriteMap:
		return writeProc(strings.Replace(s.Path, "PID", strconv.Itoa(pid), 1), s.content())
	case EnterCgroup:
		return writeProc(s.Path, strconv.Itoa(pid))
	case RunMapProgram:
		return runMapProgram(s.Path, append([]string{path.Base(s.Path), strconv.Itoa(pid)}, mapArgs(s.IDs)...))
	}
	return errors.New("no such action at a sync point")
}

// content is what is written.
func (s Step) content() string {
	if s.Action == DenySetgroups {
		return "deny"
	}
	return s.IDs.Format()
}

// writeProc writes a file of /proc, by one call: a map can be written once, and whole.
func writeProc(name, text string) error {
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(text))
	return err
}

// mapTimeout bounds newuidmap(1), which may ask a directory server about the caller.
const mapTimeout = 20 * time.Second

// runMapProgram runs newuidmap or newgidmap. Its environment is empty: it has the
// rights of root, and nothing that it needs from us.
func runMapProgram(name string, args []string) error {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("pipe2: %w", err)
	}
	defer unix.Close(ends[0])
	said := os.NewFile(uintptr(ends[1]), "standard error")
	defer said.Close()
	if err := unix.SetNonblock(ends[0], true); err != nil {
		return err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	pidfd := -1
	process, err := os.StartProcess(name, args, &os.ProcAttr{
		Env: []string{}, Files: []*os.File{null, null, said}, Sys: &unix.SysProcAttr{PidFD: &pidfd},
	})
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	text, err := attend(pidfd, ends[0], mapTimeout, nil)
	if err != nil {
		_ = process.Kill() // it is setuid root: an ordinary caller may not
		// So it is left to itself, and whoever waits for it goes on.
		go func() { _, _ = process.Wait() }()
		return err
	}
	state, err := process.Wait()
	if err != nil {
		return err
	}
	if !state.Success() {
		return fmt.Errorf("%s: %s", state, strings.TrimSpace(text))
	}
	return nil
}
