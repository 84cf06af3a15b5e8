package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
)

// console is what the container's program is connected with.
type console struct {
	stdio    container.Stdio
	terminal *terminal      // ours, where it has one
	socket   *consoleSocket // or somebody else's
}

// openConsole connects the program of a plan with this command's standard streams, by
// way of a terminal where it has one, or with the socket at a path.
func openConsole(plan *container.Plan, socket string, signals *signals) (console, error) {
	extra, err := inherited(plan.Clone.Kept)
	if err != nil {
		return console{}, err
	}
	c := console{stdio: container.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Extra: extra}}
	switch {
	case socket != "" && !plan.Terminal:
		err = errors.New("--console-socket: there is nothing to send: process.terminal in config.json is not true")
	case socket != "":
		if c.socket, err = connectConsole(socket); err == nil {
			c.stdio.Console = c.socket.send
		}
	case plan.Terminal:
		c.terminal = newTerminal(os.Stdin, os.Stdout)
		c.stdio.Console = c.terminal.attach
		signals.catchFor(c.terminal)
	}
	if err != nil { // only run has a socket
		err = fmt.Errorf("run: %w", err)
	}
	return c, err
}

// close gives back what is left of either.
func (c console) close() {
	c.terminal.close()
	if c.socket != nil {
		c.socket.close()
	}
}

// consoleSocket is where somebody else waits for the master of the container's
// terminal: a unix socket of type stream, on which one message carries the descriptor,
// as engines expect it of every runtime.
type consoleSocket struct {
	path string
	fd   int
}

// connectConsole connects before there is a container, so that a socket that is not
// there costs nothing.
func connectConsole(path string) (*consoleSocket, error) {
	s := &consoleSocket{path: path, fd: -1}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, s.failed(err)
	}
	if err := connect(fd, path); err != nil {
		unix.Close(fd)
		return nil, s.failed(err)
	}
	s.fd = fd
	return s, nil
}

// connect has no limit for the length of the path. The one of struct sockaddr_un is 107,
// and a link of /proc leads from a short name to any file. unix(7)
func connect(fd int, path string) error {
	file, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(file)
	for {
		err := unix.Connect(fd, &unix.SockaddrUnix{Name: fmt.Sprintf("/proc/self/fd/%d", file)})
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (s *consoleSocket) failed(err error) error {
	return fmt.Errorf("--console-socket %s: %w", s.path, err)
}

// send sends the master. It is for [container.Stdio], which calls it before the program
// runs. The data beside the descriptor is its name.
func (s *consoleSocket) send(master *os.File) error {
	rights := unix.UnixRights(int(master.Fd()))
	if err := unix.Sendmsg(s.fd, []byte("/dev/ptmx"), rights, nil, unix.MSG_NOSIGNAL); err != nil {
		return s.failed(err)
	}
	return master.Close()
}

// close ends the connection, which tells the other side that nothing more will come.
func (s *consoleSocket) close() { unix.Close(s.fd) }
