package container

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/mounts"
)

// Home is the home directory that the passwd file of the container has for the process's
// user, and "/" where it has none. The file is that of the root, or what is mounted over
// it: many a configuration binds one of the host's, or another etc. It is looked for by
// the destinations as they are written, without a look at links of the root.
func (s *Spec) Home() (string, error) {
	dir, file, exists := passwdIn(s.Root.Path, s.Mounts)
	if !exists {
		return "/", nil
	}
	if file == "" { // it is bound by itself
		real, err := filepath.EvalSymlinks(dir)
		if errors.Is(err, os.ErrNotExist) {
			return "/", nil // the mount will say so
		}
		if err != nil {
			return "", err
		}
		dir, file = filepath.Split(real)
	}
	root, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, os.ErrNotExist) {
		return "/", nil // so will the start
	}
	if err != nil {
		return "", err
	}
	defer root.Close()
	return homeIn(root, file, s.Process.User.UID)
}

// passwdIn is where the passwd file of a container comes from: a directory of the host
// and a file in it, or an empty name where the first one is the file itself.
func passwdIn(root string, list []mounts.Mount) (dir, file string, exists bool) {
	dir, file, exists = root, passwdFile, root != ""
	for _, m := range list {
		rest, covers := strings.CutPrefix("/"+passwdFile, filepath.Clean("/"+m.Destination))
		if !covers || rest != "" && rest[0] != '/' {
			continue
		}
		switch has := func(option string) bool { return slices.Contains(m.Options, option) }; {
		case m.Type == "bind" || has("bind") || has("rbind"):
			dir, file, exists = m.Source, strings.TrimPrefix(rest, "/"), true
		case has("remount"), has("tmpcopyup"): // it stays what it is
		default:
			exists = false // a new file system is empty
		}
	}
	return dir, file, exists
}
