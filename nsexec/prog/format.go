package prog

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Format prints the program: %v (or %s) one line an operation, with its index, the
// call as strace writes it and what it is for; %+v with the configuration line,
// the hint and the manual page below each.
func (p *Program) Format(f fmt.State, verb rune) {
	width := 0
	lines := make([]string, p.Len())
	for i := range lines {
		lines[i] = p.Text(i)
		if n := len(lines[i]); n > width && n <= 100 {
			width = n
		}
	}
	for i, line := range lines {
		if why := p.ops[i].Why; why != "" {
			fmt.Fprintf(f, "%3d  %-*s  # %s\n", i, width, line, why)
		} else {
			fmt.Fprintf(f, "%3d  %s\n", i, line)
		}
		if f.Flag('+') && verb == 'v' {
			op := &p.ops[i]
			if op.Origin != "" {
				fmt.Fprintf(f, "       from %s\n", op.Origin)
			}
			if op.Hint != "" {
				fmt.Fprintf(f, "       a failure most likely means: %s\n", op.Hint)
			}
			fmt.Fprintf(f, "       man 2 %s\n", op.Call.Name())
		}
	}
}

// Text is operation i without its comment: the slot that it fills, the call, and
// where it goes on when that is not the next operation.
func (p *Program) Text(i int) string {
	op := &p.ops[i]
	b := make([]byte, 0, 96)
	if !op.Out.IsZero() {
		b = append(b, '$')
		b = append(b, op.Out.Name()...)
		b = append(b, " = "...)
	}
	b = op.appendCall(b)
	if op.Tolerate != 0 {
		b = append(b, "; "...)
		b = append(b, ErrnoName(op.Tolerate)...)
		b = append(b, " is fine"...)
	}
	if !op.OnError.IsZero() {
		b = fmt.Appendf(b, "; error: go to %d", p.Target(op.OnError))
	}
	if !op.OnResult.IsZero() {
		b = fmt.Appendf(b, "; result: go to %d", p.Target(op.OnResult))
	}
	return string(b)
}

// String is the call with its arguments as strace writes it.
func (op Op) String() string { return string(op.appendCall(nil)) }

// Append appends what String returns.
func (op Op) Append(b []byte) []byte { return op.appendCall(b) }

func (op *Op) appendCall(b []byte) []byte {
	b = append(b, op.Call.Name()...)
	b = append(b, '(')
	if op.Call.valid() {
		params, needed := op.Call.signature(&op.Args)
		for i := range max(needed, op.Args.count()) {
			if i > 0 {
				b = append(b, ", "...)
			}
			kind := &address
			if i < len(params) {
				kind = params[i].kind
			}
			b = appendArg(b, kind, op.Args[i])
		}
	}
	return append(b, ')')
}

// ErrnoName is the error's name in the manual, such as "ENOENT".
func ErrnoName(errno unix.Errno) string {
	if n := unix.ErrnoName(errno); n != "" {
		return n
	}
	return strconv.Itoa(int(errno))
}

func appendArg(b []byte, k *Kind, a Arg) []byte {
	switch a := a.(type) {
	case nil:
		return appendNumber(b, k, 0)
	case Int:
		return appendNumber(b, k, uint64(a))
	case Named:
		return append(b, a.Text...)
	case FD:
		if a.Num >= 0 || a.Name == "" {
			b = strconv.AppendInt(b, int64(a.Num), 10)
		}
		if a.Name != "" {
			b = append(append(append(b, '<'), a.Name...), '>')
		}
		return b
	case Str:
		return strconv.AppendQuote(b, string(a))
	case Bytes:
		return strconv.AppendQuote(b, string(a))
	case Slot:
		return append(append(b, '$'), a.Name()...)
	case Maybe:
		return append(append(b, "?$"...), a.Slot.Name()...)
	case Ref:
		b = appendArg(b, &pointer, a.Block)
		if a.Offset != 0 {
			b = fmt.Appendf(b, "+%d", a.Offset)
		}
		return b
	case *Block:
		return appendBlock(b, a)
	}
	return append(b, '?')
}

