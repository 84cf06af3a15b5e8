package container

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// rootFileMax bounds what is read of a root file system: the accounts of a large company
// are below it.
const rootFileMax = 8 << 20

// lookupTries is how often openat2 is asked again that answers EAGAIN, which it does
// while somebody renames directories on the way. It is the attacker's machine that does.
const lookupTries = 32

// readIn reads a regular file of a root file system that nobody can be trusted to have
// filled with good intentions: every link stays below root, and what it leads to is
// looked at before it is opened, because opening a device may do something.
func readIn(root *os.File, path string) (string, error) {
	text, err := readRegular(root, path)
	if err != nil {
		return "", fmt.Errorf("%s of the root file system: %w", path, err)
	}
	return text, nil
}

func readRegular(root *os.File, path string) (string, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	found, err := -1, error(unix.EAGAIN)
	for try := 0; try < lookupTries && (errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)); try++ {
		found, err = unix.Openat2(int(root.Fd()), path, &how)
	}
	if errors.Is(err, unix.ENOTDIR) {
		err = unix.ENOENT // a file in the place of etc: nobody has an account either way
	}
	if err != nil {
		return "", err
	}
	defer unix.Close(found)
	var st unix.Stat_t
	if err := unix.Fstat(found, &st); err != nil {
		return "", err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return "", errors.New("it is not a regular file")
	}
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", found), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	file := os.NewFile(uintptr(fd), path)
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, rootFileMax+1))
	if err == nil && len(text) > rootFileMax {
		err = fmt.Errorf("it is longer than %d bytes", rootFileMax)
	}
	return string(text), err
}
