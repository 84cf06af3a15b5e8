package container

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/plainjson"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// HookError is a hook that is a command and has failed.
type HookError struct {
	// Path is the command.
	Path string
	// Output is the end of what it has written to standard output and error.
	Output string
	// Err is what was the matter.
	Err error
}

// Error is one line.
func (e *HookError) Error() string {
	text := fmt.Sprintf("%s: %v", e.Path, e.Err)
	if out := strings.TrimSpace(e.Output); out != "" {
		text += fmt.Sprintf("; it said %q", out)
	}
	return text
}

// Unwrap is what was the matter.
func (e *HookError) Unwrap() error { return e.Err }

// Run executes the command on the host's side, in the bundle of the state.
func (h CommandHook) Run(s *State) error {
	host, err := Probe()
	if err != nil {
		return err
	}
	c := &compiler{spec: Spec{Bundle: s.Bundle}, host: host}
	if c.spec.Bundle == "" {
		c.spec.Bundle = "/"
	}
	var errs []error
	h.check("hook", func(origin, format string, v ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", origin, fmt.Sprintf(format, v...)))
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	program, err := c.hookProgram(Poststop, 0, h)
	if err != nil {
		return err
	}
	done, err := h.run(program, s, nil, 0, nil)
	if err != nil {
		return err
	}
	return done.end(false)
}

// called are the hooks that a start has called, and the sockets for its network.
type called struct {
	any bool
	net sockets
	// left are those on the host that have ended well. They are not waited for
	// until the start has come to its end: so long their numbers are their own, and those
	// of the groups in which they may have left somebody.
	left []*hookProcess
	// over asks whether somebody destroys the container by force, who is not to wait for a
	// hook. nil is nobody.
	over func() bool
	// group is a descriptor of the container's cgroup, in which those inside are born; 0 is
	// the caller's own.
	group int
}

// end waits for them. When the start has failed, what they have left behind ends.
func (c *called) end(failed bool) error {
	errs := []error{c.net.close()}
	for _, p := range c.left {
		errs = append(errs, p.end(failed))
	}
	c.left = nil
	return errors.Join(errs...)
}

// hookProcess is the process of a hook, which has not been waited for.
type hookProcess struct {
	*nsexec.Process
	alive int // its guard waits for this one to be closed
}

// end waits for it. What it has left behind ends with a hook that has failed.
func (p *hookProcess) end(failed bool) error {
	if failed {
		_ = unix.Kill(-p.Pid(), unix.SIGKILL) // ESRCH: there is nobody
	}
	p.EndGuard() // in front of the close, at which it would end them
	unix.Close(p.alive)
	_, err := p.Wait()
	return errors.Join(err, p.Close())
}

// told is the state of a container as hooks get it: what the specification has of it, and
// nothing else. pid is as the hook sees it.
//
// https://github.com/opencontainers/runtime-spec/blob/v1.3.0/schema/state-schema.json
type told struct {
	Version     string            `json:"ociVersion"`
	ID          string            `json:"id"`
	Status      Status            `json:"status"`
	Pid         int               `json:"pid,omitempty"`
	Bundle      string            `json:"bundle"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// callHook calls the hook of a step for the container whose first process is pid, with
// its pidfd: the hooks inside join that one's namespaces. Both are 0 when it is gone.
func (s Step) callHook(state State, pid, pidfd int, hooks *called) error {
	hooks.any = true
	state.Status, state.Pid = s.Kind.status(), pid
	h, ok := asCommand(s.Hook)
	if !ok {
		return s.Hook.Run(&state)
	}
	var files []prog.FD
	group := 0
	if s.Kind.inside() {
		group = hooks.group
		state.Pid = pidInside(pid)
		files = []prog.FD{{Num: pidfd, Name: containerFile.Name}}
	}
	done, err := h.run(s.Program, &state, files, group, hooks.over)
	if err != nil {
		return err
	}
	if !s.Kind.inside() {
		hooks.left = append(hooks.left, done)
		return nil
	}
	// The first process of a pid namespace does not end before everything in it has
	// been waited for. What is left behind in there ends with it.
	return done.end(false)
}

// pidInside is the number of a process in its own pid namespace: the last one of its
// numbers. It is 0 where /proc does not tell. proc_pid_status(5), NSpid, Linux 4.1
func pidInside(pid int) int {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if list, ok := strings.CutPrefix(line, "NSpid:"); ok {
			fields := strings.Fields(list)
			n, _ := strconv.Atoi(fields[len(fields)-1])
			return n
		}
	}
	return 0
}

// run executes the hook's program until it has ended well. Then it is left to be waited
// for. more are descriptors behind the standard ones and that of the guard; over ends it.
func (h CommandHook) run(program *prog.Program, s *State, more []prog.FD, group int, over func() bool) (*hookProcess, error) {
	in, err := stateFile(told{s.Version, s.ID, s.Status, s.Pid, s.Bundle, s.Annotations})
	if err != nil {
		return nil, err
	}
	defer unix.Close(in)
	var out [2]int
	if err := unix.Pipe2(out[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	defer unix.Close(out[0])
	// Only the reading end does not block: the other one is the hook's.
	_, err = unix.FcntlInt(uintptr(out[1]), unix.F_SETFL, 0)
	var process *hookProcess
	if err == nil {
		process, err = startHook(program, append([]prog.FD{{Num: in, Name: "stdin"}, {Num: out[1], Name: "stdout"}, {Num: out[1], Name: "stderr"}}, more...), group)
	}
	unix.Close(out[1])
	if err != nil {
		return nil, &HookError{Path: h.Path, Err: err}
	}
	said, err := attend(process.PidFD(), out[0], h.Timeout, over)
	if err == nil {
		err = failure(process.Ended())
	}
	if err != nil {
		err = &HookError{Path: h.Path, Output: said, Err: err}
		return nil, withMore(err, process.end(true))
	}
	return process, nil
}

// failure is what a status is as an error.
func failure(status unix.WaitStatus, err error) error {
	switch {
	case err != nil:
		return err
	case status.Signaled():
		return fmt.Errorf("it was killed by %s", unix.SignalName(status.Signal()))
	case status.ExitStatus() != 0:
		return fmt.Errorf("it ended with status %d", status.ExitStatus())
	}
	return nil
}

// startHook starts the program, with the descriptor of its guard behind the standard ones.
func startHook(program *prog.Program, files []prog.FD, group int) (*hookProcess, error) {
	image, err := nsexec.NewImage(program)
	if err != nil {
		return nil, err
	}
	var alive [2]int
	if err := unix.Pipe2(alive[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	defer unix.Close(alive[0])
	files = slices.Insert(files, standard, prog.FD{Num: alive[0], Name: aliveFile.Name})
	process, err := nsexec.Start(nsexec.Config{Image: image, Files: files, Cgroup: group})
	if err != nil {
		unix.Close(alive[1])
		return nil, err
	}
	return &hookProcess{process, alive[1]}, nil
}

// stateFile is a file in memory with the state in it. A pipe would have to be filled while
// the hook runs, which may never read it.
func stateFile(state told) (int, error) {
	text, err := plainjson.AppendWhole(nil, state)
	if err != nil {
		return -1, err
	}
	fd, err := unix.MemfdCreate("state", unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate("state", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return -1, fmt.Errorf("state: memfd_create: %w", err)
	}
	if _, err := unix.Pwrite(fd, text, 0); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("state: %w", err)
	}
	return fd, nil
}

// hookCall is a step's text.
func (s Step) hookCall() string {
	h, ok := asCommand(s.Hook)
	if !ok {
		return fmt.Sprintf("call a function for %s", s.Origin)
	}
	text := ""
	if s.Cgroup != "" {
		text = "clone3 CLONE_INTO_CGROUP " + s.Cgroup + "; "
	}
	text += fmt.Sprintf("execve(%q, [%s], [%s]); wait", h.Path, strings.TrimPrefix(quoted(h.argv()), ", "), strings.TrimPrefix(quoted(h.Env), ", "))
	if h.Timeout > 0 {
		text += fmt.Sprintf(" for at most %v", h.Timeout)
	}
	return text
}
