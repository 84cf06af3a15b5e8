package container_test

import (
	"github.com/selfcontain/runtime/nsexec/prog"
)

// rebuild makes a program again, with each operation replaced by what edit makes of
// it: nothing, itself, or several. What went on at an operation goes on at the first
// of its replacements, or at what follows if there are none.
func rebuild(p *prog.Program, edit func(i int, op prog.Op) []prog.Op) (*prog.Program, error) {
	return rebuildInto(&prog.Builder{}, p, edit)
}

// rebuildInto is rebuild with a builder that may have slots for what edit adds. The
// operations that edit sees have slots of this builder.
func rebuildInto(b *prog.Builder, p *prog.Program, edit func(i int, op prog.Op) []prog.Op) (*prog.Program, error) {
	m := mover{b, map[prog.Slot]prog.Slot{}, map[*prog.Block]*prog.Block{}}
	labels := make([]prog.Label, p.Len())
	for i := range p.Len() {
		op := p.Op(i)
		for _, to := range []int{p.Target(op.OnError), p.Target(op.OnResult)} {
			if to != 0 && labels[to].IsZero() {
				labels[to] = b.Label("op")
			}
		}
	}
	for i := range p.Len() {
		if !labels[i].IsZero() {
			b.Bind(labels[i])
		}
		op := p.Op(i)
		op.Out = m.slot(op.Out)
		for k, a := range op.Args {
			op.Args[k] = m.arg(a)
		}
		op.OnError, op.OnResult = labels[p.Target(op.OnError)], labels[p.Target(op.OnResult)]
		for _, op := range edit(i, op) {
			b.Add(op)
		}
	}
	return b.Program()
}

// mover takes slots from one program to another.
type mover struct {
	b      *prog.Builder
	slots  map[prog.Slot]prog.Slot
	blocks map[*prog.Block]*prog.Block
}

func (m mover) slot(s prog.Slot) prog.Slot {
	if s.IsZero() {
		return s
	}
	if _, known := m.slots[s]; !known {
		m.slots[s] = m.b.Slot(s.Name())
	}
	return m.slots[s]
}

// arg is the argument with the slots of the new program. A block stays one block,
// however many operations use it.
func (m mover) arg(a prog.Arg) prog.Arg {
	switch a := a.(type) {
	case prog.Slot:
		return m.slot(a)
	case prog.Ref:
		return prog.Ref{Block: m.arg(a.Block).(*prog.Block), Offset: a.Offset}
	case *prog.Block:
		if _, known := m.blocks[a]; !known {
			b := *a
			b.Fields = append([]prog.Field(nil), a.Fields...)
			m.blocks[a] = &b
			for i := range b.Fields {
				b.Fields[i].Value = m.arg(b.Fields[i].Value)
			}
		}
		return m.blocks[a]
	}
	return a
}
