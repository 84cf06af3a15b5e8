package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
)

func TestFrames(t *testing.T) {
	var b bytes.Buffer
	f := &framer{w: &b}
	long := bytes.Repeat([]byte("0123456789abcdef"), 5000) // 80,000 bytes: three frames
	for _, p := range [][]byte{[]byte("out"), nil, long} {
		if err := f.send(frameStdout, p); err != nil {
			t.Fatal(err)
		}
	}
	want := [][]byte{[]byte("out"), {}, long[:maxPayload], long[maxPayload : 2*maxPayload], long[2*maxPayload:]}
	for i, w := range want {
		ft, p, err := readFrame(&b)
		if err != nil || ft != frameStdout || !bytes.Equal(p, w) {
			t.Fatalf("frame %d: type %q, %d bytes, %v, want %d bytes", i, ft, len(p), err, len(w))
		}
	}
	if _, _, err := readFrame(&b); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestFrameWriterSendsNoEmptyFrame(t *testing.T) {
	var b bytes.Buffer
	w := frameWriter{&framer{w: &b}, frameStdin} // there, an empty frame is the end of the input
	if n, err := w.Write(nil); n != 0 || err != nil || b.Len() != 0 {
		t.Errorf("n %d, %v, %d bytes sent", n, err, b.Len())
	}
}

func TestFrameErrors(t *testing.T) {
	rows := []struct {
		name, stream string
		want         error
	}{
		{"nothing", "", io.EOF},
		{"half a header", "o\x00\x00", io.ErrUnexpectedEOF},
		{"no payload", "o\x00\x00\x00\x05", io.ErrUnexpectedEOF},
		{"half a payload", "o\x00\x00\x00\x05ab", io.ErrUnexpectedEOF},
	}
	for _, r := range rows {
		if _, _, err := readFrame(bytes.NewReader([]byte(r.stream))); !errors.Is(err, r.want) {
			t.Errorf("%s: %v, want %v", r.name, err, r.want)
		}
	}
}

// A length may not make the reader allocate what the other end likes.
func TestFrameOfAnotherLength(t *testing.T) {
	for n, ok := range map[uint32]bool{maxPayload: true, maxPayload + 1: false, 1<<32 - 1: false} {
		stream := binary.BigEndian.AppendUint32([]byte{'o'}, n)
		stream = append(stream, make([]byte, maxPayload+1)...)
		if _, p, err := readFrame(bytes.NewReader(stream)); (err == nil) != ok {
			t.Errorf("a frame of %d bytes: %d bytes, %v", n, len(p), err)
		}
	}
}

// What readFrame accepts is what send writes: reading a stream and sending
// its frames again gives the same bytes.
func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("o\x00\x00\x00\x02hix\x00\x00\x00\x00"))
	f.Add([]byte("t\x00\x00\x80\x01"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, stream []byte) {
		var again bytes.Buffer
		out := &framer{w: &again}
		in := bytes.NewReader(stream)
		for {
			ft, p, err := readFrame(in)
			if err != nil {
				break
			}
			if len(p) > maxPayload {
				t.Fatalf("a payload of %d bytes", len(p))
			}
			if err := out.send(ft, p); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.HasPrefix(stream, again.Bytes()) {
			t.Fatalf("%q was read from %q", again.Bytes(), stream)
		}
		// and it stops only where no whole, legal frame follows
		rest := stream[again.Len():]
		if len(rest) >= 5 {
			n := binary.BigEndian.Uint32(rest[1:])
			if n <= maxPayload && len(rest)-5 >= int(n) {
				t.Fatalf("a whole frame is left: %q", rest)
			}
		}
	})
}
