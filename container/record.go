package container

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
)

// intent is what is written down of a container before anything is made for it. No byte
// of it is needed to end a container and to remove it.
type intent struct {
	ID          string            `json:"id"`
	Created     time.Time         `json:"created"`
	Owner       int               `json:"owner"`
	Bundle      string            `json:"bundle"`
	Rootfs      string            `json:"rootfs"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Spec        json.RawMessage   `json:"spec"`
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
// there on purpose needs no forgery: he owns the container.
const sumLine = 8 + 1

func sum(text []byte) string {
	return fmt.Sprintf("%08x", crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)))
}

// write puts a record down: under another name, onto the disk, and then in its place.
func (d *stateDir) write(name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return d.put(name, text, true)
}

// put writes a record of a line of JSON, and waits until it is on the disk or does not.
func (d *stateDir) put(name string, text []byte, synced bool) error {
	text = append(text, '\n')
	text = append(append(text, sum(text)...), '\n')
	if len(text) > recordLimit {
		return fmt.Errorf("the configuration takes %d bytes, and %d are the most: %w", len(text), recordLimit, unix.EFBIG)
	}
	draft := name + ".new"
	fd, err := unix.Openat(d.fd, draft, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return &os.PathError{Op: "open", Path: d.path + "/" + draft, Err: err}
	}
	f := os.NewFile(uintptr(fd), d.path+"/"+draft)
	_, err = f.Write(text)
	if err == nil && synced {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := unix.Renameat(d.fd, draft, d.fd, name); err != nil {
		return &os.PathError{Op: "rename", Path: d.path + "/" + name, Err: err}
	}
	if !synced {
		return nil
	}
	return d.sync()
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
	text, err := readFile(fd, make([]byte, 0, st.Size+1)) // at its end the last read has room, and so is none
	if err == nil {
		err = decodeRecord(text, v)
	}
	if err != nil {
		return fmt.Errorf("%s/%s: %w", d.path, name, err)
	}
	return nil
}

// readFile reads to the end of a file. All containers of a machine may be listed at once: one
// call for all of it, and one that sees the end.
func readFile(fd int, text []byte) ([]byte, error) {
	for len(text) <= recordLimit {
		text = slices.Grow(text, 1)
		n, err := unix.Read(fd, text[len(text):cap(text)])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return nil, os.NewSyscallError("read", err)
		case n == 0:
			return text, nil
		default:
			text = text[:len(text)+n]
		}
	}
	return text, nil
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
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields() // a later version's, which may mean something
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("there is something behind it")
	}
	return nil
}
