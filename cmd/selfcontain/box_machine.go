package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
)

// machine is what a box has to know of the place where it is started, besides what a
// [container.Host] says. It is asked once and can be stored as JSON.
type machine struct {
	// Cwd is the current directory, and CwdInside whether the root file system that
	// --rootfs names has one of that name.
	Cwd       string `json:"cwd"`
	CwdInside bool   `json:"cwdInside,omitempty"`
	// Env is the environment, NAME=VALUE.
	Env []string `json:"env,omitempty"`
	// Mounts are the machine's, as mountinfo lists them. Top is what stands in /, which an ordinary user's box puts together piece by piece.
	// With --rootfs both are empty.
	Mounts []container.MountPoint `json:"mounts,omitempty"`
	Top    []entry                `json:"top,omitempty"`
	// Own are directories of this user's, or for everybody, in directories of
	// somebody else's: /var/tmp, and what the current directory and the home are in.
	Own []entry `json:"own,omitempty"`
	// User is whom --user means in the root file system, and Home where he is at home.
	User container.User `json:"user,omitzero"`
	Home string         `json:"home,omitempty"`
	// ResolvConf is the file that /etc/resolv.conf is a link to, if it is one.
	ResolvConf string `json:"resolvConf,omitempty"`
	// Scratch is a directory that may be made for what is changed, where memory
	// cannot hold all of it, and NoScratch says why there is none.
	Scratch   string `json:"scratch,omitempty"`
	NoScratch string `json:"noScratch,omitempty"`
	// ID is under which others find a box with a cgroup, and Cgroup where its cgroup is.
	ID     string `json:"id,omitempty"`
	Cgroup string `json:"cgroup,omitempty"`
}

// entry is something in the root directory.
type entry struct {
	Name string `json:"name"`
	// Link is where a symbolic link leads.
	Link string `json:"link,omitempty"`
	// Dir tells a directory from a file, and Mode is the directory's.
	Dir  bool   `json:"dir,omitempty"`
	Mode uint32 `json:"mode,omitempty"`
}

// look asks the machine what the flags make necessary to know, and changes nothing. The
// directory of state is root; users tells that the box has users of its own.
func look(b *boxFlags, root string, users bool) (machine, error) {
	m := machine{Env: ownEnvironment()}
	var err error
	if m.Cwd, err = unix.Getwd(); err != nil {
		return m, fmt.Errorf("the current directory: %w", err)
	}
	if !strings.HasPrefix(m.Cwd, "/") { // "(unreachable)/…", getcwd(3)
		m.Cwd = "/"
	}
	if b.user != "" {
		if err := m.account(absolute(b.rootfs, m.Cwd), b); err != nil {
			return m, err
		}
	}
	if b.rootfs != "" {
		m.CwdInside = hasDirectory(absolute(b.rootfs, m.Cwd), m.Cwd)
		return m, nil
	}
	if m.Mounts, err = container.MountPoints(); err != nil {
		return m, err
	}
	if b.net.value == shared || len(b.net.networks) > 0 {
		m.ResolvConf = linked("/etc/resolv.conf")
	}
	if !users {
		return m, nil
	}
	if b.keep == "" && !memoryXattrs() {
		if m.Scratch, err = findScratch(root, os.Geteuid()); err != nil {
			m.NoScratch = err.Error()
		}
	}
	m.Own = ownDirectories(m.Cwd, os.Getenv("HOME"))
	m.Top, err = rootDirectory()
	return m, err
}

// account resolves --user, with the accounts of the root file system.
func (m *machine) account(rootfs string, b *boxFlags) error {
	if b.rootfs == "" {
		rootfs = "/"
	}
	root, err := os.Open(rootfs)
	if err != nil {
		return fmt.Errorf("--rootfs: %w", err)
	}
	defer root.Close()
	if m.User, m.Home, err = container.LookupUser(root, b.user); err != nil {
		return fmt.Errorf("--user: %w", err)
	}
	return nil
}

// rootDirectory lists /.
func rootDirectory() ([]entry, error) {
	dir, err := os.ReadDir("/")
	if err != nil {
		return nil, err
	}
	var list []entry
	for _, d := range dir {
		e := entry{Name: d.Name(), Dir: d.IsDir()}
		switch {
		case d.Type() == fs.ModeSymlink:
			if e.Link, err = os.Readlink("/" + e.Name); err != nil {
				return nil, err
			}
		case e.Dir:
			var st unix.Stat_t
			if err := unix.Lstat("/"+e.Name, &st); err != nil {
				return nil, fmt.Errorf("/%s: %w", e.Name, err)
			}
			e.Mode = st.Mode & 0o7777
		case !d.Type().IsRegular():
			continue // a socket or a pipe leads out of the box
		}
		list = append(list, e)
	}
	return list, nil
}

// ownDirectories are /var/tmp, and on the way to each of the paths the first directory
// that belongs to this user, if it is deep enough for somebody else's to lie between it
// and the one in /.
func ownDirectories(paths ...string) (list []entry) {
	add := func(dir string) bool {
		var st unix.Stat_t
		if unix.Lstat(dir, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR || dir != varTmp && st.Uid != uint32(os.Geteuid()) {
			return false
		}
		for _, e := range list {
			// In /var/tmp a directory of somebody else's may lie between.
			if at := "/" + e.Name; container.Below(dir, at) && (at != varTmp || dir == at || filepath.Dir(dir) == at) {
				return true
			}
		}
		list = append(list, entry{Name: dir[1:], Dir: true, Mode: st.Mode & 0o7777})
		return true
	}
	add(varTmp)
	for _, p := range paths {
		dir, names := "", strings.Split(filepath.Clean(p), "/")
		for i, name := range names {
			if i == 0 {
				continue // what is in front of the first slash
			}
			if dir += "/" + name; i > 2 && add(dir) {
				break
			}
		}
	}
	return list
}

const varTmp = "/var/tmp"

// linked is the file that a symbolic link leads to in the end, and "" for what is no
// link or leads nowhere.
func linked(path string) string {
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return ""
	}
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	return file
}

// hasDirectory looks for a directory inside a root, whose links do not lead out of it.
func hasDirectory(root, path string) bool {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false // that there is no such root is said where it is opened to be used
	}
	defer unix.Close(dir)
	fd, err := unix.Openat2(dir, path, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return false
	}
	unix.Close(fd)
	return true
}

// memoryXattrs tells whether a tmpfs has extended attributes of users, in which an
// overlay of a user's notes what was removed. Linux 6.6. It sets one on a file of the kernel's own tmpfs, where memory
// files lie.
func memoryXattrs() bool {
	fd, err := unix.MemfdCreate("box", unix.MFD_CLOEXEC)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.Fsetxattr(fd, "user.box", []byte("y"), 0) == nil
}

// directoryXattrs does the same for a directory on a disk.
func directoryXattrs(fd int) error {
	err := unix.Fsetxattr(fd, "user.box", []byte("y"), 0)
	if err == nil {
		err = unix.Fremovexattr(fd, "user.box")
	}
	if errors.Is(err, unix.EOPNOTSUPP) {
		return errors.New("its file system has no extended attributes for users")
	}
	return err
}
