package container

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/selfcontain/runtime/mounts"
)

// MakeLayers makes the directories on the host that the overlays of a plan keep their
// changes in, with those above, where that is not memory. What is there stays as it is.
func MakeLayers(overlays []*mounts.Overlay) error {
	for _, o := range overlays {
		if o.Upper == "" {
			continue
		}
		mode := fs.FileMode(0o755)
		if o.Mode != 0 {
			mode = fs.FileMode(o.Mode & 0o777)
		}
		for _, dir := range []struct {
			path string
			mode fs.FileMode
		}{{o.Upper, mode}, {o.Work, 0o700}} {
			if err := os.MkdirAll(filepath.Dir(dir.path), 0o755); err != nil {
				return err
			}
			if err := makeExactly(dir.path, dir.mode); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
		}
	}
	return nil
}

// makeExactly makes a directory of these permissions, whatever the umask is.
func makeExactly(dir string, mode fs.FileMode) error {
	if err := os.Mkdir(dir, mode); err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}

// RemoveTree removes a tree of this user's, such as that of an overlay's changes. A
// directory may be closed to its owner too: the one that an overlay works in has no
// permissions at all.
func RemoveTree(dir string) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return nil // RemoveAll says it better
	})
	return errors.Join(err, os.RemoveAll(dir))
}
