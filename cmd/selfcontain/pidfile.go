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
// because other runtimes write none. What is there and no regular file, such as a FIFO or
// /dev/stderr, stays what it is and is written to.
func writePidFile(path string, pid int) error {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return writeNumber(path, path, os.O_WRONLY, pid)
	}
	dir, name := filepath.Split(path)
	// In the same directory: a rename does not leave a file system. The number is in the
	// name because two commands may have the same file.
	hidden := filepath.Join(dir, "."+name+"."+strconv.Itoa(os.Getpid()))
	// One that is there was left behind by a command that had our number and was killed.
	if err := os.Remove(hidden); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--pid-file: %w", err)
	}
	if err := writeNumber(hidden, path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, pid); err != nil {
		return err
	}
	if err := os.Rename(hidden, path); err != nil {
		_ = os.Remove(hidden)
		return fmt.Errorf("--pid-file: %w", err)
	}
	return nil
}

// writeNumber writes to a file, which an error calls by another name, and leaves none that it has made in vain.
func writeNumber(path, shown string, flags, pid int) error {
	f, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		return fmt.Errorf("--pid-file %s: %w", shown, errors.Unwrap(err))
	}
	_, err = f.WriteString(strconv.Itoa(pid))
	if err = errors.Join(err, f.Close()); err != nil {
		if flags&os.O_CREATE != 0 {
			_ = os.Remove(path)
		}
		return fmt.Errorf("--pid-file: %w", err)
	}
	return nil
}
