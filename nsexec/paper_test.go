package nsexec_test

import (
	"maps"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// paper is a kernel on paper: it knows what a few calls answer in a process of which
// everything is known. They are those that only look at numbers, or at descriptors.
type paper struct {
	umask   uint64
	nice    int           // of the process
	nofile  uint64        // RLIMIT_NOFILE
	open    map[int]*desc // by number
	onExec  map[int]bool  // closed by an execve
	invalid string        // a call that it does not know
}

// desc is an open file description, which descriptors share.
type desc struct {
	offset int64
	size   int64 // nobody writes to it but at the end
	socket bool
}

// newPaper is the kernel of a process that is about to make the first operation behind
// nsexec.Begin, with two files.
func newPaper(t testing.TB) *paper {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	prio, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	return &paper{
		umask: startMask, nice: 20 - prio, nofile: limit.Cur, onExec: map[int]bool{},
		open: map[int]*desc{0: {}, 1: {}, 2: {size: nsexec.ReportFile}, 3: {socket: true}}, // results, a file, report, control
	}
}

// startMask is the umask that a chain of programs sets first.
const startMask = 0o22

// nobody is the number of no process: kernel.pid_max is at most 1<<22.
const nobody = 1<<30 - 1

func (k *paper) clone() *paper {
	c := *k
	c.open, c.onExec = map[int]*desc{}, maps.Clone(k.onExec)
	copies := map[*desc]*desc{}
	for n, d := range k.open {
		if copies[d] == nil {
			same := *d
			copies[d] = &same
		}
		c.open[n] = copies[d]
	}
	return &c
}

// answer is a function for prog.Machine.
func (k *paper) answer(i int, op prog.Op, v [6]uint64) (uint64, unix.Errno) {
	if i < 4 && (op.Call == prog.Mmap || op.Call == prog.RtSigprocmask || op.Call == prog.Prctl) { // nsexec.Begin
		return map[bool]uint64{true: 1}[op.Call == prog.Mmap], 0
	}
	switch op.Call {
	case prog.Umask:
		old := k.umask
		k.umask = v[0] & 0o777
		return old, 0
	case prog.Gettid:
		return 1, 0
	case prog.Personality:
		return 0, 0
	case prog.Getpriority:
		switch {
		case v[0] > unix.PRIO_USER:
			return 0, unix.EINVAL
		case v[1] == nobody:
			return 0, unix.ESRCH
		}
		return uint64(20 - k.nice), 0 // the bare call's answer is never negative
	case prog.Kill:
		return 0, unix.ESRCH
	case prog.Close:
		return k.close(k.number(v[0]))
	case prog.Dup3:
		return k.dup3(k.number(v[0]), k.number(v[1]), v[2])
	case prog.Fcntl:
		return k.fcntl(k.number(v[0]), v[1], v[2])
	case prog.Lseek:
		return k.lseek(k.number(v[0]), int64(v[1]), v[2])
	case prog.Write, prog.ExitGroup:
		return 0, 0 // the end of a chain
	}
	k.invalid = op.String()
	return 0, unix.ENOSYS
}

// number is the descriptor that the kernel sees: the lower half of the register.
func (k *paper) number(v uint64) int { return int(uint32(v)) }

func (k *paper) close(fd int) (uint64, unix.Errno) {
	if k.open[fd] == nil {
		return 0, unix.EBADF
	}
	delete(k.open, fd)
	delete(k.onExec, fd)
	return 0, 0
}

func (k *paper) dup3(from, to int, flags uint64) (uint64, unix.Errno) {
	switch {
	case flags&^unix.O_CLOEXEC != 0, from == to:
		return 0, unix.EINVAL
	case uint64(to) >= k.nofile, k.open[from] == nil:
		return 0, unix.EBADF
	}
	k.open[to] = k.open[from]
	k.onExec[to] = flags != 0
	return uint64(to), 0
}

func (k *paper) fcntl(fd int, cmd, arg uint64) (uint64, unix.Errno) {
	if k.open[fd] == nil {
		return 0, unix.EBADF
	}
	switch cmd {
	case unix.F_GETFD:
		if k.onExec[fd] {
			return unix.FD_CLOEXEC, 0
		}
		return 0, 0
	case unix.F_SETFD:
		k.onExec[fd] = arg&unix.FD_CLOEXEC != 0
		return 0, 0
	case unix.F_DUPFD_CLOEXEC:
		for to := int(uint32(arg)); uint64(to) < k.nofile; to++ {
			if k.open[to] == nil {
				k.open[to], k.onExec[to] = k.open[fd], true
				return uint64(to), 0
			}
		}
		return 0, unix.EINVAL // nothing that these programs ask for is full
	}
	return 0, unix.EINVAL
}

func (k *paper) lseek(fd int, offset int64, whence uint64) (uint64, unix.Errno) {
	d := k.open[fd]
	switch {
	case d == nil:
		return 0, unix.EBADF
	case whence > 4: // SEEK_MAX
		return 0, unix.EINVAL
	case d.socket:
		return 0, unix.ESPIPE
	case whence == unix.SEEK_CUR:
		offset += d.offset
	case whence == unix.SEEK_END:
		offset += d.size
	}
	if offset < 0 {
		return 0, unix.EINVAL
	}
	d.offset = offset
	return uint64(offset), 0
}
