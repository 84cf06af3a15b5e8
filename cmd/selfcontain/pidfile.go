package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// writePidFile writes the number of a process to a file, which is there with the whole
// number or not at all: whoever waits for it reads it at once. There is no newline,
// because other runtimes write none.
func writePidFile(path string, pid int) error {
	dir, name := filepath.Split(path)
	// In the same directory: a rename does not leave a file system. The number is in the
	// name because two commands may have the same file.
	hidden := filepath.Join(dir, "."+name+"."+strconv.Itoa(os.Getpid()))
	// One that is there was left behind by a command that had our number and was killed.
	if err := os.Remove(hidden); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--pid-file: %w", err)
	}
	f, err := os.OpenFile(hidden, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("--pid-file %s: %w", path, errors.Unwrap(err))
	}
	_, err = f.WriteString(strconv.Itoa(pid))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(hidden, path)
	}
	if err != nil {
		_ = os.Remove(hidden)
		return fmt.Errorf("--pid-file: %w", err)
	}
	return nil
}
