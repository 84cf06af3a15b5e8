package prog_test

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// TestSizes holds structures against those of golang.org/x/sys/unix.
func TestSizes(t *testing.T) {
	for _, row := range []struct {
		name  string
		block *prog.Block
		size  uintptr
	}{
		{"struct winsize", prog.Winsize(1, 2), unsafe.Sizeof(unix.Winsize{})},
		{"two int", prog.Integers(1, -2), unsafe.Sizeof([2]int32{})},
		{"struct msghdr", prog.Rights("x", prog.Int(3)), unsafe.Sizeof(unix.Msghdr{})},
		{"struct iovec", prog.Rights("x", prog.Int(3)).Fields[3].Value.(*prog.Block), unsafe.Sizeof(unix.Iovec{})},
		{"a control message with room for one descriptor", prog.Rights("x", prog.Int(3)).Fields[5].Value.(*prog.Block), uintptr(unix.CmsgSpace(4))},
	} {
		if got := row.block.Size(); got != int(row.size) {
			t.Errorf("%s has %d bytes, want %d", row.name, got, row.size)
		}
	}
}

func TestTerminalCalls(t *testing.T) {
	master := prog.FD{Num: 3, Name: "master"}
	for _, row := range []struct {
		op   prog.Op
		want string
	}{
		{prog.Op{Call: prog.Ioctl, Args: prog.Args{master, prog.Int(unix.TIOCSPTLCK), prog.Integers(0)}}, "ioctl(3<master>, TIOCSPTLCK, [0])"},
		{prog.Op{Call: prog.Ioctl, Args: prog.Args{master, prog.Int(unix.TIOCGPTPEER), prog.Int(unix.O_RDWR | unix.O_NOCTTY)}}, "ioctl(3<master>, TIOCGPTPEER, O_RDWR|O_NOCTTY)"},
		{prog.Op{Call: prog.Ioctl, Args: prog.Args{master, prog.Int(unix.TIOCSCTTY)}}, "ioctl(3<master>, TIOCSCTTY, 0)"},
		{prog.Op{Call: prog.Ioctl, Args: prog.Args{master, prog.Int(unix.TIOCSWINSZ), prog.Winsize(24, 80)}}, "ioctl(3<master>, TIOCSWINSZ, {ws_row=24, ws_col=80, ws_xpixel=0, ws_ypixel=0})"},
		{prog.Op{Call: prog.Sendmsg, Args: prog.Args{master, prog.Rights("fd", prog.FD{Num: 7, Name: "it"}), prog.Int(unix.MSG_NOSIGNAL)}},
			`sendmsg(3<master>, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="fd", iov_len=2}], msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[7<it>]}], msg_controllen=24, msg_flags=0}, MSG_NOSIGNAL)`},
	} {
		if got := row.op.String(); got != row.want {
			t.Errorf("got  %s\nwant %s", got, row.want)
		}
	}
}
