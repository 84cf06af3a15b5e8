package oci

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
)

// FileName is the configuration's in its bundle.
const FileName = "config.json"

const (
	// maxSize is above everything that was ever meant as a configuration: the
	// environment and the arguments of a program are 6 MiB at most, and 2 with the
	// usual limit of the stack. execve(2)
	maxSize = 8 << 20
)

// Load reads the config.json of a bundle, which is a directory. It must be a regular
// file, or a link to one, of at most 8 MiB. Relative paths of the configuration are
// relative to the bundle, and absolute in the result.
func Load(bundle string) (container.Spec, []Warning, error) {
	return LoadFile(filepath.Join(bundle, FileName), bundle)
}

// LoadFile is [Load] with a configuration that may lie elsewhere.
func LoadFile(file, bundle string) (container.Spec, []Warning, error) {
	bundle, err := filepath.Abs(bundle)
	if err == nil {
		file, err = filepath.Abs(file) // for what an error says
	}
	if err != nil {
		return container.Spec{}, nil, fmt.Errorf("bundle: %w", err)
	}
	data, err := readFile(file)
	if err != nil {
		return container.Spec{}, nil, err
	}
	return Decode(data, bundle)
}

// LoadProcess is [DecodeProcess] for a file, of at most 8 MiB.
func LoadProcess(file string) (container.Process, []Warning, error) {
	data, err := readFile(file)
	if err != nil {
		return container.Process{}, nil, err
	}
	p, warnings, err := DecodeProcess(data)
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return p, warnings, err
}

// readFile reads a regular file. It makes the calls itself: package os would first ask
// the network poller whether it wants the file, which costs more than the reading.
func readFile(path string) ([]byte, error) {
	fd, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, fmt.Errorf("%s: it is not a regular file", path)
	case st.Size > maxSize:
		return nil, fmt.Errorf("%s: %d bytes are more than %d", path, st.Size, maxSize)
	}
	// One byte more than there is, so that the read that finds the end has room. The
	// size is a claim: files of /proc have none, and others may grow.
	data := make([]byte, 0, st.Size+1)
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := unix.Read(fd, data[len(data):cap(data)])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return nil, fmt.Errorf("%s: %w", path, err)
		case n == 0:
			return data, nil
		}
		if data = data[:len(data)+n]; len(data) > maxSize {
			return nil, fmt.Errorf("%s: it is longer than %d bytes", path, maxSize)
		}
	}
}

// open opens a file without waiting for the other end of a fifo, and without making
// a terminal the controlling one.
func open(path string) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}
