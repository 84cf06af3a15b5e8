package nsexec

import (
	"encoding/binary"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// layout writes a program down for the interpreter: its records, and behind them
// the strings and structures that they point to. Everything has its final address
// from the start, so nothing is relocated afterwards. The bytes depend on the
// program, the architecture and the address alone.
type layout struct {
	mem     []byte
	ops     int    // where in mem the records begin
	address uint64 // of mem[ops]
	traced  bool
	strings map[string]uint64
	blocks  map[*prog.Block]uint64
	waiting []chain // by slot
	outs    []out
}

// out is a record whose result goes to a slot.
type out struct {
	record int
	slot   int
}

// chain is the list of the places that wait for a slot's result. Each holds the
// address of the next until it is filled in.
type chain struct {
	first uint64
	end   uint64 // the one that was added first
	maybe uint64 // the place of a Maybe: it goes to the end, since it has to read 0
}

// lay lays the program out at an address, and leaves room bytes free in front of it.
// With a trace, in front of every operation stands one that reads the clock into its
// slot of the report.
func lay(p *prog.Program, arch string, address uint64, room int, traced bool) (*layout, error) {
	n := p.Len()
	if traced {
		n *= 2
	}
	behind := p.Len()*stringsGuess + bufferGuess
	if room == 0 { // not an image, but what comes before it
		behind = birthStrings
	}
	l := &layout{
		mem:     make([]byte, room+n*recordSize, room+n*recordSize+behind),
		ops:     room,
		address: address,
		traced:  traced,
		strings: make(map[string]uint64, p.Len()/2),
		blocks:  make(map[*prog.Block]uint64, p.Len()/3),
		waiting: make([]chain, p.Slots()),
		outs:    make([]out, 0, 2*p.Slots()),
	}
	for i := range p.Len() {
		if err := l.operation(p, i, arch); err != nil {
			return nil, err
		}
	}
	for i := range l.waiting {
		w := &l.waiting[i]
		if w.maybe == 0 {
			continue
		}
		if w.first == 0 {
			w.first = w.maybe
		} else {
			l.put(w.end, 8, w.maybe)
		}
	}
	for _, o := range l.outs {
		l.put(l.field(o.record, offOut), 8, l.waiting[o.slot].first)
	}
	return l, nil
}

// What a program is likely to need behind its records, so that nothing has to grow:
// strings and structures for each operation, and the buffer of getcwd. With that the image
// of the usual container is 32 KiB, which is the largest piece that Go's allocator keeps
// ready; for a larger one it takes a lock.
const (
	stringsGuess = 10
	bufferGuess  = 4<<10 + 256
)

// record is the number of the record that operation i has.
func (l *layout) record(i int) int {
	if l.traced {
		return 2*i + 1
	}
	return i
}

// Offsets of a record's fields; a test holds them against the struct.
const (
	offNr       = 0
	offArgs     = 8
	offOut      = 56
	offTolerate = 64
	offOnError  = 72
	offOnResult = 80
)

// operation writes operation i.
func (l *layout) operation(p *prog.Program, i int, arch string) error {
	op := p.Op(i)
	nr, err := op.Call.Number(arch)
	if err != nil {
		return err
	}
	r := l.record(i)
	l.put(l.field(r, offNr), 8, nr)
	for k, a := range op.Args {
		if a != nil {
			l.value(l.field(r, offArgs+8*k), 8, a)
		}
	}
	// What is not set is 0, as the memory is.
	if op.Tolerate != 0 {
		l.put(l.field(r, offTolerate), 8, uint64(op.Tolerate))
	}
	if !op.OnError.IsZero() {
		l.put(l.field(r, offOnError), 8, l.target(p, op.OnError))
	}
	if !op.OnResult.IsZero() {
		l.put(l.field(r, offOnResult), 8, l.target(p, op.OnResult))
	}
	if !op.Out.IsZero() {
		l.outs = append(l.outs, out{r, op.Out.Index()})
	}
	if !l.traced {
		return nil
	}
	clock, err := prog.ClockGettime.Number(arch)
	if err != nil {
		return err
	}
	l.put(l.field(r-1, offNr), 8, clock)
	l.put(l.field(r-1, offArgs), 8, clockMonotonic)
	l.put(l.field(r-1, offArgs+8), 8, imageReport+traceSlot(i))
	return nil
}

// target is the address of the record to branch to.
func (l *layout) target(p *prog.Program, label prog.Label) uint64 {
	r := l.record(p.Target(label))
	if l.traced {
		r-- // the clock is read first
	}
	return l.field(r, 0)
}

// field is the address of a record's field.
func (l *layout) field(r, offset int) uint64 {
	return l.address + uint64(r*recordSize+offset)
}

// end is the address of the next byte.
func (l *layout) end() uint64 { return l.address + uint64(len(l.mem)-l.ops) }

// bytes is the memory from an address on.
func (l *layout) bytes(at uint64) []byte { return l.mem[uint64(l.ops)+at-l.address:] }

// put writes a number of size bytes at an address.
func (l *layout) put(at uint64, size int, v uint64) {
	if size == 8 {
		binary.LittleEndian.PutUint64(l.bytes(at), v)
		return
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	copy(l.bytes(at)[:size], b[:])
}

// value writes an argument, or the value of a structure's field.
func (l *layout) value(at uint64, size int, a prog.Arg) {
	switch a := a.(type) {
	case prog.Int:
		l.put(at, size, uint64(a))
	case prog.Named:
		l.put(at, size, a.Value)
	case prog.FD:
		l.put(at, size, uint64(int64(a.Num)))
	case prog.Str:
		l.put(at, 8, l.text(string(a)))
	case prog.Bytes:
		l.put(at, 8, l.text(string(a)))
	case prog.Slot:
		w := &l.waiting[a.Index()]
		l.put(at, 8, w.first)
		if w.first = at; w.end == 0 {
			w.end = at
		}
	case prog.Maybe:
		l.waiting[a.Slot.Index()].maybe = at
	case *prog.Block:
		l.put(at, 8, l.block(a))
	case prog.Ref:
		l.put(at, 8, l.block(a.Block)+uint64(a.Offset))
	}
}

// text is the address of a string with a NUL behind it. Equal strings are one.
func (l *layout) text(s string) uint64 {
	if at, ok := l.strings[s]; ok {
		return at
	}
	at := l.end()
	l.mem = append(append(l.mem, s...), 0)
	l.strings[s] = at
	return at
}

// block is the address of a structure, written where it is first met.
func (l *layout) block(b *prog.Block) uint64 {
	if at, ok := l.blocks[b]; ok {
		return at
	}
	for len(l.mem)%8 != 0 {
		l.mem = append(l.mem, 0)
	}
	at := l.end()
	l.blocks[b] = at
	for n := b.Size(); n > 0; n -= min(n, len(zeros)) {
		l.mem = append(l.mem, zeros[:min(n, len(zeros))]...)
	}
	offset := uint64(0)
	for i := range b.Fields {
		f := &b.Fields[i]
		if content, ok := f.Value.(prog.Bytes); ok {
			copy(l.bytes(at+offset), content)
		} else if f.Value != nil {
			l.value(at+offset, f.Size, f.Value)
		}
		offset += uint64(f.Size)
	}
	return at
}

var zeros [256]byte
