package container

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// suspect is a file that an execve has come across, as it is found afterwards inside
// the container. What it says is the container's own: nothing of it is trusted.
type suspect struct {
	path  string
	errno unix.Errno // why it cannot be reached, 0 where it can
	at    string     // the part of path where the way ends then
	link  string     // what that is a symbolic link to, if it is one
	empty bool       // and the root directory has nothing in it at all

	mode     uint32 // type and permissions
	uid, gid uint32 // of the host
	noexec   bool   // the mount's option
	size     int64
	head     []byte // what the kernel looks at to find out what to do with it
	elf      *elfHead

	dirs []directory // on the way
	real string      // where the file lies as the host sees it
}

type directory struct {
	path     string
	mode     uint32
	uid, gid uint32
}

// headSize is BINPRM_BUF_SIZE of include/uapi/linux/binfmts.h: the first line of a
// script ends there.
const headSize = 256

// examine finds out what is at a path below root. It opens regular files only, once
// it knows that they are, and reads a bounded number of bytes.
func examine(root int, path string) suspect {
	s := suspect{path: path}
	s.dirs = directories(root, path)
	fd, err := openInside(root, path, unix.O_PATH)
	if err != nil {
		s.errno = err.(unix.Errno)
		s.at, s.link = wayEnds(root, path)
		s.empty = isEmpty(root)
		return s
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		s.errno, s.at = unix.EIO, path
		return s
	}
	s.real = realPath(fd)
	s.mode, s.uid, s.gid, s.size = st.Mode, st.Uid, st.Gid, st.Size
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return s
	}
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) == nil {
		s.noexec = fs.Flags&unix.ST_NOEXEC != 0
	}
	if file := reopen(fd); file != nil {
		defer file.Close()
		head := make([]byte, headSize)
		n, _ := file.ReadAt(head, 0) // as much as there is
		s.head = head[:n]
		s.elf = readELF(file, s.head)
	}
	return s
}

// openInside opens a path as the container sees it.
func openInside(root int, path string, flags uint64) (int, error) {
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	for tries := 0; ; tries++ {
		fd, err := unix.Openat2(root, path, &how)
		if tries < 3 && (errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)) {
			continue
		}
		return fd, err
	}
}

// reopen opens a file, which is known to be a regular one, for reading: the very same
// one, whatever its name leads to by now.
func reopen(fd int) *os.File {
	again, err := unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(again), "")
}

// realPath is where an open file lies, as this process sees it.
func realPath(fd int) string {
	name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return ""
	}
	return name
}

// prefixes are the paths of everything on the way to path, and path itself.
func prefixes(path string) []string {
	var list []string
	at := ""
	for name := range strings.SplitSeq(path, "/") {
		if name == "" || name == "." {
			continue
		}
		at += "/" + name
		list = append(list, at)
	}
	return list
}

// wayEnds is the part of a path that is not there or cannot be followed, and what it
// points to if it is a symbolic link.
func wayEnds(root int, path string) (at, link string) {
	last := "/"
	for _, at := range prefixes(path) {
		fd, err := openInside(root, at, unix.O_PATH|unix.O_NOFOLLOW)
		if errors.Is(err, unix.ENOTDIR) {
			return last, ""
		}
		if err != nil {
			return at, ""
		}
		var buffer [unix.PathMax]byte
		n, err := unix.Readlinkat(fd, "", buffer[:])
		unix.Close(fd)
		if err == nil {
			if fd, err := openInside(root, at, unix.O_PATH); err != nil {
				return at, string(buffer[:n])
			} else {
				unix.Close(fd)
			}
		}
		last = at
	}
	return path, ""
}

// directories are those that have to be passed on the way to a path.
func directories(root int, path string) []directory {
	all := prefixes(path)
	if len(all) > 0 {
		all[len(all)-1] = "/" // in the place of the file itself
	}
	var list []directory
	for _, at := range all {
		fd, err := openInside(root, at, unix.O_PATH|unix.O_DIRECTORY)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		if unix.Fstat(fd, &st) == nil {
			list = append(list, directory{at, st.Mode, st.Uid, st.Gid})
		}
		unix.Close(fd)
	}
	return list
}

// isEmpty reports whether a root file system has nothing in it but what a container
// needs for its mounts, which is made where it is missing.
func isEmpty(root int) bool {
	fd, err := openInside(root, "/", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return false
	}
	dir := os.NewFile(uintptr(fd), "")
	defer dir.Close()
	names, err := dir.Readdirnames(8)
	if err != nil && len(names) == 0 {
		return true
	}
	for _, name := range names {
		if name != "proc" && name != "sys" && name != "dev" {
			return false
		}
	}
	return true
}