func appendBlock(b []byte, bl *Block) []byte {
	if bl.Name != "" {
		return append(append(b, '&'), bl.Name...)
	}
	if bl.Hidden {
		return append(b, "..."...)
	}
	if bl.Bits {
		return appendBits(b, bl.Fields)
	}
	named := false
	fields := bl.Fields
	for i := range fields {
		named = named || fields[i].Name != ""
	}
	left, right := "", ""
	switch {
	case bl.Array:
		left, right = "[", "]"
		if n := len(fields); n > 0 && fields[n-1].Value == nil {
			fields = fields[:n-1]
		}
	case named:
		left, right = "{", "}"
	}
	b = append(b, left...)
	first := true
	for i := range fields {
		f := &fields[i]
		if named && f.Name == "" || f.Quiet && (f.Value == nil || f.Value == Arg(Int(0))) {
			continue
		}
		if !first {
			b = append(b, ", "...)
		}
		first = false
		if f.Name != "" {
			b = append(append(b, f.Name...), '=')
		}
		if text, ok := f.Value.(Bytes); ok {
			b = strconv.AppendQuote(b, cString(string(text)))
			continue
		}
		if f.Kind != nil && f.Kind.listed {
			b = append(appendArg(append(b, '['), f.Kind, f.Value), ']')
			continue
		}
		b = appendArg(b, f.Kind, f.Value)
	}
	return append(b, right...)
}

// cString is a text up to its first NUL.
func cString(s string) string {
	for i := range len(s) {
		if s[i] == 0 {
			return s[:i]
		}
	}
	return s
}

func appendNumber(b []byte, k *Kind, v uint64) []byte {
	if k == nil {
		k = &address
	}
	switch k.form {
	case formInt:
		return strconv.AppendInt(b, int64(v), 10)
	case formUint:
		return appendUnsigned(b, v)
	case formFD:
		if int32(v) == unix.AT_FDCWD {
			return append(b, "AT_FDCWD"...)
		}
		return strconv.AppendInt(b, int64(int32(v)), 10)
	case formText, formPointer:
		if v == 0 {
			return append(b, "NULL"...)
		}
		return fmt.Appendf(b, "%#x", v)
	case formFlags:
		return appendFlags(b, k.names, v)
	case formOpen:
		return appendOpen(b, k.like.names, v)
	case formID:
		if uint32(v) == ^uint32(0) { // "leave it", which C writes as -1
			return append(b, "-1"...)
		}
		return strconv.AppendUint(b, v, 10)
	case formEnum:
		for _, n := range k.names {
			if n.value == v {
				return append(b, n.name...)
			}
		}
		if k == &signals {
			return appendRealTime(b, v)
		}
		return appendUnsigned(b, v)
	case formOctal:
		return appendMode(b, v)
	case formFileType:
		return appendFileType(b, v)
	case formDevice:
		b = appendHex(append(b, "makedev("...), uint64(unix.Major(v)))
		return append(appendHex(append(b, ", "...), uint64(unix.Minor(v))), ')')
	case formSigset:
		return appendSigset(b, v)
	case formRlimit:
		if v == unix.RLIM_INFINITY {
			return append(b, "RLIM64_INFINITY"...)
		}
		return strconv.AppendUint(b, v, 10)
	case formIoprio:
		return appendIOPriority(b, v)
	case formMempolicy:
		return appendMemoryPolicy(b, v)
	}
	return appendHex(b, v)
}

// appendHex writes a zero without 0x, as C does.
func appendHex(b []byte, v uint64) []byte {
	if v == 0 {
		return append(b, '0')
	}
	return fmt.Appendf(b, "%#x", v)
}

// appendRealTime writes a real-time signal as strace does. SIGRTMIN is that of the
// kernel; libc keeps the first two for itself.
func appendRealTime(b []byte, v uint64) []byte {
	switch {
	case v == 32:
		return append(b, "SIGRTMIN"...)
	case v > 32 && v <= 64:
		return fmt.Appendf(b, "SIGRT_%d", v-32)
	}
	return appendUnsigned(b, v)
}

