package nsexec

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Process is a process that was started, held by its pidfd: whatever becomes of the
// number, this is never another one. pidfd_open(2)
type Process struct {
	image   *Image
	outline outline
	pid     int
	pidfd   int
	report  int
	control int
	mounts  int // its mount namespace while it starts, -1 where nobody will look into it
	at      int
	forked  bool // it is the second of two, by [EmitFork]
	guest   bool // started by somebody else: its end is theirs to take

	use holders // of pidfd

	mu     sync.Mutex // guards what follows: Wait may be called by many
	waited bool
	status unix.WaitStatus
	err    error
}

// Pid is the process's number in the caller's pid namespace.
func (p *Process) Pid() int { return p.pid }

// PidFD is the pidfd, and -1 after [Process.Close]. It belongs to the Process.
func (p *Process) PidFD() int { return p.use.number(p.pidfd) }

// At is the operation at which the program had ended when [Start] returned: the exec
// that succeeded, or an exit.
func (p *Process) At() int { return p.at }

// Signal sends a signal. The error is ESRCH for a process that has been waited for, and
// EBADF after [Process.Close]. pidfd_send_signal(2), Linux 5.1
func (p *Process) Signal(sig unix.Signal) error {
	err := p.use.hold()
	if err == nil {
		defer p.release()
		err = unix.PidfdSendSignal(p.pidfd, sig, nil, 0)
	}
	if err != nil {
		return fmt.Errorf("pidfd_send_signal %s to %d: %w", unix.SignalName(sig), p.pid, err)
	}
	return nil
}

// Wait waits until the process has ended and returns how. It may be called again,
// and by several goroutines; one that is under way when the Process is closed goes on.
// The error is EBADF where it was closed before. waitid(2), P_PIDFD since Linux 5.4
func (p *Process) Wait() (unix.WaitStatus, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.waited {
		p.waited = true
		options := 0
		if p.guest {
			options = unix.WNOWAIT
		}
		p.status, p.err = p.waitid(options)
	}
	return p.status, p.err
}

func (p *Process) waitid(options int) (unix.WaitStatus, error) {
	call := "waitid"
	if p.pid != 0 { // [Reap] does not know it
		call += " " + strconv.Itoa(p.pid)
	}
	if err := p.use.hold(); err != nil {
		return 0, fmt.Errorf("%s: %w", call, err)
	}
	defer p.release()
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PIDFD, p.pidfd, &info, unix.WEXITED|unix.WALL|options, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if errors.Is(err, unix.ECHILD) {
			err = fmt.Errorf("%w: it is none of this process's, or was waited for, or the end of none is kept since SIGCHLD is ignored (signal(7))", err)
		}
		if err != nil {
			return 0, fmt.Errorf("%s: %w", call, err)
		}
		return waitStatus(info.Code, (*childInfo)(unsafe.Pointer(&info)).status), nil
	}
}

// childInfo is siginfo_t as waitid fills it in. sigaction(2)
type childInfo struct {
	_      [3]int32 // signo, errno, code
	_      int32
	pid    int32
	uid    uint32
	status int32
}

// Codes of a siginfo_t for SIGCHLD.
const (
	cldExited = 1
	cldDumped = 3
)

// waitStatus makes of waitid's answer what wait4 would have said.
func waitStatus(code, status int32) unix.WaitStatus {
	switch code {
	case cldExited:
		return unix.WaitStatus(status&0xff) << 8
	case cldDumped:
		return unix.WaitStatus(status&0x7f | 0x80)
	}
	return unix.WaitStatus(status & 0x7f)
}

// exiting is PF_EXITING of include/linux/sched.h. It is set before a process that
// ends gives up its descriptors.
const exiting = 0x4

// killedInExec reports whether the process ends, or has ended, without having
// executed the user's program. It is asked when the control socket has closed and the
// report stands at an execve: the socket closes in an execve that succeeds, at a death
// in one that never did, and at that of a user's program that died young. What tells
// them apart is the name, which the kernel changes just behind the point of no return,
// and, for the moment before, whether the process is on its way out. That there is a
// zombie to wait for would not do, since the descriptors are closed well before there
// is one. proc_pid_comm(5), proc_pid_stat(5)
func (p *Process) killedInExec() bool {
	var b [512]byte
	if comm := p.proc("comm", b[:]); string(comm) != processName+"\n" {
		return false // also without /proc: whatever happens is the program's own doing
	}
	line := p.proc("stat", b[:])
	end := bytes.LastIndexByte(line, ')')
	const flags = 6 // of the fields behind the name
	fields := bytes.Fields(line[end+1:])
	if end < 0 || len(fields) <= flags {
		return false
	}
	f, err := strconv.ParseUint(string(fields[flags]), 10, 64)
	return err == nil && f&exiting != 0 && bytes.Contains(line[:end+1], []byte("("+processName+")"))
}

// proc reads a file of the process in /proc. It is empty where there is none.
func (p *Process) proc(name string, b []byte) []byte {
	fd, err := unix.Open("/proc/"+strconv.Itoa(p.pid)+"/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, b)
	if err != nil {
		return nil
	}
	return b[:n]
}

// kill ends the process and reaps it. It is what becomes of one that failed.
func (p *Process) kill() {
	if p.pidfd < 0 {
		return
	}
	// ESRCH is as good: it is gone already.
	_ = p.Signal(unix.SIGKILL)
	_, _ = p.Wait()
}

// Close gives up the descriptors. It does not end the process, nor wait for it. A pidfd that
// somebody waits for is closed when he has done.
func (p *Process) Close() error {
	for _, fd := range []*int{&p.control, &p.report} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
	if p.use.end() && p.pidfd >= 0 {
		unix.Close(p.pidfd)
	}
	return nil
}

// release is for who has held the pidfd.
func (p *Process) release() {
	if p.use.let() {
		unix.Close(p.pidfd)
	}
}

// Reap waits for the end of a child by its pidfd and returns how it has ended. It is for
// a process whose [Process] has been closed. waitid(2)
func Reap(pidfd int) (unix.WaitStatus, error) { return (&Process{pidfd: pidfd}).Wait() }
