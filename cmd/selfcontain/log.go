package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// log is where errors and warnings go: standard error, and the file of --log, from
// which engines take the words that they show to people.
//
// Engines read that file as one JSON object, or look at its last line. So an error is
// one entry, however many lines it has, and a command that fails writes nothing else:
// its warnings are held back until it is known how it went. With a file they do not go
// to standard error, which may be the container's already.
type log struct {
	path          string
	format, level choice
	file          int // valid where open
	open          bool
	held          []string
}

// severity is the kind of an entry.
type severity string

const (
	severe  severity = "error"
	warning severity = "warning"
)

// openFile opens the file of --log. Its name may have the prefix "file:" that crun
// knows.
func (l *log) openFile() error {
	if l.path == "" {
		return nil
	}
	for _, other := range []string{"journald:", "syslog:"} {
		if strings.HasPrefix(l.path, other) {
			return fmt.Errorf("--log %s: want a file: %s is not supported", l.path, strings.TrimSuffix(other, ":"))
		}
	}
	fd, err := openRetrying(strings.TrimPrefix(l.path, "file:"), unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT, 0o644)
	if err != nil {
		return fmt.Errorf("--log %s: %w", l.path, err)
	}
	l.file, l.open = fd, true
	return nil
}

// openRetrying is open(2). Package os would ask the network poller about the file first.
func openRetrying(path string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC|unix.O_NOCTTY, mode)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// warn tells what is worth a look and stops nobody.
func (l *log) warn(texts []string) {
	if l.open {
		l.held = append(l.held, texts...)
		return
	}
	warn(texts)
}

// warn tells it on standard error.
func warn(texts []string) {
	if len(texts) == 0 {
		return
	}
	name := paintFor(os.Stderr).warned("selfcontain: warning:")
	for _, text := range texts {
		fmt.Fprintf(os.Stderr, "%s %s\n", name, text)
	}
}

// succeeded writes the warnings that were held back.
func (l *log) succeeded() {
	for _, text := range l.held {
		if l.level.value != string(severe) {
			l.write(warning, text)
		}
	}
	l.held = nil
}

// failed tells an error, instead of warnings that nobody has seen yet.
func (l *log) failed(err error) {
	complain(err)
	if l.open {
		l.write(severe, err.Error())
	}
}

// write appends an entry, in one call: several commands may have the same file.
func (l *log) write(s severity, text string) {
	entry := appendEntry(nil, l.format.value, s, text, time.Now())
	n, err := unix.Write(l.file, entry)
	if err == nil && n < len(entry) {
		err = io.ErrShortWrite
	}
	if err != nil {
		complain(fmt.Errorf("--log %s: %d bytes of %d could be written: %w", l.path, max(n, 0), len(entry), err))
	}
}

// appendEntry appends an entry as a line, in one of the two formats of --log-format.
func appendEntry(b []byte, format string, s severity, text string, at time.Time) []byte {
	if format == "json" {
		b = append(b, `{"level":"`+string(s)+`","msg":`...)
		b = prog.AppendQuoteJSON(b, text)
		b = append(b, `,"time":"`...)
		b = at.AppendFormat(b, time.RFC3339Nano)
		return append(b, "\"}\n"...)
	}
	b = append(b, `time="`...)
	b = at.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `" level=`+string(s)+` msg=`...)
	b = strconv.AppendQuote(b, text)
	return append(b, '\n')
}
