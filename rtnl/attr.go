package rtnl

import (
	"encoding/binary"
	"iter"

	"golang.org/x/sys/unix"
)

// message is a netlink message while it is written: its header, a structure of the family, and
// attributes, each aligned to four bytes. The numbers are in the order of the processor, which
// is little-endian on both of ours. netlink(7), rtnetlink(7)
type message struct{ b []byte }

// begin writes the header. Its length and number are filled in by finish.
func begin(typ, flags uint16, body []byte) *message {
	b := make([]byte, unix.NLMSG_HDRLEN, 256)
	binary.LittleEndian.PutUint16(b[4:], typ)
	binary.LittleEndian.PutUint16(b[6:], flags|unix.NLM_F_REQUEST)
	return &message{append(b, body...)}
}

func (m *message) finish(seq uint32) []byte {
	binary.LittleEndian.PutUint32(m.b[0:], uint32(len(m.b)))
	binary.LittleEndian.PutUint32(m.b[8:], seq)
	return m.b
}

// attr appends an attribute.
func (m *message) attr(typ uint16, v []byte) {
	m.b = binary.LittleEndian.AppendUint16(m.b, uint16(unix.NLA_HDRLEN+len(v)))
	m.b = binary.LittleEndian.AppendUint16(m.b, typ)
	m.b = append(m.b, v...)
	for len(m.b)%unix.NLA_ALIGNTO != 0 {
		m.b = append(m.b, 0)
	}
}

func (m *message) text(typ uint16, s string) { m.attr(typ, append([]byte(s), 0)) }

func (m *message) uint8(typ uint16, n uint8) { m.attr(typ, []byte{n}) }

func (m *message) uint16(typ, n uint16) { m.attr(typ, binary.LittleEndian.AppendUint16(nil, n)) }

func (m *message) uint32(typ uint16, n uint32) {
	m.attr(typ, binary.LittleEndian.AppendUint32(nil, n))
}

// nest appends an attribute that holds what fill appends.
func (m *message) nest(typ uint16, fill func()) {
	at := len(m.b)
	m.attr(typ, nil)
	fill()
	binary.LittleEndian.PutUint16(m.b[at:], uint16(len(m.b)-at))
}

// attributes ranges over the attributes of a message that the kernel has sent, by their types
// without flags. It ends where they do not fit.
func attributes(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= unix.NLA_HDRLEN {
			n := int(binary.LittleEndian.Uint16(b))
			if n < unix.NLA_HDRLEN || n > len(b) {
				return
			}
			if !yield(binary.LittleEndian.Uint16(b[2:])&typeMask, b[unix.NLA_HDRLEN:n]) {
				return
			}
			b = b[min(len(b), (n+unix.NLA_ALIGNTO-1)&^(unix.NLA_ALIGNTO-1)):]
		}
	}
}

// typeMask takes NLA_F_NESTED and NLA_F_NET_BYTEORDER off a type.
const typeMask = 0x3fff

// number is an attribute of 4 bytes, and 0 if it has not so many.
func number(v []byte) uint32 {
	if len(v) < 4 {
		return 0
	}
	return binary.LittleEndian.Uint32(v)
}

// name is an attribute that is a text.
func name(v []byte) string { return unix.ByteSliceToString(v) }
