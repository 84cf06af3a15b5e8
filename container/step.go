package container

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
	"github.com/selfcontain/runtime/rtnl"
)

// Step is one thing that the host's side does: before the container is born, while it
// waits, or after it has started. Every descriptor that it makes is handed down to the
// container.
type Step struct {
	Action Action
	// Path is what it is done to.
	Path string
	// Namespace is the type that OpenNamespace expects at Path.
	Namespace clone.NamespaceType
	// Foreign makes OpenNamespace refuse the caller's own namespace, because the
	// container is going to change what belongs to it.
	Foreign bool
	// Recursive takes what is mounted below Path along.
	Recursive bool
	// IDs are the map that is written; for CloneIDMapped those of users, beside
	// GIDs, those of groups.
	IDs, GIDs clone.IDMaps
	// Below says that what is mounted below has these ids, too.
	Below bool
	// Hook is what RunHook calls, as one of Kind. Program is what its process does, up to
	// the hook itself, if that is a command.
	Hook    Hook
	Kind    HookKind
	Program *prog.Program
	// Cgroup is the container's, in which the process of a hook inside is born.
	Cgroup string
	// Files are what LimitCgroup writes.
	Files []cgroupv2.File
	// Devices are the rules of FilterDevices, without the default devices behind them.
	Devices []cgroupv2.DeviceRule
	// Request is what ChangeNetwork asks for.
	Request rtnl.Request
	// UID and GID are to whom DelegateCgroup gives it, on the host.
	UID, GID uint32
	// As is the descriptor under which the container gets the result, if there is
	// one. It has no name otherwise.
	As prog.FD
	// Why and Origin are those of [prog.Op].
	Why    string
	Origin string

	process identity // whom OpenContainer opens
}

// Action is what a [Step] does.
type Action string

const (
	// CloneTree copies the mount at a directory, with all that is mounted below it,
	// into a tree that is attached nowhere. open_tree(2), Linux 5.2
	CloneTree Action = "clone-tree"
	// CloneNull does so with /dev/null, after a look that it is the null device.
	CloneNull Action = "clone-null"
	// CloneSource does so with the source of a bind mount, which may be a file.
	CloneSource Action = "clone-source"
	// CloneIDMapped copies the source of a bind mount and gives the copy ids of its
	// own. mount_setattr(2), MOUNT_ATTR_IDMAP, Linux 5.12
	CloneIDMapped Action = "clone-id-mapped"
	// OpenNamespace opens a namespace to join. setns(2)
	OpenNamespace Action = "open-namespace"
	// OpenInit writes the image of the built-in init, [nsexec.Reaper], to a place where
	// nobody can change it. memfd_create(2)
	OpenInit Action = "open-init"

	// MakeCgroup makes the container's cgroup, LimitCgroup writes its limits,
	// FilterDevices says which devices may be opened in it, and DelegateCgroup gives it to
	// the container's root. cgroups(7), "Cgroups delegation"
	MakeCgroup     Action = "make-cgroup"
	LimitCgroup    Action = "limit-cgroup"
	FilterDevices  Action = "filter-devices"
	DelegateCgroup Action = "delegate-cgroup"
	// ListenGate makes the socket at which the container waits, in the directory where its
	// state is kept. unix(7)
	ListenGate Action = "listen-gate"
	// KeepState writes what another process has to know of the container that waits.
	KeepState Action = "keep-state"

	// OpenContainer opens the first process of a container that is entered, by a pidfd,
	// after a look that it still is that process. pidfd_open(2), Linux 5.3
	OpenContainer Action = "open-container"
	// OpenCgroup opens the cgroup in which the process is born. clone3 gets the
	// descriptor, and the process does not. CLONE_INTO_CGROUP, Linux 5.7
	OpenCgroup Action = "open-cgroup"
	// EnterCgroup moves the process into a cgroup while it waits. cgroups(7)
	EnterCgroup Action = "enter-cgroup"

	// DenySetgroups forbids setgroups(2) in the user namespace of the container, for
	// ever, while the container waits.
	DenySetgroups Action = "deny-setgroups"
	// WriteMap writes an id map of that user namespace.
	WriteMap Action = "write-map"
	// RunMapProgram has newuidmap(1) or newgidmap(1) do so.
	RunMapProgram Action = "run-map-program"
	// RunHook calls a hook, and waits for it.
	RunHook Action = "run-hook"
	// ChangeNetwork makes an interface, or changes one, while the container waits.
	// rtnetlink(7)
	ChangeNetwork Action = "change-network"
)

