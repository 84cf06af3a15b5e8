package main

import (
	"errors"
	"os"

	"github.com/selfcontain/runtime/container"
)

// console is what the container's program is connected with.
type console struct {
	stdio    container.Stdio
	terminal *terminal // ours, where it has one
	socket   *socket   // or somebody else's
}

// openConsole connects a program with this command's standard streams, by way of a
// terminal where it has one, or with the socket at a path. The program keeps so many
// descriptors, from 0 on. Without signals nobody stays to copy.
func openConsole(tty bool, kept int, socket string, signals *signals) (console, error) {
	extra, err := inherited(kept)
	if err != nil {
		return console{}, err
	}
	c := console{stdio: container.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Extra: extra}}
	switch {
	case socket != "" && !tty:
		err = errors.New("--console-socket: there is nothing to send: process.terminal in config.json is not true")
	case socket != "":
		if c.socket, err = dial("--console-socket", socket); err == nil {
			c.stdio.Console = c.socket.sendMaster
		}
	case tty && signals == nil:
		err = errors.New("process.terminal: nobody would take the other end of the terminal: --console-socket says who does")
	case tty:
		c.terminal = newTerminal(os.Stdin, os.Stdout)
		c.stdio.Console = c.terminal.attach
		signals.catchFor(c.terminal)
	}
	return c, err
}

// connect connects a program of the library's with it.
func (c console) connect(p *container.Process) {
	p.Stdin, p.Stdout, p.Stderr, p.Console = c.stdio.In, c.stdio.Out, c.stdio.Err, c.stdio.Console
	for _, fd := range c.stdio.Extra {
		p.ExtraFiles = append(p.ExtraFiles, os.NewFile(uintptr(fd), "preserved"))
	}
}

// close gives back what is left of either.
func (c console) close() {
	c.terminal.close()
	c.socket.close()
}
