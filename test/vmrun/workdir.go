package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// makeWorkDir makes a temporary directory that is locked while it is in use,
// and removes those that nobody holds: a vmrun that was killed has left them.
func makeWorkDir() (dir string, remove func(), err error) {
	removeAbandoned()
	dir, err = os.MkdirTemp("", "vmrun-")
	if err != nil {
		return "", nil, err
	}
	unlock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, func() {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, "vmrun:", err)
		}
		unlock()
	}, nil
}

// removeAbandoned is a courtesy: what it cannot remove stays.
func removeAbandoned() {
	old, _ := filepath.Glob(filepath.Join(os.TempDir(), "vmrun-*", "lock"))
	for _, name := range old {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(filepath.Dir(name))
		}
		f.Close()
	}
}

// makeRoot makes an image of -rootdir, at -root or in the work directory,
// unless it is there already.
func makeRoot(o *options, work string) error {
	if o.rootDir == "" {
		return nil
	}
	if o.root == "" {
		o.root = filepath.Join(work, "root.img")
	}
	if exists(o.root) {
		return nil
	}
	size := o.rootSize
	if size == "" {
		n, err := diskUsage(o.rootDir)
		if err != nil {
			return err
		}
		size = fmt.Sprintf("%dM", (n*13/10>>20)+256)
	}
	part := o.root + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := exec.Command("mkfs.ext4", "-q", "-F", "-m0", "-O", "^has_journal",
		"-E", "lazy_itable_init=1,root_owner=0:0", "-d", o.rootDir, part, size).CombinedOutput()
	if err != nil {
		return errors.Join(fmt.Errorf("mkfs.ext4: %w: %s", err, out), os.Remove(part))
	}
	o.logf("%s: image of %s made", o.root, size)
	return os.Rename(part, o.root)
}

// diskUsage returns the bytes of the files below dir, in whole pages.
func diskUsage(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err == nil {
			n += (fi.Size() + 4095) &^ 4095
		}
		return err
	})
	return n, err
}
