package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// frameType is the first byte of a frame.
type frameType byte

// A frame on the virtio port is a type, a length of four bytes, big-endian,
// and that many bytes of payload.
const (
	frameReady  frameType = 'b' // guest to host: the agent is up; a guestInfo in JSON
	frameStdout frameType = 'o' // guest to host
	frameStderr frameType = 'e' // guest to host
	frameTar    frameType = 't' // guest to host: a piece of the tar stream of fetched files
	frameExit   frameType = 'x' // guest to host, the last one; an exitInfo in JSON
	frameStdin  frameType = 'i' // host to guest; empty means end of file
	frameSignal frameType = 's' // host to guest; one byte, the signal's number
	frameQuit   frameType = 'q' // host to guest: the exit has arrived, power off
)

// portName is the name of the virtio port that carries the frames.
const portName = "vmrun"

// maxPayload bounds what one length may make the reader allocate.
const maxPayload = 32 << 10

// framer writes frames; several goroutines may use one.
type framer struct {
	mu sync.Mutex
	w  io.Writer
}

// send writes p as one frame, or as several when it is long.
func (f *framer) send(t frameType, p []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		n := min(len(p), maxPayload)
		b := make([]byte, 0, 5+n)
		b = append(b, byte(t))
		b = binary.BigEndian.AppendUint32(b, uint32(n))
		b = append(b, p[:n]...)
		if _, err := f.w.Write(b); err != nil {
			return err
		}
		if p = p[n:]; len(p) == 0 {
			return nil
		}
	}
}

// frameWriter is an io.Writer that sends frames of one type.
type frameWriter struct {
	f *framer
	t frameType
}

func (w frameWriter) Write(p []byte) (int, error) {
	if len(p) == 0 { // an empty frame has a meaning of its own
		return 0, nil
	}
	return len(p), w.f.send(w.t, p)
}

// readFrame reads one frame. It returns io.EOF at the end of the stream and
// io.ErrUnexpectedEOF inside of a frame.
func readFrame(r io.Reader) (frameType, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	t, n := frameType(head[0]), binary.BigEndian.Uint32(head[1:])
	if n > maxPayload {
		return 0, nil, fmt.Errorf("frame %q of %d bytes: more than %d", t, n, maxPayload)
	}
	p := make([]byte, n)
	if _, err := io.ReadFull(r, p); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return t, p, nil
}
