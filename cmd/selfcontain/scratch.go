package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// claim makes a directory ours for as long as this process lives. Two boxes with the
// same layers would destroy them. flock(2)
func claim(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", dir, err), f.Close())
	}
	return f, nil
}

// A scratch directory holds what an ordinary user's box changes where memory cannot:
// an overlay of a user's needs extended attributes of users, which a tmpfs has since
// Linux 6.6. Each box has one of its own, in a directory that all the user's boxes
// share. It is locked for as long as its box lives, so that another box can tell one
// that was left behind, and removes it.

// scratchName is where the boxes' directories lie in the directory of state, or in that for
// all users. No container can have that name, whose directory would lie there as well.
const scratchName = "box~"

func scratchParents(root string, uid int) []string {
	return []string{filepath.Join(root, scratchName), fmt.Sprintf("/var/tmp/selfcontain-%d/%s", uid, scratchName)}
}

// findScratch chooses a new directory, and makes nothing: the first place where one can
// be made whose file system has the attributes.
func findScratch(root string, uid int) (string, error) {
	var why []string
	for _, parent := range scratchParents(root, uid) {
		if err := suitable(parent); err != nil {
			why = append(why, fmt.Sprintf("%s: %v", parent, err))
			continue
		}
		var name [8]byte
		if _, err := unix.Getrandom(name[:], 0); err != nil {
			return "", fmt.Errorf("getrandom: %w", err)
		}
		return fmt.Sprintf("%s/%x", parent, name), nil
	}
	return "", errors.New(strings.Join(why, "; "))
}

// suitable asks the nearest directory that exists.
func suitable(dir string) error {
	for ; ; dir = filepath.Dir(dir) {
		var st unix.Statfs_t
		err := unix.Statfs(dir, &st)
		switch {
		case errors.Is(err, unix.ENOENT):
			continue
		case err != nil:
			return err
		case st.Type == unix.TMPFS_MAGIC || st.Type == unix.RAMFS_MAGIC:
			return errors.New("it is in memory")
		case st.Type == unix.OVERLAYFS_SUPER_MAGIC:
			return errors.New("it is an overlay, on which there can be no other one")
		}
		return unix.Access(dir, unix.W_OK|unix.X_OK)
	}
}

// openScratch makes a scratch directory, when those that were left behind are gone.
// The function that it returns removes it.
func openScratch(dir string, remove func(dir string) error) (func() error, error) {
	parent := filepath.Dir(dir)
	if err := ownDirectory(parent); err != nil {
		return nil, err
	}
	// Between the making of a directory and its lock another box would take it for
	// one that was left behind.
	turn, err := os.Open(parent)
	if err != nil {
		return nil, err
	}
	defer turn.Close()
	if err := unix.Flock(int(turn.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("%s: %w", parent, err)
	}
	if err := sweep(parent, remove); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := claim(dir)
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	if err := directoryXattrs(int(lock.Fd())); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", dir, err), os.Remove(dir), lock.Close())
	}
	return func() error { return errors.Join(remove(dir), lock.Close()) }, nil
}

// ownDirectory makes a directory and the one it is in. They may lie where everybody can
// make them: neither may be a link or somebody else's.
func ownDirectory(dir string) error {
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(d, &st); err != nil {
			return fmt.Errorf("%s: %w", d, err)
		}
		if st.Mode&unix.S_IFMT != unix.S_IFDIR || st.Uid != uint32(os.Geteuid()) || st.Mode&0o022 != 0 {
			return fmt.Errorf("%s: it is not a directory of this user alone", d)
		}
	}
	return nil
}

// sweep removes the directories whose boxes have ended without doing so. That one
// cannot be removed concerns the next box, not this one.
func sweep(parent string, remove func(dir string) error) error {
	left, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, d := range left {
		dir := filepath.Join(parent, d.Name())
		lock, err := claim(dir)
		if err != nil {
			continue // its box lives, or another one is just removing it
		}
		err = remove(dir)
		lock.Close()
		if err != nil {
			warn([]string{fmt.Sprintf("%s was left behind and cannot be removed: %v", dir, err)})
		}
	}
	return nil
}
