package selfcontain

import (
	"errors"
	"fmt"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
)

// grace is how long programs may take to end after SIGTERM.
const grace = 10 * time.Second

// Stop ends the container: the programs that were started in it get SIGTERM, what is left
// after ten seconds is killed. Those that they have started themselves are theirs to
// end, and are killed with the container. Its data stay, and [Container.Start] or [Container.Run]
// brings it up again. It is no error if the container does not run.
func (c *Container) Stop() error {
	known, err := c.known()
	if known == nil || err != nil {
		return c.failed("stop", err)
	}
	if err := terminate(known, grace); err != nil {
		return c.failed("stop", err)
	}
	return c.failed("stop", c.kill(known))
}

// Destroy ends the container at once, and removes everything that it has, its data
// included. It is no error if there is nothing to be removed.
func (c *Container) Destroy() error {
	known, err := c.known()
	if err == nil && known != nil {
		err = c.kill(known)
	}
	if err == nil {
		err = c.config.remove()
	}
	return c.failed("destroy", err)
}

// kill ends a container at once.
func (c *Container) kill(known *container.Container) error {
	if err := known.Destroy(true); err != nil {
		return err
	}
	c.mu.Lock()
	h := c.held
	c.mu.Unlock()
	if h == nil {
		return nil
	}
	c.forget(h)
	if h.main != nil {
		<-h.main.gone
		return h.main.after
	}
	<-h.over
	return nil
}

// terminate sends SIGTERM to the programs of a container that come from outside, and waits
// until they have ended.
func terminate(known *container.Container, patience time.Duration) error {
	state, err := known.State()
	if errors.Is(err, container.ContainerNotExists) {
		return nil
	}
	if err != nil || state.Status != container.Running {
		return err
	}
	pids, err := known.Processes()
	if errors.Is(err, container.ContainerNotExists) || errors.Is(err, container.ContainerNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	inside := map[int]bool{}
	for _, pid := range pids {
		inside[pid] = true
	}
	namespace := fmt.Sprintf("/proc/%d/ns/pid", state.Pid)
	var programs []int
	defer func() {
		for _, fd := range programs {
			unix.Close(fd)
		}
	}()
	for _, pid := range pids {
		if pid == state.Pid || inside[parentOf(pid)] {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue // it has ended
		}
		// Only behind the pidfd does it show whose number this is.
		if !same(namespace, fmt.Sprintf("/proc/%d/ns/pid", pid)) {
			unix.Close(fd)
			continue
		}
		programs = append(programs, fd)
		if err := unix.PidfdSendSignal(fd, unix.SIGTERM, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("SIGTERM to %d: %w", pid, err)
		}
	}
	return awaitEnds(programs, patience)
}

// forever is longer than anybody waits.
const forever = time.Duration(1<<63 - 1)

// awaitEnds waits until the processes of some pidfds have ended, or for some time.
func awaitEnds(pidfds []int, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for _, fd := range pidfds {
		list := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			timeout := -1
			if patience != forever {
				timeout = max(0, int(time.Until(deadline).Milliseconds()))
			}
			_, err := unix.Poll(list, timeout)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil {
				return fmt.Errorf("poll: %w", err)
			}
			break
		}
	}
	return nil
}

// parentOf is the number of a process's parent, and 0 where it has none, or is gone.
func parentOf(pid int) (parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name of the process, in parentheses, may have anything in it.
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == ')' {
			var state string
			if _, err := fmt.Sscan(string(text[i+1:]), &state, &parent); err != nil {
				return 0
			}
			return parent
		}
	}
	return 0
}

// same reports whether two paths lead to one namespace.
func same(a, b string) bool {
	var one, other unix.Stat_t
	return unix.Stat(a, &one) == nil && unix.Stat(b, &other) == nil && one.Dev == other.Dev && one.Ino == other.Ino
}

// remove removes the data, and the directory if there is nothing else in it.
func (c *Config) remove() error {
	if _, err := os.Lstat(c.Data); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := c.own(); err != nil {
		return err
	}
	var errs []error
	for _, name := range []string{upperName, workName, libName} {
		errs = append(errs, container.RemoveTree(path.Join(c.Data, name)))
	}
	if err := errors.Join(errs...); err != nil {
		return in("Data", err)
	}
	if err := os.Remove(path.Join(c.Data, ownerName)); err != nil {
		return in("Data", err)
	}
	if err := os.Remove(c.Data); err != nil && !errors.Is(err, unix.ENOTEMPTY) {
		return in("Data", err)
	}
	return nil
}
