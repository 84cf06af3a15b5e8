package main

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// modes are those of our own terminal, if the descriptor is one. Everything about
// another file is done, with success, by doing nothing. termios(3)
type modes struct {
	fd int

	mu    sync.Mutex // a signal may want them back at any moment
	saved *unix.Termios
	isRaw bool
}

// raw makes every key a byte to be read, and every byte written one to be shown: the
// container's terminal is the one that does something about them.
func (m *modes) raw() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.foreground() {
		// What any program does that touches its terminal from the background: it
		// stops, until the shell brings it back.
		_ = unix.Kill(0, unix.SIGTTOU)
	}
	saved, err := unix.IoctlGetTermios(m.fd, unix.TCGETS)
	if errors.Is(err, unix.ENOTTY) {
		return nil
	}
	if err == nil {
		m.saved = saved
		err = m.setRaw()
	}
	if err != nil {
		return fmt.Errorf("the terminal of this command: %w", err)
	}
	return nil
}

// setRaw is cfmakeraw(3).
func (m *modes) setRaw() error {
	t := *m.saved
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(m.fd, unix.TCSETS, &t); err != nil {
		return err
	}
	m.isRaw = true
	return nil
}

// again is raw for a process that was stopped and goes on: the shell has made the
// terminal its own meanwhile.
func (m *modes) again() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.saved != nil && m.foreground() {
		_ = m.setRaw() // it worked before: a terminal that is gone needs none
	}
}

// restore makes the terminal what it was. From the background it does nothing: the
// modes are somebody else's by then.
func (m *modes) restore() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isRaw && m.foreground() {
		_ = unix.IoctlSetTermios(m.fd, unix.TCSETS, m.saved) // it is gone, or it works
		m.isRaw = false
	}
}

// foreground reports whether the terminal takes orders from this process. The kernel
// stops who asks for a change from the background, and one who catches that signal
// would ask for ever. tcsetpgrp(3)
func (m *modes) foreground() bool {
	group, err := unix.IoctlGetInt(m.fd, unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
}

// bareNewlines makes a terminal write a newline as it is, without a carriage return in
// front. Asked of a master, it is the slave's modes that change. termios(3), ONLCR
func bareNewlines(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Oflag &^= unix.ONLCR
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// isTerminal reports whether a descriptor is one.
func isTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}
