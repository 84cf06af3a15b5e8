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
	rest    nsexec.Rest
	pidfd   int   // -1 where it has been reaped
	damage  error // why it cannot be told whether it waits
}

func (v *view) close() {
	if v.pidfd >= 0 {
		unix.Close(v.pidfd)
		v.pidfd = -1
	}
}

// view looks at a container. It does not need the lock.
func (d *stateDir) view() (*view, error) {
	v, err := d.alive()
	if err != nil || v.status != Running {
		return v, err
	}
	waits := false
	if v.rest, v.damage = d.rest(); v.damage == nil {
		waits, v.damage = d.waits(v.rest)
	}
	if errors.Is(v.damage, unix.ENOENT) { // one that was never created, and runs
		v.damage = nil
	}
	switch {
	case d.frozen():
		v.status = Paused
	case waits:
		v.status = Created
	}
	return v, nil
}

// alive looks whether a container lives, which is all that most have to know: the status of
// one that does is Running, whatever it does.
func (d *stateDir) alive() (*view, error) {
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
	boot, err := d.boot()
	if err != nil {
		return err
	}
	v.pidfd, err = v.process.openIn(boot)
	if errors.Is(err, errGone) {
		v.pidfd = -1
		return nil
	}
	if err != nil {
		return err
	}
	gone, err := ended(v.pidfd)
	if err != nil || gone || released(v.process.pid) {
		return err
	}
	v.status = Running
	return nil
}

// waits reports whether the program waits at its gate.
func (d *stateDir) waits(rest nsexec.Rest) (bool, error) {
	report, _, err := d.openFile(reportName, unix.O_RDONLY)
	if err != nil {
		return false, err
	}
	defer unix.Close(report)
	return rest.Waits(report)
}

// rest is what is behind the gate.
func (d *stateDir) rest() (nsexec.Rest, error) {
	var k kept
	err := d.read(stateName, &k)
	return k.Rest, err
}
