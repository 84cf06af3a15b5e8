package container

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
)

// view is what a container is at one moment: what is on disk, and whether it lives.
type view struct {
	status  Status
	process identity // nobody where it was never created
	pidfd   int      // -1 where it has been reaped
}

func (v *view) close() {
	if v.pidfd >= 0 {
		unix.Close(v.pidfd)
		v.pidfd = -1
	}
}

// view looks at a container. It does not need the lock.
func (d *stateDir) view() (*view, error) {
	v := &view{status: Stopped, pidfd: -1}
	text, err := d.readLink(processName)
	if errors.Is(err, unix.ENOENT) {
		if d.held { // so nobody is at work, and nobody was when we took it
			return v, nil
		}
		free, err := d.tryLock(unix.LOCK_SH)
		if err == nil && free {
			err = unix.Flock(d.fd, unix.LOCK_UN)
		}
		if err != nil {
			return nil, err
		}
		if text, again := d.readLink(processName); again == nil { // it was finished meanwhile
			return v, v.find(d, text)
		}
		if !free {
			v.status = Creating
		}
		return v, nil
	}
	if err != nil {
		// It is not one of ours: there is nobody to be ended by what it says.
		return v, nil
	}
	return v, v.find(d, text)
}

// find looks for the process.
func (v *view) find(d *stateDir, text string) (err error) {
	v.status = Stopped
	if v.process, err = parseIdentity(text); err != nil {
		return nil // as above
	}
	boot, err := d.bootID()
	if err == nil {
		v.pidfd, err = v.process.openIn(boot)
	}
	if errors.Is(err, errGone) {
		v.pidfd = -1
		return nil
	}
	if err != nil {
		return err
	}
	gone, err := ended(v.pidfd)
	if err != nil || gone {
		return err
	}
	v.status = Running
	switch waits, err := d.waits(); {
	case d.frozen():
		v.status = Paused
	case err == nil && waits:
		v.status = Created
	}
	return nil
}

// waits reports whether the program waits at its gate.
func (d *stateDir) waits() (bool, error) {
	rest, report, err := d.rest()
	if err != nil {
		return false, err
	}
	defer unix.Close(report)
	return rest.Waits(report)
}

// rest is what is behind the gate, and the report.
func (d *stateDir) rest() (nsexec.Rest, int, error) {
	var k kept
	if err := d.read(stateName, &k); err != nil {
		return k.Rest, -1, err
	}
	report, _, err := d.openFile(reportName, unix.O_RDONLY)
	return k.Rest, report, err
}
