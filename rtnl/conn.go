package rtnl

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Conn is a socket for requests in one network namespace. netlink(7)
type Conn struct {
	fd  int
	seq uint32
	buf []byte
}

// Dial opens one in the network namespace of the calling thread, for which that needs no
// privilege.
func Dial() (*Conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("socket AF_NETLINK: %w", err)
	}
	// Errors come with a sentence (Linux 4.12), and without the request that they are about.
	for _, option := range []int{unix.NETLINK_EXT_ACK, unix.NETLINK_CAP_ACK} {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, option, 1); err != nil {
			unix.Close(fd)
			return nil, fmt.Errorf("setsockopt SOL_NETLINK %d: %w", option, err)
		}
	}
	return &Conn{fd: fd, buf: make([]byte, 32<<10)}, nil
}

// DialIn opens one in another network namespace, which a descriptor stands for. It needs
// CAP_SYS_ADMIN in the user namespace that owns that one. setns(2)
func DialIn(netns int) (c *Conn, err error) {
	err = Within(netns, func() (err error) {
		c, err = Dial()
		return err
	})
	return c, err
}

// Close closes it.
func (c *Conn) Close() error { return unix.Close(c.fd) }

// execute sends a message and gives each one of the answer to read, up to the acknowledgement.
func (c *Conn) execute(m *message, read func(typ uint16, body []byte)) error {
	c.seq++
	if err := unix.Sendto(c.fd, m.finish(c.seq), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("sendto: %w", err)
	}
	for {
		n, flags, err := c.receive()
		if err != nil {
			return fmt.Errorf("recvmsg: %w", err)
		}
		if flags&unix.MSG_TRUNC != 0 {
			return fmt.Errorf("recvmsg: an answer of more than %d bytes: %w", len(c.buf), unix.EMSGSIZE)
		}
		if done, err := c.answer(c.buf[:n], read); done || err != nil {
			return err
		}
	}
}

func (c *Conn) receive() (n, flags int, err error) {
	for {
		n, _, flags, _, err = unix.Recvmsg(c.fd, c.buf, nil, 0)
		if !errors.Is(err, unix.EINTR) {
			return n, flags, err
		}
	}
}

// answer reads the messages of one datagram. It is done at an acknowledgement, or at the end
// of a list.
func (c *Conn) answer(b []byte, read func(typ uint16, body []byte)) (done bool, err error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		n := int(binary.LittleEndian.Uint32(b))
		if n < unix.NLMSG_HDRLEN || n > len(b) {
			return true, errors.New("recvmsg: the answer is cut off")
		}
		typ, flags, seq := binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), binary.LittleEndian.Uint32(b[8:])
		body := b[unix.NLMSG_HDRLEN:n]
		b = b[min(len(b), (n+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1)):]
		switch {
		case seq != c.seq:
		case flags&unix.NLM_F_DUMP_INTR != 0:
			return true, unix.EINTR // it has changed meanwhile
		case typ == unix.NLMSG_DONE:
			return true, nil
		case typ == unix.NLMSG_ERROR:
			return true, refusal(flags, body)
		case read != nil:
			read(typ, body)
		}
	}
	return false, nil
}

// refusal is the error of an acknowledgement, and nil if it is none: struct nlmsgerr, and with
// NLM_F_ACK_TLVS attributes behind it.
func refusal(flags uint16, body []byte) error {
	const size = 4 + unix.NLMSG_HDRLEN
	if len(body) < size {
		return errors.New("recvmsg: the acknowledgement is cut off")
	}
	errno := -int32(binary.LittleEndian.Uint32(body))
	if errno == 0 {
		return nil
	}
	e := &kernelError{errno: unix.Errno(errno)}
	if flags&unix.NLM_F_ACK_TLVS != 0 {
		for typ, v := range attributes(body[size:]) {
			if typ == unix.NLMSGERR_ATTR_MSG {
				e.said = name(v)
			}
		}
	}
	return e
}

// kernelError is an errno, with what the kernel has said to it.
type kernelError struct {
	errno unix.Errno
	said  string
}

func (e *kernelError) Error() string {
	if e.said == "" {
		return e.errno.Error()
	}
	return e.errno.Error() + " (the kernel: " + e.said + ")"
}

func (e *kernelError) Unwrap() error { return e.errno }
