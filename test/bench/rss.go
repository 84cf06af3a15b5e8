//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// peak is what one process needed of memory.
type peak struct {
	rss    int64 // bytes, VmHWM
	faults int64 // pages it touched for the first time: where a fresh process spends much of its life
}

// peakOf runs a command and looks at its first process, without its children. ptrace(2)
// stops that process in its exit, while its memory is still there.
func peakOf(argv []string, null *os.File) (peak, error) {
	runtime.LockOSThread() // only the thread that started a tracee may trace it
	defer runtime.UnlockOSThread()
	p, err := os.StartProcess(argv[0], argv, &os.ProcAttr{
		Env:   []string{"PATH=" + os.Getenv("PATH")},
		Files: []*os.File{null, null, null},
		Sys:   &unix.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return peak{}, err
	}
	defer func() { _ = p.Release() }()
	watchdog := time.AfterFunc(timeout, func() { _ = p.Kill() })
	defer watchdog.Stop()

	var seen peak
	for options := unix.PTRACE_O_TRACEEXIT | unix.PTRACE_O_EXITKILL; ; options = 0 {
		var status unix.WaitStatus
		if _, err := unix.Wait4(p.Pid, &status, unix.WALL, nil); err == unix.EINTR {
			continue
		} else if err != nil {
			return seen, err
		}
		if !status.Stopped() {
			if status.ExitStatus() != 0 || seen.rss == 0 {
				return seen, fmt.Errorf("ended with wait status %#x, peak %d", int(status), seen.rss)
			}
			return seen, nil
		}
		if options != 0 {
			if err := unix.PtraceSetOptions(p.Pid, options); err != nil {
				return seen, err
			}
		}
		if status.TrapCause() == unix.PTRACE_EVENT_EXIT {
			if seen, err = readPeak(p.Pid); err != nil {
				return seen, err
			}
		}
		deliver := int(status.StopSignal())
		if status.StopSignal() == unix.SIGTRAP {
			deliver = 0 // ptrace's own: the execve, the exit
		}
		if err := unix.PtraceCont(p.Pid, deliver); err != nil && err != unix.ESRCH {
			return seen, err
		}
	}
}

// readPeak reads VmHWM, see proc_pid_status(5), and the minor faults of proc_pid_stat(5).
func readPeak(pid int) (peak, error) {
	var p peak
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return p, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return p, err
			}
			p.rss = kib << 10
		}
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p, err
	}
	// The name in parentheses may hold blanks; minflt is the eighth field after it.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	p.faults, err = strconv.ParseInt(fields[7], 10, 64)
	return p, err
}
