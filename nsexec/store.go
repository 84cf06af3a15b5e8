package nsexec

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Store says where the bytes of an image lie while a process executes them. In each
// of them nobody can write to the file, whatever descriptors he opens to it; of a
// StoreFile root could, through /proc/PID/fd, as long as no process executes it.
type Store uint8

const (
	// StoreAuto takes the first of the others that works here.
	StoreAuto Store = iota
	// StoreMemfd is a sealed memfd. memfd_create(2); Linux 3.17, and with
	// vm.memfd_noexec at 1 the flag MFD_EXEC of Linux 6.3. At 2 it is refused.
	StoreMemfd
	// StoreTmpfs is a file on a read-only tmpfs that is mounted nowhere. It
	// executes under every vm.memfd_noexec, but needs CAP_SYS_ADMIN. Linux 5.12
	StoreTmpfs
	// StoreFile is a file without a name below $XDG_RUNTIME_DIR, or below the
	// directory for temporary files: an ordinary user's last resort.
	StoreFile
)

// String is the store's name.
func (s Store) String() string {
	switch s {
	case StoreAuto:
		return "auto"
	case StoreMemfd:
		return "memfd"
	case StoreTmpfs:
		return "tmpfs"
	case StoreFile:
		return "file"
	}
	return "store " + strconv.Itoa(int(s))
}

// stores is the order in which StoreAuto tries. The memfd costs half of what the
// tmpfs costs.
var stores = [...]Store{StoreMemfd, StoreTmpfs, StoreFile}

// imageName is what /proc/PID/exe of a waiting container shows.
const imageName = "selfcontain"

// imageMode lets every user of a user namespace with another mapping execute it.
const imageMode = 0o755

// open writes the bytes there and returns a descriptor to execute.
func (s Store) open(data []byte) (int, error) {
	switch s {
	case StoreMemfd:
		return openMemfd(data)
	case StoreTmpfs:
		return openTmpfs(data)
	case StoreFile:
		return openFile(data)
	}
	return -1, fmt.Errorf("%v is no place for an image", s)
}

func openMemfd(data []byte) (int, error) {
	flags := unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(imageName, flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate(imageName, flags)
	}
	if err != nil {
		return -1, fmt.Errorf("memfd_create: %w", err)
	}
	err = writeAll(fd, data)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("image in a memfd: %w", err)
	}
	return fd, nil
}

func openTmpfs(data []byte) (int, error) {
	fail := func(call string, err error) (int, error) {
		return -1, fmt.Errorf("image in a tmpfs: %s: %w", call, err)
	}
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fail("fsopen", err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return fail("fsconfig", err)
	}
	mount, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
	if err != nil {
		return fail("fsmount", err)
	}
	defer unix.Close(mount)
	w, err := unix.Openat(mount, imageName, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, imageMode)
	if err != nil {
		return fail("openat", err)
	}
	err = writeAll(w, data)
	if err == nil {
		err = unix.Fchmod(w, imageMode) // whatever the umask is
	}
	unix.Close(w) // a file that is open for writing cannot be executed
	if err != nil {
		return fail("write", err)
	}
	err = settle(unix.EBUSY, func() error {
		return unix.MountSetattr(mount, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	})
	if err != nil {
		return fail("mount_setattr", err)
	}
	fd, err := unix.Openat(mount, imageName, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail("openat", err)
	}
	return fd, nil
}

func openFile(data []byte) (int, error) {
	var errs []error
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir()} {
		if dir == "" {
			continue
		}
		fd, err := openFileIn(dir, data)
		if err == nil {
			return fd, nil
		}
		errs = append(errs, fmt.Errorf("image in a file below %s: %w", dir, err))
	}
	return -1, errors.Join(errs...)
}

func openFileIn(dir string, data []byte) (int, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return -1, err
	}
	if st.Flags&unix.ST_NOEXEC != 0 {
		return -1, errors.New("it is mounted noexec")
	}
	w, err := unix.Open(dir, unix.O_RDWR|unix.O_TMPFILE|unix.O_CLOEXEC, 0o700)
	if err != nil {
		return -1, err
	}
	r, err := closeToWriters(w, data)
	unix.Close(w)
	if err != nil {
		return -1, err
	}
	// A lease for reading is given when nobody has the file open for writing
	// (fcntl(2), F_SETLEASE); nothing else comes of it. Where a file system has no
	// leases, an execveat that comes too early says ETXTBSY.
	err = settle(unix.EAGAIN, func() error {
		_, err := unix.FcntlInt(uintptr(r), unix.F_SETLEASE, unix.F_RDLCK)
		return err
	})
	if err == nil {
		_, _ = unix.FcntlInt(uintptr(r), unix.F_SETLEASE, unix.F_UNLCK)
	}
	return r, nil
}

// closeToWriters writes the bytes to a file and opens it once more for reading. After
// that nobody can open it for writing: it has no name, and its mode refuses the way
// through /proc/PID/fd to everybody but root.
func closeToWriters(w int, data []byte) (r int, err error) {
	if err := writeAll(w, data); err != nil {
		return -1, err
	}
	if err := unix.Fchmod(w, 0o555); err != nil {
		return -1, err
	}
	return unix.Open("/proc/self/fd/"+strconv.Itoa(w), unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

// settle repeats a call that is refused while the image is open for writing. It is
// closed here by then, but a process that another thread makes at this moment, with
// os/exec or by Start, has a copy of every descriptor until it executes something. Who
// waits longer than a few hundred milliseconds waits for something else.
func settle(busy unix.Errno, call func() error) error {
	for pause := 50 * time.Microsecond; ; pause *= 2 {
		err := call()
		if !errors.Is(err, busy) || pause > 200*time.Millisecond {
			return err
		}
		time.Sleep(pause)
	}
}

func writeAll(fd int, data []byte) error {
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}