// appendUnsigned writes ~0 as strace does, for "to the last one".
func appendUnsigned(b []byte, v uint64) []byte {
	switch v {
	case 0xffffffff:
		return append(b, "~0U"...)
	case 0xffffffffffffffff:
		return append(b, "~0UL"...)
	}
	return strconv.AppendUint(b, v, 10)
}

// appendMode writes at least three digits, the first of them 0: 0755, 022, 000.
func appendMode(b []byte, v uint64) []byte {
	if v < 0o10 {
		b = append(b, '0')
	}
	if v == 0 {
		return append(b, "00"...)
	}
	return fmt.Appendf(b, "%#o", v)
}

func appendFileType(b []byte, v uint64) []byte {
	for _, n := range fileTypes {
		if v&unix.S_IFMT == n.value {
			b = append(append(b, n.name...), '|')
		}
	}
	for _, n := range specialBits {
		if v&n.value != 0 {
			b = append(append(b, n.name...), '|')
		}
	}
	return appendMode(b, v&^(unix.S_IFMT|0o7000))
}

var (
	fileTypes   = []name{{unix.S_IFREG, "S_IFREG"}, {unix.S_IFCHR, "S_IFCHR"}, {unix.S_IFBLK, "S_IFBLK"}, {unix.S_IFIFO, "S_IFIFO"}}
	specialBits = []name{{unix.S_ISUID, "S_ISUID"}, {unix.S_ISGID, "S_ISGID"}, {unix.S_ISVTX, "S_ISVTX"}}
)

// appendSigset writes a set of signals: [] is the empty one. As in strace, one with two
// thirds of all signals is written as what it lacks: ~[] is all of them.
func appendSigset(b []byte, v uint64) []byte {
	if bits.OnesCount64(v) >= 64*2/3 {
		b, v = append(b, '~'), ^v
	}
	b = append(b, '[')
	for sig := 1; sig <= 64; sig++ {
		if v&(1<<(sig-1)) == 0 {
			continue
		}
		if b[len(b)-1] != '[' {
			b = append(b, ' ')
		}
		b = append(b, strings.TrimPrefix(string(appendNumber(nil, &signals, uint64(sig))), "SIG")...)
	}
	return append(b, ']')
}

// appendFlags writes the names of the bits. A name for several bits, such as
// O_TMPFILE, is taken where all of them are set, instead of the names of some of them.
func appendFlags(b []byte, names []name, v uint64) []byte {
	whole := uint64(0)
	for _, n := range names {
		if several := n.value&(n.value-1) != 0; several && v&n.value == n.value {
			whole |= n.value
		}
	}
	sep := ""
	for _, n := range names {
		several := n.value&(n.value-1) != 0
		if n.value == 0 || v&n.value != n.value || !several && whole&n.value != 0 {
			continue
		}
		b = append(append(b, sep...), n.name...)
		v &^= n.value
		sep = "|"
	}
	if v != 0 {
		return fmt.Appendf(append(b, sep...), "%#x", v)
	}
	if sep != "" {
		return b
	}
	for _, n := range names {
		if n.value == 0 { // no bit at all has a name, such as F_OK
			return append(b, n.name...)
		}
	}
	return append(b, '0')
}

// appendOpen writes the flags of open(2), in which the lowest two bits are a number:
// O_RDONLY is 0.
func appendOpen(b []byte, names []name, v uint64) []byte {
	if v&unix.O_ACCMODE == unix.O_RDONLY {
		if b = append(b, "O_RDONLY"...); v == 0 {
			return b
		}
		b = append(b, '|')
	}
	return appendFlags(b, names, v)
}

// CloneFlags is the text of clone3's flags.
func CloneFlags(flags uint64) string { return string(appendNumber(nil, &cloneFlags, flags)) }

// Brief is the call with the words that tell it from others, for an error: strings,
// slots and named descriptors, without flags, structures and lists.
func (op Op) Brief() string {
	b := []byte(op.Call.Name())
	for _, a := range op.Args {
		switch a := a.(type) {
		case Str:
			if a != "" {
				b = appendArg(append(b, ' '), &text, a)
			}
		case Slot, Named:
			b = appendArg(append(b, ' '), &fd, a)
		case FD:
			b = appendArg(append(b, ' '), &fd, a)
		}
	}
	return string(b)
}
