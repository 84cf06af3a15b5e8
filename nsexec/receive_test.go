package nsexec_test

import (
	"errors"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// sends is an image that sends its descriptors from 2 on, one after the other, writes a
// letter to the first of them, and ends.
func sends(t *testing.T, n int) *nsexec.Image {
	t.Helper()
	return image(t, 2+n, func(b *prog.Builder, control prog.FD) {
		for i := range n {
			nsexec.EmitSend(b, control, prog.FD{Num: 2 + i, Name: "sent"}, "the caller's")
		}
		b.Add(prog.Op{Call: prog.Write, Args: prog.Args{prog.FD{Num: 2, Name: "sent"}, prog.Bytes("x"), prog.Int(1)}})
		exit(b, 0)
	})
}

func TestReceive(t *testing.T) {
	r, w := pipe(t)
	var got *os.File
	p := start(t, nsexec.Config{
		Image: sends(t, 1), Files: []prog.FD{fd(null(t), "stdin"), fd(null(t), "stdout"), fd(w, "sent")},
		Receive: func(f *os.File) error { got = f; return nil },
	})
	if status := wait(t, p); status != exited(0) {
		t.Errorf("status %#x", int(status))
	}
	if got == nil {
		t.Fatal("nothing was received")
	}
	if _, err := got.WriteString("y"); err != nil {
		t.Error(err)
	}
	if flags, err := unix.FcntlInt(got.Fd(), unix.F_GETFD, 0); err != nil || flags != unix.FD_CLOEXEC {
		t.Errorf("flags %#x (%v): the next program that is executed would have it", flags, err)
	}
	got.Close()
	w.Close()
	if text, err := io.ReadAll(r); err != nil || string(text) != "xy" {
		t.Errorf("%q (%v): it is not the file that was sent", text, err)
	}
}

// TestReceiveFails: nothing behind the point has been done, and nothing is left open,
// or the pipe would not come to its end.
func TestReceiveFails(t *testing.T) {
	// An error that is one of the socket's own as well.
	refused := errors.Join(errors.New("not this one"), unix.ECONNRESET)
	for _, row := range []struct {
		name    string
		n       int
		receive func(*os.File) error
		want    string
	}{
		{"nobody receives", 1, nil, "a descriptor that its caller has not asked for"},
		{"a second one", 2, func(f *os.File) error { return f.Close() }, "a descriptor that its caller has not asked for"},
		{"whoever receives fails", 1, func(*os.File) error { return refused }, "not this one"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, w := pipe(t)
			files := []prog.FD{fd(null(t), "stdin"), fd(null(t), "stdout")}
			for range row.n {
				files = append(files, fd(w, "sent"))
			}
			_, err := nsexec.Start(nsexec.Config{Image: sends(t, row.n), Files: files, Receive: row.receive})
			if err == nil {
				t.Fatal("started")
			}
			contains(t, err.Error(), row.want)
			w.Close()
			if text, err := io.ReadAll(r); err != nil || len(text) != 0 {
				t.Errorf("%q (%v)", text, err)
			}
		})
	}
}

// TestReceiveNoMore: a process that has been taken over sends two at once, or one with
// the message of a sync point.
func TestReceiveNoMore(t *testing.T) {
	two := prog.Rights("fd", prog.Int(2|2<<32))
	control := two.Fields[5].Value.(*prog.Block)
	control.Fields[0].Value = prog.Int(24)
	for name, message := range map[string]*prog.Block{"two at once": two, "with another text": prog.Rights(".", prog.Int(2))} {
		t.Run(name, func(t *testing.T) {
			r, w := pipe(t)
			im := image(t, 3, func(b *prog.Builder, control prog.FD) {
				b.Add(prog.Op{Call: prog.Sendmsg, Args: prog.Args{control, message, prog.Int(0)}})
				nsexec.EmitSync(b, control, "and waits")
				exit(b, 0)
			})
			received := 0
			p, err := nsexec.Start(nsexec.Config{
				Image: im, Files: []prog.FD{fd(null(t), "stdin"), fd(null(t), "stdout"), fd(w, "sent")},
				Sync:    []func(*nsexec.Process) error{func(*nsexec.Process) error { return nil }},
				Receive: func(f *os.File) error { received++; return f.Close() },
			})
			finish(t, p)
			if name == "two at once" && (err != nil || received != 1) {
				t.Errorf("%v, %d received, want the first of two", err, received)
			}
			if name != "two at once" && (err == nil || received != 0) {
				t.Errorf("%v, %d received", err, received)
			}
			w.Close()
			if text, err := io.ReadAll(r); err != nil || len(text) != 0 {
				t.Errorf("%q (%v): one is open somewhere", text, err)
			}
		})
	}
}
