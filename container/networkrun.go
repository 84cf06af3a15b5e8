package container

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/rtnl"
)

// sockets are those with which the network of a container is made, while that waits.
type sockets struct {
	netns int
	sides *rtnl.Sides
}

// change does what a request says, for the container whose first process is pid.
func (c *called) change(pid int, r rtnl.Request) error {
	if err := c.net.open(pid); err != nil {
		return err
	}
	return c.net.sides.Do(r)
}

func (s *sockets) open(pid int) (err error) {
	if s.sides != nil {
		return nil
	}
	if s.netns, err = openNetns(pid); err != nil {
		return err
	}
	if s.sides, err = rtnl.Open(s.netns); err != nil {
		unix.Close(s.netns)
	}
	return err
}

func (s *sockets) close() error {
	if s.sides == nil {
		return nil
	}
	err := errors.Join(s.sides.Close(), unix.Close(s.netns))
	s.sides = nil
	return err
}

// openNetns opens the network namespace of a process.
func openNetns(pid int) (int, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/ns/net"
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("%s: %w", path, err)
	}
	return fd, nil
}
