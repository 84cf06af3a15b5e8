package main

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	lastSignal = 64 // of both architectures
	// The C library keeps the first two real-time signals for itself, so that the
	// first that programs know as SIGRTMIN is the third. signal(7)
	firstRealTime = 34
)

// parseSignal reads a signal as people and engines write it: a number, or a name with
// or without SIG in front, in either case. 0 sends nothing and looks whether there is
// anybody. kill(2)
func parseSignal(text string) (unix.Signal, error) {
	if n, err := strconv.ParseUint(text, 10, 8); err == nil && n <= lastSignal {
		return unix.Signal(n), nil
	}
	name := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	if sig := unix.SignalNum("SIG" + name); sig != 0 {
		return sig, nil
	}
	for _, base := range []struct {
		name  string
		first int
	}{{"RTMIN", firstRealTime}, {"RTMAX", lastSignal}} {
		rest, found := strings.CutPrefix(name, base.name)
		if !found {
			continue
		}
		offset, err := 0, error(nil)
		if rest != "" {
			offset, err = strconv.Atoi(rest)
		}
		n := base.first + offset
		if err == nil && (rest == "" || rest[0] == '+' || rest[0] == '-') && n >= firstRealTime && n <= lastSignal {
			return unix.Signal(n), nil
		}
	}
	return 0, fmt.Errorf("signal %q: want a number from 0 to %d or a name, such as TERM or SIGTERM", text, lastSignal)
}
