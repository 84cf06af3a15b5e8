package container

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// identity is who a process is: its number alone is another's some day. What makes it one
// for ever is the boot, and the time of its start, or where the kernel has it the number
// of its inode in pidfs, which is never given twice in a boot.
// proc_pid_stat(5) field 22; pidfs is Linux 6.9
type identity struct {
	boot  string
	pid   int
	start uint64 // clock ticks since the boot; 0 where there is an inode, which says more
	inode uint64 // 0 where there is no pidfs
}

// String is the identity as it is kept in the link.
func (i identity) String() string {
	return i.boot + " " + strconv.Itoa(i.pid) + " " + strconv.FormatUint(i.start, 10) + " " + strconv.FormatUint(i.inode, 10)
}

// pidMax is PID_MAX_LIMIT of linux/threads.h.
const pidMax = 1 << 22

// parseIdentity reads what String has written, and nothing else.
func parseIdentity(text string) (identity, error) {
	var i identity
	words := strings.Split(text, " ")
	if len(words) != 4 {
		return i, fmt.Errorf("%q is not who a process is", text)
	}
	pid, err := strconv.ParseUint(words[1], 10, 32)
	if err == nil && (pid == 0 || pid > pidMax) {
		err = strconv.ErrRange
	}
	if err == nil {
		i.start, err = strconv.ParseUint(words[2], 10, 64)
	}
	if err == nil {
		i.inode, err = strconv.ParseUint(words[3], 10, 64)
	}
	if err != nil {
		return identity{}, fmt.Errorf("%q is not who a process is: %w", text, err)
	}
	i.boot, i.pid = words[0], int(pid)
	if i.String() != text {
		return identity{}, fmt.Errorf("%q is not who a process is", text)
	}
	return i, nil
}

// identify asks who the process behind a pidfd is. It must not have been reaped.
func identify(boot string, pid, pidfd int) (i identity, err error) {
	i = identity{boot: boot, pid: pid, inode: pidfsInode(pidfd)}
	if i.inode == 0 {
		i.start, err = startTime(pid)
	}
	return i, err
}

// errGone is that of a process that has been reaped, or has never been in this boot.
var errGone = errors.New("the process is gone")

// open returns a pidfd of the process, which may have ended, but has not been reaped. A
// number that is another process's by now is errGone.
//
// The pidfd comes first. What is read about the number after that is about the process
// behind it, or that one is gone.
func (i identity) open() (int, error) {
	boot, err := bootID()
	if err != nil {
		return -1, err
	}
	return i.openIn(boot)
}

// openIn is open for who knows which boot this is.
func (i identity) openIn(boot string) (int, error) {
	if boot != i.boot {
		return -1, errGone
	}
	fd, err := unix.PidfdOpen(i.pid, 0)
	if err != nil {
		if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) { // the latter two: a thread's number
			return -1, errGone
		}
		return -1, fmt.Errorf("pidfd_open %d: %w", i.pid, err)
	}
	var same bool
	if inode := pidfsInode(fd); inode != 0 && i.inode != 0 {
		same = inode == i.inode // also where the clocks of a time namespace are others
	} else {
		start, err := startTime(i.pid)
		same = err == nil && start == i.start
	}
	if !same {
		unix.Close(fd)
		return -1, errGone
	}
	return fd, nil
}

// ended reports whether the process behind a pidfd has ended. It may not have been reaped.
// pidfd_open(2): it can be read then
func ended(pidfd int) (bool, error) { return awaitEnd(pidfd, 0) }

// released reports whether a process, which is held by a pidfd, has given up its namespaces and
// all that it had, and is on its way out. The first one of a pid namespace may stay there: it waits
// until every other one has been reaped, and those that were born outside are reaped by who
// is their parent there. When that one has been killed they fall to an init, or to a
// subreaper who may never look. pid_namespaces(7); kernel/pid_namespace.c, zap_pid_ns_processes
func released(pid int) bool {
	var b [64]byte
	_, err := unix.Readlink("/proc/"+strconv.Itoa(pid)+"/ns/mnt", b[:])
	return errors.Is(err, unix.ENOENT)
}

// awaitEnd waits for that, for at most some milliseconds, or for ever with -1.
func awaitEnd(pidfd, timeout int) (bool, error) {
	list := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(list, timeout)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("poll: %w", err)
		}
		return n > 0, nil
	}
}

// pidfsMagic is PID_FS_MAGIC of linux/magic.h. Before pidfs all pidfds had one inode.
const pidfsMagic = 0x50494446

func pidfsInode(pidfd int) uint64 {
	var fs unix.Statfs_t
	var st unix.Stat_t
	if unix.Fstatfs(pidfd, &fs) != nil || fs.Type != pidfsMagic || unix.Fstat(pidfd, &st) != nil {
		return 0
	}
	return st.Ino
}

// startTime is field 22 of /proc/PID/stat. The name of the process is the second one, and
// may have anything in it.
func startTime(pid int) (uint64, error) {
	text, err := readProc("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	const start = 19 // of those behind the name
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) <= start {
		return 0, fmt.Errorf("/proc/%d/stat: %q", pid, text)
	}
	return strconv.ParseUint(string(fields[start]), 10, 64)
}

// bootID is another one after every boot. proc_sys_kernel(5)
func bootID() (string, error) {
	text, err := readProc("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(text)), err
}
