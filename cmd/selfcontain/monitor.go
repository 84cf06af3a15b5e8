package main

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
)

// patientMonitor is how late the monitor of Go's scheduler may wake up, in nanoseconds.
const patientMonitor = "20000000"

// calmMonitor makes the monitor thread of Go's scheduler wake up with others' timers. For
// the first milliseconds of a process it wakes every 20 microseconds, to see whether somebody
// computes for too long, and this command hardly lives for more: sixty times in a "run", for
// nothing, and a timer is expensive in a virtual machine.
//
// It is the first thread that the runtime makes, so mostly the one of the next number; where it
// is another one, or the kernel refuses (it wants CAP_SYS_NICE for a thread that is not the
// caller), all goes on as before. Threads that the monitor makes inherit its slack, and
// so would a container: [global.probe] keeps what the command was started with.
// PR_SET_TIMERSLACK(2const), /proc/PID/timerslack_ns in proc(5)
func calmMonitor() {
	pid := unix.Getpid()
	monitor := pid + 1
	if unix.Tgkill(pid, monitor, 0) != nil {
		return
	}
	fd, err := unix.Open("/proc/"+strconv.Itoa(monitor)+"/timerslack_ns", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	_, _ = unix.Write(fd, []byte(patientMonitor)) // as said
	unix.Close(fd)
}

// probe asks the machine, and how late the timers of this command are.
func (g *global) probe() (container.Host, error) {
	host, err := container.Probe()
	host.TimerSlack = g.slack
	return host, err
}

// ownSlack is how late timers of the calling thread may be, in nanoseconds. It is the
// caller's own at the beginning of main, which runs on the first thread.
func ownSlack() uint64 {
	own, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil { // a seccomp filter around this command
		return 0
	}
	return uint64(own)
}
