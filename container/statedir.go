package container

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
)

// What lies in the directory of a container, in the order in which it is made.
//
//	intent   what is going to be made, and of what: State and Spec are in it
//	later    a symbolic link: the intent has hooks for later, which Exec and Destroy call.
//	         Without it they do not read what may be long
//	report   the report of the program, which is mapped by it. Locked by flock(2) as long
//	         as somebody is at work who has not executed the user's program
//	cgroup   a symbolic link: the boot, and the path of the cgroup
//	group    a symbolic link: the number of its inode, and how many groups were made
//	gate     the socket at which it waits
//	state    what Start has to know of the program
//	process  a symbolic link: the boot, and who its first process is. With it the container
//	         is created
//	limits   the limits that it was given since, where it was
//	hooked   a symbolic link: a hook has been told of the container
//	forced   a symbolic link: somebody destroys the container by force, and whoever waits
//	         for a hook is to end that
//
// All that killing and removing needs is in the links. A link is there or it is not:
// it cannot be cut short, is no FIFO, and takes no block of a full disk on a file system
// that keeps short ones in the inode. So a file that is damaged keeps nobody from being
// listed or destroyed.
const (
	intentName  = "intent"
	cgroupName  = "cgroup"
	groupName   = "group"
	reportName  = "report"
	stateName   = "state"
	processName = "process"
	hookedName  = "hooked"
	laterName   = "later"
	limitsName  = "limits"

	nextLimitsName = limitsName + ".next"
	forcedName     = "forced"

	draftSuffix = ".new" // of what takes the name when it is whole
)

// stateDir is the directory of a container, opened.
type stateDir struct {
	root int // the directory of all
	fd   int
	path string
	id   string
	held bool // we have the lock
	inst instance

	// What stands here has to be there after a crash of the machine. That is so where poststop
	// hooks have to be called then: all else that a container has is gone with its boot, and
	// what is left here of it, whatever that is, is listed as stopped and removed. For who
	// is killed nothing has to be on the disk.
	lasting bool

	*asked
}

// asked is what is asked of the machine when it has to be known, and once for all containers
// that are listed together.
type asked struct {
	boot   func() (string, error) // which one this is
	groups func() (string, error) // where cgroup v2 is mounted, if it is
}

func ask() *asked { return &asked{sync.OnceValues(bootID), sync.OnceValues(cgroupv2.Mountpoint)} }

// openRoot opens the directory of all containers.
func openRoot(root string) (int, error) {
	fd, err := unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: root, Err: err}
	}
	return fd, nil
}

// openDirectory opens the directory of a container. Where there is none, or something
// else of that name, the code is ContainerNotExists.
func openDirectory(root, id, op string) (*stateDir, error) {
	if err := CheckID(id); err != nil {
		return nil, err
	}
	fd, err := openRoot(root)
	if errors.Is(err, unix.ENOENT) {
		return nil, &Error{Code: ContainerNotExists, ID: id, Op: op}
	}
	if err != nil {
		return nil, &Error{ID: id, Op: op, Err: err}
	}
	d, err := openBelow(fd, root, id)
	switch {
	case err == nil:
		return d, nil
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		err = &Error{Code: ContainerNotExists, ID: id, Op: op}
	default:
		err = &Error{ID: id, Op: op, Err: err}
	}
	unix.Close(fd)
	return nil, err
}

// openBelow opens the directory of a container; root becomes its own if it succeeds.
func openBelow(root int, path, id string) (*stateDir, error) {
	d := &stateDir{root: root, path: path + "/" + id, id: id, asked: ask()}
	var err error
	if d.fd, err = unix.Openat(root, id, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0); err != nil {
		return nil, &os.PathError{Op: "open", Path: d.path, Err: err}
	}
	if d.inst, err = instanceOf(d.fd, ""); err != nil {
		unix.Close(d.fd)
		return nil, &os.PathError{Op: "statx", Path: d.path, Err: err}
	}
	return d, nil
}

// instance tells a directory from another one that had its name before. The number of an inode
// alone does not: ext4 gives it to the next one that is made.
type instance struct {
	inode uint64
	born  unix.StatxTimestamp // zero on a file system that does not keep it
}

