package container

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/plainjson"
	"github.com/selfcontain/runtime/nsexec"
)

// intent is what is written down of a container before anything is made for it. No byte
// of it is needed to end a container and to remove it.
type intent struct {
	about
	Spec rawJSON `json:"spec"`
}

// about is what a [State] says of a container all its life.
type about struct {
	ID          string            `json:"id"`
	Created     time.Time         `json:"created"`
	Owner       int               `json:"owner"`
	Bundle      string            `json:"bundle"`
	Rootfs      string            `json:"rootfs"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// about is what is to be known of a container that is made now.
func (d *stateDir) about(spec *Spec) about {
	return about{
		ID: d.id, Created: time.Now().UTC(), Owner: os.Geteuid(), Bundle: spec.Bundle, Rootfs: spec.Root.Path,
		Annotations: spec.Annotations,
	}
}

func (a *about) state(s Status, pid int) State {
	return State{
		Version: StateVersion, ID: a.ID, Status: s, Pid: pid, Bundle: a.Bundle, Annotations: a.Annotations,
		Rootfs: a.Rootfs, Created: a.Created, Owner: a.Owner,
	}
}

// aboutIntent is an intent for who does not want the Spec.
type aboutIntent struct {
	about
	Spec unread `json:"spec"`
}

// specIntent is an intent for who wants nothing but the Spec.
type specIntent struct {
	ID          unread `json:"id"`
	Created     unread `json:"created"`
	Owner       unread `json:"owner"`
	Bundle      unread `json:"bundle"`
	Rootfs      unread `json:"rootfs"`
	Annotations unread `json:"annotations"`
	Spec        *Spec  `json:"spec"`
}

// unread is a value that nobody wants.
type unread struct{}

// UnmarshalJSON skips a value.
func (*unread) UnmarshalJSON([]byte) error { return nil }

// rawJSON is a value that is passed on as it is.
type rawJSON []byte

// MarshalJSON is the value.
func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }

// UnmarshalJSON takes a value.
func (r *rawJSON) UnmarshalJSON(text []byte) error {
	*r = append((*r)[:0], text...)
	return nil
}

// kept is what Start has to know.
type kept struct {
	Rest nsexec.Rest `json:"rest"`
}

// recordLimit bounds a file that is read. The configuration is in one of them, and its
// arguments and environment alone may have 6 MiB before the kernel refuses them.
const recordLimit = 16 << 20

// A record is a line of JSON, and a line with its checksum. So one that was cut short or
// has changed on the disk is found out before anything in it is believed. Who may write
// there on purpose needs no forgery: he owns the container. FNV-1a finds every change of one
// byte, and needs no table: making that of a CRC took longer than all of a record.
const sumLine = 8 + 1

func sum(text []byte) string {
	h := fnv.New32a()
	h.Write(text)
	return fmt.Sprintf("%08x", h.Sum32())
}

// write puts a record down: under another name, and then in its place.
func (d *stateDir) write(name string, v any) error {
	text, err := plainjson.Append(nil, v)
	if err != nil {
		return err
	}
	return d.put(name, text, true)
}

// put writes a record of a line of JSON. Whoever reads it without the lock, and after a write
// that was killed, sees it whole or not at all, if it is to be so.
func (d *stateDir) put(name string, text []byte, whole bool) error {
	text = append(text, '\n')
	text = append(append(text, sum(text)...), '\n')
	if len(text) > recordLimit {
		return fmt.Errorf("the configuration takes %d bytes, and %d are the most: %w", len(text), recordLimit, unix.EFBIG)
	}
	draft := name
	if whole {
		draft += draftSuffix
	}
	fd, err := unix.Openat(d.fd, draft, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return &os.PathError{Op: "open", Path: d.path + "/" + draft, Err: err}
	}
	err = writeAll(fd, text)
	if err == nil && d.lasting {
		err = unix.Fsync(fd)
	}
	if err := errors.Join(err, unix.Close(fd)); err != nil {
		return &os.PathError{Op: "write", Path: d.path + "/" + draft, Err: err}
	}
	if !whole {
		return nil
	}
	if err := unix.Renameat(d.fd, draft, d.fd, name); err != nil {
		return &os.PathError{Op: "rename", Path: d.path + "/" + name, Err: err}
	}
	return d.sync()
}

// writeAll writes without package os, as readAll reads.
func writeAll(fd int, text []byte) error {
	for len(text) > 0 {
		n, err := unix.Write(fd, text)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		text = text[max(n, 0):]
	}
	return nil
}

// read reads a record.
func (d *stateDir) read(name string, v any) error {
	fd, st, err := d.openFile(name, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if st.Size > recordLimit {
		return fmt.Errorf("%s/%s: it has %d bytes, and %d are the most", d.path, name, st.Size, recordLimit)
	}
	text, err := readAll(fd, int(st.Size))
	if err == nil {
		err = decodeRecord(text, v)
	}
	if err != nil {
		return fmt.Errorf("%s/%s: %w", d.path, name, err)
	}
	return nil
}

// decodeRecord makes a value of what stands in a file.
func decodeRecord(text []byte, v any) error {
	if len(text) > recordLimit || len(text) < sumLine || text[len(text)-1] != '\n' {
		return errors.New("it is not whole")
	}
	text, line := text[:len(text)-sumLine], text[len(text)-sumLine:len(text)-1]
	if sum(text) != string(line) {
		return errors.New("it is not what was written")
	}
	return plainjson.Decode(text, v) // a member that is not known is a later version's, which may mean something
}
