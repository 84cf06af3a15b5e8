package rtnl

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Sysctl sets a kernel parameter of the container's network namespace. sysctl(8)
type Sysctl struct {
	// Path is its file below /proc/sys: "net/ipv6/conf/eth0/accept_ra". The kernel shows
	// whoever opens it the one of his own network namespace.
	Path  string
	Value string
	// Optional passes over one that this kernel does not have.
	Optional bool
}

// String is the request as what is written.
func (c Sysctl) String() string {
	text := "write(nsenter -t PID -n tee /proc/sys/" + c.Path + "): " + c.Value
	if c.Optional {
		text += ", if it is there"
	}
	return text
}

func (c Sysctl) do(s *Sides) error {
	return Within(s.netns, func() error {
		fd, err := unix.Open("/proc/sys/"+c.Path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if c.Optional && errors.Is(err, unix.ENOENT) {
			return nil
		}
		if err == nil {
			_, err = unix.Write(fd, []byte(c.Value))
			unix.Close(fd)
		}
		if err != nil {
			return &os.PathError{Op: "write", Path: "/proc/sys/" + c.Path, Err: err}
		}
		return nil
	})
}