// instanceOf is that of a directory, or of one below it. statx(2), STATX_BTIME
func instanceOf(dir int, name string) (i instance, err error) {
	var st unix.Statx_t
	err = unix.Statx(dir, name, unix.AT_EMPTY_PATH|unix.AT_SYMLINK_NOFOLLOW, unix.STATX_INO|unix.STATX_BTIME, &st)
	return instance{st.Ino, st.Btime}, err
}

// close gives the lock up, if it is held.
func (d *stateDir) close() {
	unix.Close(d.fd)
	unix.Close(d.root)
}

// lock waits for the lock that every change of state is made under. It belongs to the
// descriptor, so it is given up however its holder ends. It may be a hook of the container that
// wants it, and whoever holds it waits for that one, so there is an end to the waiting. flock(2)
func (d *stateDir) lock() error {
	switch locked, err := flockWithin(d.fd, unix.LOCK_EX); {
	case err != nil:
		return fmt.Errorf("lock %s: %w", d.path, err)
	case !locked:
		return d.busy()
	}
	d.held = true
	return d.linked()
}

// flockWithin waits for a lock in the kernel's queue, and reports whether it came within patience.
// flock(2) knows no limit, so it is a thread of its own that waits, with a descriptor of its
// own. One that has waited too long is left to itself: what it gets goes with the file, when the
// caller has closed that.
func flockWithin(fd, how int) (locked bool, err error) {
	err = unix.Flock(fd, how|unix.LOCK_NB)
	if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
		return err == nil, err
	}
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return false, err
	}
	got := make(chan error, 1)
	go func() {
		err := unix.Flock(own, how)
		for errors.Is(err, unix.EINTR) {
			err = unix.Flock(own, how)
		}
		unix.Close(own)
		got <- err
	}()
	select {
	case err := <-got:
		return err == nil, err
	case <-time.After(patience):
		return false, nil
	}
}

// busy is the error of who has waited for the lock in vain.
func (d *stateDir) busy() error {
	return fmt.Errorf("somebody has been at work on it for %v, and holds the lock of %s", patience, d.path)
}

// tryLock reports whether nobody holds the lock.
func (d *stateDir) tryLock(how int) (bool, error) {
	err := unix.Flock(d.fd, how|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock %s: %w", d.path, err)
	}
	d.held = how == unix.LOCK_EX
	return true, nil
}

// sharing is how long a new process waits for who is at work on the container.
const sharing = 100 * time.Millisecond

// share keeps a container from being changed until unshare. Who holds the lock for long waits
// for a hook, and that may be what executes a program: then it goes without.
func (d *stateDir) share() error {
	for deadline := time.Now().Add(sharing); ; time.Sleep(time.Millisecond) {
		if free, err := d.tryLock(unix.LOCK_SH); free || err != nil || time.Now().After(deadline) {
			return err
		}
	}
}

// unshare gives up what share may have got.
func (d *stateDir) unshare() error {
	if err := unix.Flock(d.fd, unix.LOCK_UN); err != nil {
		return fmt.Errorf("unlock %s: %w", d.path, err)
	}
	return nil
}

// births keeps a container from being paused (LOCK_SH), or processes from being born in it
// (LOCK_EX), until the file is closed. A process that is born in a frozen cgroup stands still at
// once, and with it the thread of its parent: that one waits for the execve in the kernel, where
// nobody can wake it, and Go's runtime waits for the thread whenever it collects garbage. So this is
// a lock of its own, on the intent, which is held for the moment of a birth or of a freeze, and never
// while a hook is waited for.
func (d *stateDir) births(how int) (int, error) {
	fd, _, err := d.openFile(intentName, unix.O_RDONLY)
	if err != nil {
		return -1, err
	}
	locked, err := flockWithin(fd, how)
	switch {
	case locked:
		return fd, nil
	case err != nil:
		err = fmt.Errorf("lock %s/%s: %w", d.path, intentName, err)
	default:
		err = d.busy()
	}
	unix.Close(fd)
	return -1, err
}

// linked looks whether the directory has been removed while its lock was waited for.
func (d *stateDir) linked() error {
	var here, there unix.Stat_t
	if err := unix.Fstat(d.fd, &here); err != nil {
		return err
	}
	err := unix.Fstatat(d.root, d.id, &there, unix.AT_SYMLINK_NOFOLLOW)
	if err == nil && (here.Dev != there.Dev || here.Ino != there.Ino) {
		err = unix.ENOENT
	}
	if err != nil {
		return fmt.Errorf("%s was removed meanwhile: %w", d.path, err)
	}
	return nil
}

