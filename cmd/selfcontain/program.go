package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// run runs a program of the machine's and returns what it prints. Standard error is
// ours. os/exec would make a larger command of this one, for two flags.
func run(in *os.File, name string, args ...string) (text string, status int, err error) {
	path, err := program(name, os.Getenv("PATH"))
	if err != nil {
		return "", 0, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return "", 0, err
	}
	defer r.Close()
	p, err := os.StartProcess(path, append([]string{name}, args...), &os.ProcAttr{Env: ownEnvironment(), Files: []*os.File{in, w, os.Stderr}})
	w.Close()
	if err != nil {
		return "", 0, err
	}
	var b bytes.Buffer
	_, read := b.ReadFrom(r)
	state, err := p.Wait()
	if err = errors.Join(read, err); err != nil {
		return "", 0, err
	}
	return b.String(), state.ExitCode(), nil
}

// program finds a program along a search path. Engines may give no environment at all.
func program(name, path string) (string, error) {
	if path == "" {
		path = "/usr/bin:/bin"
	}
	for dir := range strings.SplitSeq(path, ":") {
		file := dir + "/" + name
		if !strings.HasPrefix(dir, "/") || unix.Access(file, unix.X_OK) != nil {
			continue
		}
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file, nil
		}
	}
	return "", fmt.Errorf("there is no program %s in %s", name, path)
}
