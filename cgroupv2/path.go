package cgroupv2

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// CleanPath checks a path of a group: absolute, without ".." and without bytes that
// would end a line of /proc/PID/cgroup. It returns it in its shortest form.
func CleanPath(p string) (string, error) {
	switch {
	case !strings.HasPrefix(p, "/"):
		return "", fmt.Errorf("cgroup path %q does not start with a slash", p)
	case strings.ContainsAny(p, "\x00\n"):
		return "", fmt.Errorf("cgroup path %q has a byte that no name may have", p)
	case len(p) >= unix.PathMax:
		return "", fmt.Errorf("cgroup path %.40q... is too long", p)
	}
	for name := range strings.SplitSeq(p, "/") {
		if name == ".." {
			return "", fmt.Errorf("cgroup path %q has a .. in it: write where the group is to be", p)
		}
	}
	return path.Clean(p), nil
}

// attempts bounds what the kernel asks to do again.
const attempts = 100

// openBelow opens a file below a directory of the hierarchy: never outside, never
// through a link, never on something that is mounted over it. openat2(2), Linux 5.6
func openBelow(dir int, name string, flags uint64) (int, error) {
	how := unix.OpenHow{
		Flags:   flags | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
	}
	var err error
	for range attempts {
		var fd int
		fd, err = unix.Openat2(dir, name, &how)
		if err == nil {
			return fd, nil
		}
		// EAGAIN: something was renamed meanwhile.
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			break
		}
	}
	return -1, err
}

// oDir is how directories are held: enough for openat2, mkdirat, CLONE_INTO_CGROUP and bpf(2).
const oDir = unix.O_PATH | unix.O_DIRECTORY

// below makes a path of the hierarchy relative to its directory.
func below(p string) string {
	if p == "/" {
		return "."
	}
	return p[1:]
}
