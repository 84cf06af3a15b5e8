package cgroupv2

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// maxFile bounds what is read of one file: cgroup.procs with a million processes.
const maxFile = 16 << 20

// readAll reads a file from its beginning.
func readAll(fd int) (string, error) {
	text := make([]byte, 0, 4096)
	for len(text) < maxFile {
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
		n, err := unix.Pread(fd, text[len(text):cap(text)], int64(len(text)))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return "", err
		case n == 0:
			return string(text), nil
		default:
			text = text[:len(text)+n]
		}
	}
	return "", fmt.Errorf("more than %d bytes", maxFile)
}

func readFile(dir int, name string) (string, error) {
	fd, err := openBelow(dir, name, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	text, err := readAll(fd)
	return text, errors.Join(err, unix.Close(fd))
}

// writeFile writes in one call: each is one command to the kernel. The line feed is
// what a shell would write, and what tells "" from nothing.
func writeFile(dir int, name, value string) error {
	fd, err := openBelow(dir, name, unix.O_WRONLY)
	if err != nil {
		return err
	}
	for {
		_, err = unix.Write(fd, []byte(value+"\n"))
		if !errors.Is(err, unix.EINTR) {
			return errors.Join(err, unix.Close(fd))
		}
	}
}

// failed names the group and the file in an error.
func (g *Group) failed(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cgroup %s: %s: %w", g.path, name, err)
}

func (g *Group) read(name string) (string, error) {
	text, err := readFile(g.fd, name)
	return text, g.failed(name, err)
}

func (g *Group) write(name, value string) error {
	if err := writeFile(g.fd, name, value); err != nil {
		return fmt.Errorf("cgroup %s: %s = %q: %w", g.path, name, value, err)
	}
	return nil
}
