package nsexec

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// EmitSend adds a point at which the program hands a descriptor that it has made to its
// caller ([Config.Receive]) and waits until the caller has it. If the caller is gone the
// program ends there. A program does this once. unix(7), SCM_RIGHTS
func EmitSend(b *prog.Builder, control prog.FD, descriptor prog.Arg, why string) {
	b.Add(prog.Op{
		Call: prog.Sendmsg,
		Args: prog.Args{control, prog.Rights(descriptorMessage, descriptor), prog.Int(unix.MSG_NOSIGNAL)},
		Why:  why,
	})
	emitWait(b, control)
}

// descriptorMessage goes with a descriptor: without data there would be no message.
const descriptorMessage = "fd"

// receiver reads the control socket, and takes the descriptor that comes along it. What
// it reads was sent by a process that may have been taken over: there is room for one
// descriptor, and the kernel closes whatever does not fit.
type receiver struct {
	process *Process
	// receive is [Config.Receive], and nil once it has been called.
	receive func(*os.File) error
	// failed is what became of the descriptor, where that was no success. It is apart
	// from errors of the socket, since it may wrap any error.
	failed error
	// forks says that the process may end while another one holds the socket.
	forks bool
}

// read is read(2) for the next message without a descriptor.
func (r *receiver) read(text []byte) (int, error) {
	var control [unix.SizeofCmsghdr + 4]byte
	for {
		if r.forks {
			if some, err := r.process.awaitMessage(); err != nil || !some {
				return 0, err
			}
		}
		n, size, _, _, err := unix.Recvmsg(r.process.control, text, control[:], unix.MSG_CMSG_CLOEXEC)
		if err != nil || size == 0 {
			return n, err
		}
		if r.failed = r.take(text[:n], control[:size]); r.failed == nil {
			r.failed = r.process.answer()
		}
		if r.failed != nil {
			return n, nil
		}
	}
}

// take hands the descriptor of a message to whom it is for.
func (r *receiver) take(text, control []byte) error {
	files, err := rights(control)
	if err != nil {
		return err
	}
	receive := r.receive
	r.receive = nil
	if receive == nil || len(files) != 1 || string(text) != descriptorMessage {
		for _, fd := range files {
			unix.Close(fd)
		}
		return errors.New("the program sends a descriptor that its caller has not asked for")
	}
	f := os.NewFile(uintptr(files[0]), "received")
	if err := receive(f); err != nil {
		return errors.Join(err, f.Close())
	}
	return nil
}

// rights are the descriptors in the control part of a message.
func rights(control []byte) (files []int, err error) {
	list, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, fmt.Errorf("what came with it: %w", err)
	}
	for i := range list {
		fds, err := unix.ParseUnixRights(&list[i])
		if err != nil {
			return files, fmt.Errorf("what came with it: %w", err)
		}
		files = append(files, fds...)
	}
	return files, nil
}
