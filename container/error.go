package container

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
)

// Code says what kind of failure an [Error] is. A Code is an error itself, so that
// errors.Is(err, container.ContainerNotExists) asks for it.
type Code uint8

const (
	// SystemError is every failure that has no code of its own: the kernel refused
	// something, or a file could not be read.
	SystemError Code = iota
	// IDInUse: there is a container of that id.
	IDInUse
	// InvalidIDFormat: the id is none. [CheckID]
	InvalidIDFormat
	// ContainerNotExists: there is no container of that id.
	ContainerNotExists
	// ContainerPaused: its processes are frozen, and what was asked for needs them to run.
	ContainerPaused
	// ContainerNotStopped: it has a process that lives.
	ContainerNotStopped
	// ContainerNotRunning: it has none.
	ContainerNotRunning
	// ContainerNotPaused: there is nothing to resume.
	ContainerNotPaused
	// NoProcessOps: what was asked for can be done only by whoever made the container, or
	// only where the container has a cgroup or a pid namespace of its own.
	NoProcessOps
	// ConfigInvalid: the configuration asks for what cannot be.
	ConfigInvalid
	// ConsoleExists: a console was given to a container that has no terminal.
	ConsoleExists
)

var codeTexts = [...]string{
	SystemError:         "system error",
	IDInUse:             "a container with this id exists",
	InvalidIDFormat:     "invalid id",
	ContainerNotExists:  "container does not exist",
	ContainerPaused:     "container paused",
	ContainerNotStopped: "container not stopped",
	ContainerNotRunning: "container not running",
	ContainerNotPaused:  "container not paused",
	NoProcessOps:        "no process operations",
	ConfigInvalid:       "invalid configuration",
	ConsoleExists:       "the process has no terminal, and a console for one is given",
}

// Error is the words that programs which call a runtime look for.
func (c Code) Error() string {
	if int(c) < len(codeTexts) {
		return codeTexts[c]
	}
	return codeTexts[SystemError]
}

// Error is what every function of a container's life returns. errors.Is finds its Code,
// and everything that Err wraps: errors.Is(err, unix.EPERM) holds for the error of a
// system call.
type Error struct {
	// Code is the kind of failure.
	Code Code
	// ID is the container's.
	ID string
	// Op is what was tried: "create", "start", "delete" and so on.
	Op string
	// Err is what has happened; nil where Code says all.
	Err error
}

// Error is one line.
func (e *Error) Error() string {
	text := e.Code.Error()
	switch {
	case e.Err == nil:
	case e.Code == SystemError, e.Code == ConfigInvalid, e.Code == InvalidIDFormat:
		return e.Err.Error()
	default:
		text += ": " + e.Err.Error()
	}
	if e.ID == "" {
		return text
	}
	return e.ID + ": " + text
}

// Unwrap is the code, and what has happened.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Err}
}

// Detail writes what the line of [Error.Error] leaves out, a fact a line: what was tried,
// the kind of failure, and for a call of the container's or a step of the host's side what
// it was, why it was made, which line of the configuration asked for it and what its
// errors mean.
func (e *Error) Detail(w io.Writer) error {
	var b strings.Builder
	line := func(name string, value any) {
		if text := fmt.Sprint(value); text != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, text)
		}
	}
	line("container", e.ID)
	line("operation", e.Op)
	line("code", e.Code)
	if e.Err != nil {
		for text := range strings.SplitSeq(e.Err.Error(), "\n") {
			line("error", text)
		}
	}
	var op *nsexec.OpError
	var step *StepError
	switch {
	case errors.As(e.Err, &op):
		line("system call", op.Op)
		line("why", op.Op.Why)
		line("from", op.Origin)
		line("hint", op.Op.Hint)
	case errors.As(e.Err, &step):
		line("step", step.Step)
		line("why", step.Step.Why)
		line("from", step.Step.Origin)
	}
	var errno unix.Errno
	if errors.As(e.Err, &errno) {
		line("errno", unix.ErrnoName(errno))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