// String is the step as the system calls that it makes.
func (s Step) String() string {
	switch s.Action {
	case CloneTree:
		return s.openTree() + "; fstat: directory"
	case CloneNull:
		return s.openTree() + "; fstat: character device 1:3"
	case CloneSource:
		return s.openTree()
	case CloneIDMapped:
		return s.openTree() + fmt.Sprintf("; mount_setattr MOUNT_ATTR_IDMAP%s: uid_map %q, gid_map %q", map[bool]string{true: "|AT_RECURSIVE"}[s.Below], s.IDs.Format(), s.GIDs.Format())
	case DenySetgroups, WriteMap:
		return fmt.Sprintf("openat(AT_FDCWD, %q, O_WRONLY|O_CLOEXEC); write %q", s.Path, s.content())
	case RunMapProgram:
		return fmt.Sprintf("execve(%q, [%q, \"PID\"%s]); wait", s.Path, path.Base(s.Path), quoted(mapArgs(s.IDs)))
	case OpenNamespace:
		return fmt.Sprintf("openat(AT_FDCWD, %q, O_RDONLY|O_CLOEXEC); ioctl NS_GET_NSTYPE: %s", s.Path, s.Namespace)
	case RunHook:
		return s.hookCall()
	case ChangeNetwork:
		return s.Request.String()
	case MakeCgroup, LimitCgroup, FilterDevices, DelegateCgroup:
		return s.cgroupText()
	case ListenGate:
		return fmt.Sprintf("socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0); bind %q, listen", s.Path)
	case KeepState:
		return fmt.Sprintf("write %q, rename", s.Path)
	case OpenContainer:
		return fmt.Sprintf("pidfd_open(%d, 0); it is the process that it was: inode of its pidfd, or start time", s.process.pid)
	case OpenCgroup:
		return fmt.Sprintf("openat(AT_FDCWD, %q, O_RDONLY|O_CLOEXEC|O_DIRECTORY); fstatfs: cgroup2", s.Path)
	case EnterCgroup:
		return fmt.Sprintf("openat(AT_FDCWD, %q, O_WRONLY|O_CLOEXEC); write \"PID\"", s.Path)
	case OpenInit:
		return `memfd_create("selfcontain", MFD_CLOEXEC|MFD_ALLOW_SEALING|MFD_EXEC); write, fcntl F_ADD_SEALS: nobody can change it`
	}
	return string(s.Action)
}

// openTree is the call that copies a mount.
func (s Step) openTree() string {
	flags := "OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC"
	if s.recursive() {
		flags += "|AT_RECURSIVE"
	}
	return fmt.Sprintf("open_tree(AT_FDCWD, %q, %s)", s.Path, flags)
}

func (s Step) recursive() bool { return s.Recursive || s.Action == CloneTree }

func quoted(list []string) (text string) {
	for _, s := range list {
		text += fmt.Sprintf(", %q", s)
	}
	return text
}

// clone copies the mount at the step's path.
func (s Step) clone() (int, error) {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if s.recursive() {
		flags |= unix.AT_RECURSIVE
	}
	return unix.OpenTree(unix.AT_FDCWD, s.Path, flags)
}

// do does the step and returns the descriptor that it made, or -1 where it makes none.
func (s Step) do() (int, error) {
	fd, err := -1, error(nil)
	switch s.Action {
	case CloneTree, CloneNull, CloneSource, CloneIDMapped:
		if fd, err = s.clone(); err != nil {
			break
		}
		switch s.Action {
		case CloneTree:
			err = isDirectory(fd)
		case CloneNull:
			err = isNull(fd)
		case CloneIDMapped:
			err = mapIDs(fd, s)
		}
	case OpenNamespace:
		fd, err = unix.Open(s.Path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = isNamespace(fd, s)
		}
	case OpenContainer:
		fd, err = s.process.openIn(s.process.boot) // no plan outlives its boot
	case OpenCgroup:
		fd, err = unix.Open(s.Path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = isCgroup(fd)
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
	switch {
	case e.Step.Action == OpenInit, e.Step.Action == RunHook: // it is in the error, or there is none
		text = fmt.Sprintf("%s: %v", e.Step.Origin, e.Err)
	case e.Step.Action == LimitCgroup && strings.HasPrefix(e.Err.Error(), e.Step.Origin): // which says of which line it is
		text = e.Err.Error()
	}
	return text + e.hint()
}

// hint says what most likely is the matter.
func (e *StepError) hint() string {
	refused := errors.Is(e.Err, unix.EPERM)
	switch e.Step.Action {
	case CloneTree, CloneNull, CloneSource:
		if refused {
			return ": copying a mount needs CAP_SYS_ADMIN; an ordinary user's container needs a user namespace (see spec --rootless)"
		}
	case CloneIDMapped:
		if refused || errors.Is(e.Err, unix.EINVAL) {
			return ": its file system cannot be mounted with other ids (a tmpfs can since Linux 6.3), or the caller lacks CAP_SYS_ADMIN"
		}
	case WriteMap:
		if refused {
			return ": the caller may not give these ids away; one map for all is CAP_SETUID, CAP_SETGID and, for id 0, CAP_SETFCAP"
		}
	case OpenCgroup:
		if errors.Is(e.Err, unix.ENOENT) {
			return ": there is no such cgroup below the container's"
		}
	case EnterCgroup:
		switch {
		case refused, errors.Is(e.Err, unix.EACCES):
			return ": the cgroup above both, the caller's and the container's, belongs to somebody else"
		case errors.Is(e.Err, unix.EBUSY):
			return ": it has controllers enabled for the groups below it, and may have no process then"
		}
	case RunMapProgram:
		return ": /etc/subuid and /etc/subgid must have a line for the user with all of these ids"
	}
	return ""
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

// isCgroup looks whether the directory is a cgroup of version 2.
func isCgroup(fd int) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return err
	}
	if fs.Type != unix.CGROUP2_SUPER_MAGIC {
		return errors.New("it is no cgroup of version 2")
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
