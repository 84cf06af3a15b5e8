package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// guestToken on the kernel's command line says that the kernel is a
// throw-away one, which may be powered off.
const guestToken = "vmrun.guest=1"

// inGuest reports whether this kernel was started by the host part.
func inGuest() bool {
	text, err := os.ReadFile("/proc/cmdline")
	if err != nil && os.Getpid() == 1 && exists(configFile) {
		// The initramfs has no /proc yet. Without it there is no token.
		_ = os.MkdirAll("/proc", 0o755)
		_ = unix.Mount("proc", "/proc", "proc", noExec, "")
		text, err = os.ReadFile("/proc/cmdline")
	}
	return err == nil && hasToken(string(text))
}

// hasToken looks for the token as a word of its own.
func hasToken(cmdline string) bool {
	return slices.Contains(strings.Fields(cmdline), guestToken)
}

// powerOff ends the guest. Anywhere else it ends the process.
func powerOff() {
	if !inGuest() {
		os.Exit(statusFailed)
	}
	unix.Sync()
	_ = os.WriteFile("/proc/sysrq-trigger", []byte("u"), 0) // remount everything read-only
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	for {
		time.Sleep(time.Hour)
	}
}

// steps is what PID 1 has done so far, for -v and for the console when it fails.
type steps []string

func (s *steps) add(format string, args ...any) {
	*s = append(*s, fmt.Sprintf("%.2f ", uptime())+fmt.Sprintf(format, args...))
}

// die reports and powers off. Text written to /dev/console may still wait in
// the terminal's buffer when the power goes; /dev/kmsg is synchronous.
func (s *steps) die(format string, args ...any) {
	s.add("failed: "+format, args...)
	out, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0)
	if err != nil {
		out = os.Stderr
	}
	for _, line := range *s {
		fmt.Fprintf(out, "<1>vmrun: %s\n", line)
	}
	powerOff()
}
