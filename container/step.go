package container

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// Step is one thing that the host's side does, before the container is born or after
// it has started. Every descriptor that it makes is handed down to the container.
type Step struct {
	Action Action
	// Path is what it is done to.
	Path string
	// Namespace is the type that OpenNamespace expects at Path.
	Namespace clone.NamespaceType
	// Foreign makes OpenNamespace refuse the caller's own namespace, because the
	// container is going to change what belongs to it.
	Foreign bool
	// As is the descriptor under which the container gets the result.
	As prog.FD
	// Why and Origin are those of [prog.Op].
	Why    string
	Origin string
}

// Action is what a [Step] does.
type Action string

const (
	// CloneTree copies the mount at a directory, with all that is mounted below it,
	// into a tree that is attached nowhere. open_tree(2), Linux 5.2
	CloneTree Action = "clone-tree"
	// CloneNull does so with /dev/null, after a look that it is the null device.
	CloneNull Action = "clone-null"
	// OpenNamespace opens a namespace to join. setns(2)
	OpenNamespace Action = "open-namespace"
	// OpenInit writes the image of the built-in init, [nsexec.Reaper], to a place where
	// nobody can change it. memfd_create(2)
	OpenInit Action = "open-init"
)

// String is the step as the system calls that it makes.
func (s Step) String() string {
	switch s.Action {
	case CloneTree:
		return fmt.Sprintf("open_tree(AT_FDCWD, %q, OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE); fstat: directory", s.Path)
	case CloneNull:
		return fmt.Sprintf("open_tree(AT_FDCWD, %q, OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC); fstat: character device 1:3", s.Path)
	case OpenNamespace:
		return fmt.Sprintf("openat(AT_FDCWD, %q, O_RDONLY|O_CLOEXEC); ioctl NS_GET_NSTYPE: %s", s.Path, s.Namespace)
	case OpenInit:
		return `memfd_create("selfcontain", MFD_CLOEXEC|MFD_ALLOW_SEALING|MFD_EXEC); write, fcntl F_ADD_SEALS: nobody can change it`
	}
	return string(s.Action)
}

// do does the step and returns the descriptor that it made.
func (s Step) do() (int, error) {
	fd, err := -1, error(nil)
	switch s.Action {
	case CloneTree:
		fd, err = unix.OpenTree(unix.AT_FDCWD, s.Path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
		if err == nil {
			err = isDirectory(fd)
		}
	case CloneNull:
		fd, err = unix.OpenTree(unix.AT_FDCWD, s.Path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err == nil {
			err = isNull(fd)
		}
	case OpenNamespace:
		fd, err = unix.Open(s.Path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = isNamespace(fd, s)
		}
	case OpenInit:
		fd, err = nsexec.OpenReaper(nsexec.StoreAuto)
	default:
		err = errors.New("no such action")
	}
	if err != nil {
		if fd >= 0 {
			unix.Close(fd)
		}
		return -1, &StepError{Step: s, Err: err}
	}
	return fd, nil
}

// StepError is a step of the host's side that failed.
type StepError struct {
	Step Step
	Err  error
}

// Error is one line: the configuration that asked for it, the path, what happened.
func (e *StepError) Error() string {
	text := fmt.Sprintf("%s: %s: %v", e.Step.Origin, e.Step.Path, e.Err)
	if e.Step.Action == OpenInit {
		return fmt.Sprintf("%s: %v", e.Step.Origin, e.Err)
	}
	if errors.Is(e.Err, unix.EPERM) && e.Step.Action != OpenNamespace {
		text += ": copying a mount needs CAP_SYS_ADMIN"
	}
	return text
}

// Unwrap is the error of the system call.
func (e *StepError) Unwrap() error { return e.Err }

// isDirectory looks whether the copy is one of a directory. A file can be copied as
// well, and what would fail then is to attach it, far from here.
func isDirectory(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return unix.ENOTDIR
	}
	return nil
}

// isNull looks whether the device is the null device: whatever is bound over a file
// to hide it had better be empty.
func isNull(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != unix.Mkdev(1, 3) {
		return errors.New("it is not the null device, character device 1:3")
	}
	return nil
}

// isNamespace looks whether the file is a namespace of the step's type.
func isNamespace(fd int, s Step) error {
	flag, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
	if err != nil {
		return fmt.Errorf("it is no namespace: %w", err)
	}
	if uintptr(flag) != s.Namespace.Flag() {
		return fmt.Errorf("it is a namespace of another type than %s", clone.NsName(s.Namespace))
	}
	if !s.Foreign {
		return nil
	}
	var there, own unix.Stat_t
	if err := unix.Fstat(fd, &there); err != nil {
		return err
	}
	if err := unix.Stat("/proc/self/ns/"+clone.NsName(s.Namespace), &own); err != nil {
		return err
	}
	if there.Dev == own.Dev && there.Ino == own.Ino {
		return fmt.Errorf("it is the host's own %s namespace, and the container would change the host", clone.NsName(s.Namespace))
	}
	return nil
}