// link makes a symbolic link.
func (d *stateDir) link(name, text string) error {
	if err := unix.Symlinkat(text, d.fd, name); err != nil {
		return &os.PathError{Op: "symlink", Path: d.path + "/" + name, Err: err}
	}
	return d.sync()
}

// readLink is what a link says; the error is ENOENT where it is not there, and EINVAL
// where it is no link.
func (d *stateDir) readLink(name string) (string, error) {
	var b [unix.PathMax]byte
	n, err := unix.Readlinkat(d.fd, name, b[:])
	if err != nil {
		return "", &os.PathError{Op: "readlink", Path: d.path + "/" + name, Err: err}
	}
	return string(b[:n]), nil
}

// force asks whoever holds the lock to end the hook that it waits for.
func (d *stateDir) force() {
	_ = unix.Symlinkat("delete", d.fd, forcedName) // EEXIST: it has been asked, and is still at it
}

// unforce takes that back.
func (d *stateDir) unforce() { _ = unix.Unlinkat(d.fd, forcedName, 0) }

// forced reports whether that is asked, once for each time.
func (d *stateDir) forced() bool { return unix.Unlinkat(d.fd, forcedName, 0) == nil }

// has reports whether there is something of a name.
func (d *stateDir) has(name string) bool {
	var st unix.Stat_t
	return unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil
}

// sync waits until what was made is on the disk, where that has to be.
func (d *stateDir) sync() error {
	if !d.lasting {
		return nil
	}
	if err := unix.Fsync(d.fd); err != nil && !errors.Is(err, unix.EINVAL) { // a file system without it
		return &os.PathError{Op: "fsync", Path: d.path, Err: err}
	}
	return nil
}

// openFile opens a regular file, or fails at once: somebody may have put a FIFO there.
func (d *stateDir) openFile(name string, flags int) (int, unix.Stat_t, error) {
	var st unix.Stat_t
	fd, err := unix.Openat(d.fd, name, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err == nil {
		if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
			err = errors.New("it is no regular file")
		}
		if err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		return -1, st, &os.PathError{Op: "open", Path: d.path + "/" + name, Err: err}
	}
	return fd, st, nil
}

// isOurs reports whether something of a name may lie in the directory of a container.
func isOurs(name string) bool {
	switch strings.TrimSuffix(name, draftSuffix) {
	case intentName, cgroupName, groupName, reportName, stateName, processName, hookedName, laterName, limitsName,
		nextLimitsName, forcedName, gateName:
		return true
	}
	return false
}

// remove removes the directory with all that is in it, the intent last: who is killed
// meanwhile leaves a container that is removed in the same way. A directory with something
// that no container has is not touched: it may be anybody's, below a root that is none.
func (d *stateDir) remove() error {
	entries, err := os.ReadDir(d.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var errs []error
	for _, e := range entries {
		if !isOurs(e.Name()) {
			errs = append(errs, fmt.Errorf("%s/%s: no container has that in its directory of state, so nothing there is removed: move it away", d.path, e.Name()))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for _, e := range entries {
		if e.Name() == intentName {
			continue
		}
		err := unix.Unlinkat(d.fd, e.Name(), 0)
		if errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EPERM) { // nobody of ours makes one
			err = os.RemoveAll(d.path + "/" + e.Name())
		}
		if err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("remove %s/%s: %w", d.path, e.Name(), err))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if err := unix.Unlinkat(d.fd, intentName, 0); errors.Is(err, unix.EISDIR) {
		if err := os.RemoveAll(d.path + "/" + intentName); err != nil {
			return err
		}
	}
	if err := d.removeEmpty(); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("rmdir %s: %w", d.path, err)
	}
	return nil
}

// removeEmpty removes the directory itself. Who has not got the lock may ask us to hurry
// meanwhile ([stateDir.force]), but not without end.
func (d *stateDir) removeEmpty() (err error) {
	for range 3 {
		err = unix.Unlinkat(d.root, d.id, unix.AT_REMOVEDIR)
		if !errors.Is(err, unix.ENOTEMPTY) {
			break
		}
		d.unforce()
	}
	return err
}
