package container

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// Subordinate and UserName read subuid(5) and passwd(5).
var (
	Subordinate = subordinate
	UserName    = userName
)

// Made is an event of a test: what was done, or whose operation it was.
func Made(e Event, text string, p *prog.Program) Event {
	e.text, e.program = text, p
	return e
}

// Reached has a function called at every step of a creation.
func (o CreateOptions) Reached(f func(step string)) CreateOptions { o.reached = f; return o }

// Edit has a function change the plan of a creation.
func (o CreateOptions) Edit(f func(*Plan) error) CreateOptions { o.edit = f; return o }

// StartEdited is Start with a plan that a function has changed.
func (c *Container) StartEdited(p *Process, edit func(*Plan) error) error {
	return c.startEdited(p, edit)
}

// Place is the directory of a container.
func Place(c *Container) string { return c.root + "/" + c.id }

// DecodeIntent reads what stands in the file of an intent.
func DecodeIntent(text []byte) error { return decodeRecord(text, &intent{}) }

// ProcessLink reads and writes the link to a process.
func ProcessLink(text string) (string, error) {
	i, err := parseIdentity(text)
	return i.String(), err
}

// GroupLinks reads the links about a group: the path, and two counts.
func GroupLinks(place, made string) (at string, missing, count int) {
	_, at, missing, ok := parseGroupLink(place)
	if !ok {
		at, missing = "", 0
	}
	if _, count, ok = parseGroupMade(made); !ok {
		count = 0
	}
	return at, missing, count
}

// LookAtState decodes a state, and looks at a report as who lists a container does, and as
// who waits for the outcome of its start, when the program has gone.
func LookAtState(text []byte, report *os.File) (waits bool, err error) {
	var k kept
	if err := decodeRecord(text, &k); err != nil {
		return false, err
	}
	if waits, err = k.Rest.Waits(int(report.Fd())); err != nil {
		return false, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false, err
	}
	defer unix.Close(pair[0])
	pidfd, err := unix.PidfdOpen(os.Getpid(), 0) // which is nobody's child here
	if err = errors.Join(err, unix.Close(pair[1])); err != nil {
		return false, err
	}
	defer unix.Close(pidfd)
	return waits, k.Rest.Await(pair[0], int(report.Fd()), os.Getpid(), pidfd)
}

// Sum is the checksum of a record's line.
var Sum = sum
