package container_test

import (
	"github.com/selfcontain/runtime/nsexec/prog"
)

// rebuild makes a program again, with each operation replaced by what edit makes of
// it: nothing, itself, or several. What went on at an operation goes on at the first
// of its replacements, or at what follows if there are none.
func rebuild(p *prog.Program, edit func(i int, op prog.Op) []prog.Op) (*prog.Program, error) {
	b := &prog.Builder{}
	for range p.Slots() {
		b.Slot("slot") // slots are known by their number, so the old ones are good here
	}
	return rebuildInto(b, p, edit)
}

// rebuildInto is rebuild with a builder that has the program's slots already, and
// perhaps more.
func rebuildInto(b *prog.Builder, p *prog.Program, edit func(i int, op prog.Op) []prog.Op) (*prog.Program, error) {
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
		op.OnError, op.OnResult = labels[p.Target(op.OnError)], labels[p.Target(op.OnResult)]
		for _, op := range edit(i, op) {
			b.Add(op)
		}
	}
	return b.Program()
}
