package container

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// openTerminal asks the tree for a terminal, which is made where its devpts is.
func (c *compiler) openTerminal() {
	if c.plan.Terminal = c.spec.Process.Terminal; c.plan.Terminal {
		c.terminal = mounts.Terminal{Master: c.b.Slot("master"), Slave: c.b.Slot("slave")}
	}
}

// emitTerminal makes the terminal the process's standard input, output and error, and
// gives its other end away: whoever held both could read what is typed and answer for
// the program.
//
// The owner is changed because programs such as mesg(1) want their terminal to be
// theirs. The group is the devpts's to say, by its option gid, and so are the
// permissions, by mode.
func (c *compiler) emitTerminal(control prog.FD) {
	if !c.spec.Process.Terminal {
		return
	}
	b, master, slave := c.b, c.terminal.Master, c.terminal.Slave
	if size := c.spec.Process.ConsoleSize; size != (WindowSize{}) {
		b.From("process.consoleSize")
		b.Add(prog.Op{
			Call: prog.Ioctl, Args: prog.Args{master, prog.Int(unix.TIOCSWINSZ), prog.Winsize(size.Height, size.Width)},
			Why: "the size of its window",
		})
	}
	b.From("process.terminal")
	b.Add(prog.Op{
		Call: prog.Fchown, Args: prog.Args{slave, prog.Int(c.spec.Process.User.UID), prog.Int(^uint32(0))},
		Why:  "it is the user's",
		Hint: "EINVAL: the user namespace has no such id; EPERM: it does not have the one of the terminal, which the devpts's options uid and gid can change; EROFS: the devpts is read-only",
	})
	nsexec.EmitSend(b, control, master, "the caller gets the other end")
	b.Add(prog.Op{Call: prog.Close, Args: prog.Args{master}, Why: "and nobody here has it"})
	for i, name := range [...]string{"stdin", "stdout", "stderr"} {
		b.Add(prog.Op{Call: prog.Dup3, Args: prog.Args{slave, prog.FD{Num: i, Name: name}, prog.Int(0)}, Why: "the terminal"})
	}
	b.Add(prog.Op{Call: prog.Close, Args: prog.Args{slave}, Why: "three are enough"})
	b.From("process")
}

// emitControllingTerminal makes the terminal that of the session: it sends the signals
// of ^C and ^Z to the session's processes, and SIGHUP when it goes away. The process
// must be the leader of its session ([emitSession]), and be the one that executes the
// user's program, or its child. TIOCSCTTY(2const)
func (c *compiler) emitControllingTerminal() {
	if !c.spec.Process.Terminal {
		return
	}
	c.b.From("process.terminal")
	c.b.Add(prog.Op{
		Call: prog.Ioctl, Args: prog.Args{prog.FD{Num: 0, Name: "stdin"}, prog.Int(unix.TIOCSCTTY), prog.Int(0)},
		Why:  "the controlling terminal of the session",
		Hint: "EIO: the other end of the terminal is closed already; EPERM: the process does not lead a session, or has a controlling terminal already",
	})
	c.b.From("process")
}

// ptmx are the numbers of the device whose open files are masters.
// Documentation/admin-guide/devices.txt
var ptmx = unix.Mkdev(5, 2)

// receiveMaster looks whether what the container has sent is the master of a terminal,
// and gives it to whom it is for. The container is not trusted: the slave of somebody
// else's terminal, or a file, would be written to by whoever copies to it.
func receiveMaster(f *os.File, console func(*os.File) error) error {
	if err := isMaster(f); err != nil {
		return fmt.Errorf("process.terminal: what the container has sent is no master of a terminal: %w", err)
	}
	if err := console(f); err != nil {
		return fmt.Errorf("process.terminal: %w", err)
	}
	return nil
}

func isMaster(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var asked error
	err = conn.Control(func(fd uintptr) {
		var st unix.Stat_t
		if asked = unix.Fstat(int(fd), &st); asked != nil {
			return
		}
		if st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != ptmx {
			asked = fmt.Errorf("it is a file of type %#o, device %d:%d", st.Mode&unix.S_IFMT, unix.Major(st.Rdev), unix.Minor(st.Rdev))
			return
		}
		_, asked = unix.IoctlGetUint32(int(fd), unix.TIOCGPTN)
	})
	return errors.Join(err, asked)
}
