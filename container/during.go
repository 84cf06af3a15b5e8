package container

import (
	"bytes"
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
		if len(steps) > 0 && steps[0].Action == KeepState {
			return list[:i+1] // what is behind the gate is not ours to do
		}
	}
	return list
}

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
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		w.Close()
		return err
	}
	process, err := os.StartProcess(name, args, &os.ProcAttr{Env: []string{}, Files: []*os.File{null, null, w}})
	null.Close()
	w.Close()
	if err != nil {
		return err
	}
	late := time.AfterFunc(mapTimeout, func() {
		_ = process.Kill() // it is setuid root: an ordinary caller may not
		r.Close()          // so it is left to itself, and whoever waits for it goes on
	})
	defer late.Stop()
	said := make([]byte, 4096)
	n := 0
	for n < len(said) {
		more, err := r.Read(said[n:])
		n += more
		if err != nil {
			break
		}
	}
	if !late.Stop() {
		return fmt.Errorf("it has not ended within %v", mapTimeout)
	}
	state, err := process.Wait()
	if err != nil {
		return err
	}
	if !state.Success() {
		return fmt.Errorf("%s: %s", state, bytes.TrimSpace(said[:n]))
	}
	return nil
}
