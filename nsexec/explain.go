package nsexec

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// remember opens the mount namespace of the process that has just been born, if
// somebody wants to look into it when the program fails: the process itself has ended
// by then, and its namespace would have gone with it. Where it cannot be opened,
// because there is no /proc or because the process may not be looked at, nobody will.
// The process runs meanwhile, so this takes no time from it.
func (p *Process) remember(c Config) {
	if c.Explain == nil {
		return
	}
	p.forget()
	fd, err := unix.Open("/proc/"+strconv.Itoa(p.pid)+"/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		p.mounts = fd
	}
}

// forget closes the mount namespace.
func (p *Process) forget() {
	if p.mounts >= 0 {
		unix.Close(p.mounts)
		p.mounts = -1
	}
}

// explain has the caller look why an exec has failed.
func (p *Process) explain(c Config, err error) {
	var failed *OpError
	if c.Explain == nil || !errors.As(err, &failed) || failed.Origin == "clone" || failed.Errno == 0 || !executes(failed.Op.Call) {
		return
	}
	asked := false
	if p.mounts >= 0 {
		// An error is no news: what failed first is what the caller is told.
		_ = lookInto(p.mounts, func(root int) { asked = true; c.Explain(root, failed) })
	}
	if !asked {
		c.Explain(-1, failed)
	}
}

// executes reports whether a call is about the user's program: its execution, or the look
// whether it is there.
func executes(c prog.Call) bool {
	return c == prog.Execve || c == prog.Execveat || c == prog.Faccessat2
}

// lookInto calls a function with the root directory of a mount namespace.
//
// A thread of Go's cannot enter a mount namespace, nor the user namespace that may own
// it, so a process of our own does: a program that joins, and waits while its root is
// looked at through /proc.
func lookInto(mounts int, look func(root int)) error {
	files := []prog.FD{{Num: mounts, Name: "mnt"}}
	// Whose the namespace is: to enter it, one has to be in there first, unless one's
	// own user namespace is above it and one has every right there; entering is
	// allowed to those as well. NS_GET_USERNS, ioctl_ns(2), Linux 4.9
	owner, err := unix.IoctlRetInt(mounts, unix.NS_GET_USERNS)
	if err == nil {
		defer unix.Close(owner)
		if foreign(owner) {
			files = append(files, prog.FD{Num: owner, Name: "user"})
		}
	}
	b := &prog.Builder{}
	control := Begin(b, len(files))
	if len(files) > 1 {
		b.Add(prog.Op{Call: prog.Setns, Args: prog.Args{prog.FD{Num: 1, Name: "user"}, prog.Int(unix.CLONE_NEWUSER)}, Why: "the rights that the next one needs"})
	}
	b.Add(prog.Op{Call: prog.Setns, Args: prog.Args{prog.FD{Num: 0, Name: "mnt"}, prog.Int(unix.CLONE_NEWNS)}, Why: "to be looked at there"})
	EmitSync(b, control, "the caller looks")
	b.Add(prog.Op{Call: prog.ExitGroup, Args: prog.Args{prog.Int(0)}, Why: "done"})
	program, err := b.Program()
	if err != nil {
		return err
	}
	image, err := NewImage(program)
	if err != nil {
		return err
	}
	p, err := Start(Config{Image: image, Files: files, Sync: []func(*Process) error{func(p *Process) error {
		root, err := unix.Open("/proc/"+strconv.Itoa(p.pid)+"/root", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("root of %d: %w", p.pid, err)
		}
		defer unix.Close(root)
		look(root)
		return nil
	}}})
	if err != nil {
		return err
	}
	defer p.Close()
	_, err = p.Wait()
	return err
}

// foreign reports whether a user namespace is another than the caller's.
func foreign(fd int) bool {
	var there, own unix.Stat_t
	if unix.Fstat(fd, &there) != nil || unix.Stat("/proc/self/ns/user", &own) != nil {
		return false
	}
	return there.Ino != own.Ino || there.Dev != own.Dev
}
