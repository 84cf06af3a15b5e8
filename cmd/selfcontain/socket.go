package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// socket is where somebody else waits for a descriptor: a unix socket of type stream, on
// which one message carries it, as engines expect it of every runtime. unix(7), SCM_RIGHTS
type socket struct {
	flag, path string
	fd         int
}

// dial connects before there is a container, so that a socket that is not there costs
// nothing.
func dial(flag, path string) (*socket, error) {
	s := &socket{flag: flag, path: path, fd: -1}
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

func (s *socket) failed(err error) error { return fmt.Errorf("%s %s: %w", s.flag, s.path, err) }

// send sends a descriptor, beside its name.
func (s *socket) send(name string, fd int) error {
	if err := unix.Sendmsg(s.fd, []byte(name), unix.UnixRights(fd), nil, unix.MSG_NOSIGNAL); err != nil {
		return s.failed(err)
	}
	return nil
}

// sendMaster sends the master of a container's terminal, to be read as other runtimes
// leave it: lines end in a bare newline. It is for [container.Stdio], which calls it
// before the program runs.
func (s *socket) sendMaster(master *os.File) error {
	fd := int(master.Fd())
	if err := bareNewlines(fd); err != nil {
		return s.failed(err)
	}
	if err := s.send("/dev/ptmx", fd); err != nil {
		return err
	}
	return master.Close()
}

// close ends the connection, which tells the other side that nothing more will come.
// It may be called on nil.
func (s *socket) close() {
	if s != nil {
		unix.Close(s.fd)
	}
}
