package prog

import (
	"errors"
	"fmt"
	"slices"
)

// Builder collects the operations of a program. Its methods never fail; what is
// wrong is said, all at once, by [Builder.Program]. The zero Builder is ready.
type Builder struct {
	ops    []Op
	labels []label
	slots  []*slot
	slab   []slot // room for slots to come
	names  []used // of slots
	hows   []openHow
	origin string
	errs   []error
}

type label struct {
	name string
	at   int // -1 until bound
}

// used is a name of slots, and how many have it.
type used struct {
	name  string
	times int
}

// Add appends an operation.
func (b *Builder) Add(op Op) {
	if op.Origin == "" {
		op.Origin = b.origin
	}
	b.ops = append(b.ops, op)
}

// From says which line of the configuration the operations that follow come from,
// until it is called again. It is written into every [Op] that has no Origin.
func (b *Builder) From(origin string) { b.origin = origin }

// Slot makes a slot. The name is printed; a second slot of one name gets a number.
func (b *Builder) Slot(name string) Slot {
	if len(b.slab) == 0 {
		b.slab = make([]slot, 8+len(b.slots))
	}
	s := &b.slab[0]
	b.slab = b.slab[1:]
	*s = slot{index: len(b.slots), base: name, number: b.count(name)}
	b.slots = append(b.slots, s)
	return Slot{s}
}

// count is how many slots have a name, with the one to come.
func (b *Builder) count(name string) int {
	for i := range b.names {
		if u := &b.names[i]; u.name == name {
			u.times++
			return u.times
		}
	}
	b.names = append(b.names, used{name, 1})
	return 1
}

// OpenHow is [OpenHow], and for the same values the same block, which then is in the image
// once.
func (b *Builder) OpenHow(flags, mode, resolve uint64) *Block {
	for _, h := range b.hows {
		if h.flags == flags && h.mode == mode && h.resolve == resolve {
			return h.block
		}
	}
	h := openHow{flags, mode, resolve, OpenHow(flags, mode, resolve)}
	b.hows = append(b.hows, h)
	return h.block
}

// openHow is a block of OpenHow, and of what.
type openHow struct {
	flags, mode, resolve uint64
	block                *Block
}

// Label makes a label that is not bound yet. The name appears in errors.
func (b *Builder) Label(name string) Label {
	b.labels = append(b.labels, label{name: name, at: -1})
	return Label{id: len(b.labels)}
}

// Bind makes the label stand for the operation that is added next.
func (b *Builder) Bind(l Label) {
	if l.id < 1 || l.id > len(b.labels) {
		b.errs = append(b.errs, errors.New("a label is bound that this builder did not make"))
		return
	}
	if b.labels[l.id-1].at >= 0 {
		b.errs = append(b.errs, fmt.Errorf("label %q is bound twice", b.labels[l.id-1].name))
		return
	}
	b.labels[l.id-1].at = len(b.ops)
}

// Goto adds a jump. The language has none, so it is a call that always succeeds
// and never with 0: gettid.
func (b *Builder) Goto(l Label, why string) {
	b.Add(Op{Call: Gettid, OnResult: l, Why: why})
}

// Len is the number of operations so far, which is the index of the next one.
func (b *Builder) Len() int { return len(b.ops) }

// Grow makes room for n more operations, for a caller that can guess, and for the labels
// and slots that so many usually have.
func (b *Builder) Grow(n int) {
	if cap(b.ops)-len(b.ops) >= n {
		return
	}
	grown := make([]Op, len(b.ops), len(b.ops)+n)
	copy(grown, b.ops)
	b.ops = grown
	b.labels, b.slots = slices.Grow(b.labels, n/4), slices.Grow(b.slots, n/4)
	b.slab = make([]slot, n/4)
}

// Program checks the operations and returns them as a program. The builder must
// not be used afterwards. The error lists everything that is wrong; its rules are
// those of [Check].
func (b *Builder) Program() (*Program, error) {
	p := &Program{ops: b.ops, slots: b.slots, targets: make([]int, len(b.labels)+1)}
	errs := b.errs
	for i, l := range b.labels {
		p.targets[i+1] = l.at
	}
	used := make([]bool, len(b.labels)+1)
	for i := range p.ops {
		for _, l := range [...]Label{p.ops[i].OnError, p.ops[i].OnResult} {
			if l.IsZero() {
				continue
			}
			if l.id < 0 || l.id > len(b.labels) {
				errs = append(errs, fmt.Errorf("op %d %v: goes on at a label of another builder", i, p.ops[i].Call))
				continue
			}
			used[l.id] = true
		}
	}
	for i, l := range b.labels {
		switch {
		case used[i+1] && l.at < 0:
			errs = append(errs, fmt.Errorf("label %q is used and never bound", l.name))
		case used[i+1] && l.at >= len(b.ops):
			errs = append(errs, fmt.Errorf("label %q is bound behind the last operation", l.name))
		case used[i+1] && l.at == 0:
			errs = append(errs, fmt.Errorf("label %q is bound to operation 0, which is where a program begins and nothing else", l.name))
		}
	}
	if len(errs) == 0 {
		errs = check(p)
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("the program is not valid: %w", errors.Join(errs...))
	}
	*b = Builder{}
	return p, nil
}
