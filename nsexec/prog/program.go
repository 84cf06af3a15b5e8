package prog

// Program is a list of operations that has been checked. It does not change.
type Program struct {
	ops     []Op
	slots   []*slot
	targets []int // by label id; 0 where the label is unset
}

// Len is the number of operations.
func (p *Program) Len() int { return len(p.ops) }

// Op is operation i. It is a copy; what its arguments point to must not be changed.
func (p *Program) Op(i int) Op { return p.ops[i] }

// Target is the index of the operation that a label stands for, and 0 for the zero
// Label: no operation goes on at the first.
func (p *Program) Target(l Label) int { return p.targets[l.id] }

// Slots is the number of slots; the ids of [Slot.Index] are below it.
func (p *Program) Slots() int { return len(p.slots) }

// Index is a number for the slot that is unique in its program, from 0.
func (s Slot) Index() int { return s.index }

// Calls lists the names of the calls in order, one an operation: what two programs
// for different architectures have in common.
func (p *Program) Calls() []string {
	names := make([]string, len(p.ops))
	for i := range p.ops {
		names[i] = p.ops[i].Call.Name()
	}
	return names
}

// way is a way on from an operation. An index of Len means that control runs off the
// end.
type way struct {
	to     int
	stored bool // the result has been stored
}

// next lists the ways on from operation i, in room of the caller's.
func (p *Program) next(i int, room *[4]way) []way {
	op := &p.ops[i]
	n := 0
	add := func(to int, stored bool) {
		room[n] = way{to, stored}
		n++
	}
	ends := calls[op.Call].ends
	if ends == endsProgram {
		return nil
	}
	if ends == returns {
		if op.OnResult.IsZero() || !calls[op.Call].nonzero {
			add(i+1, true)
		}
		if !op.OnResult.IsZero() {
			add(p.targets[op.OnResult.id], true)
		}
	}
	if op.Tolerate != 0 {
		add(i+1, false)
	}
	if !op.OnError.IsZero() {
		add(p.targets[op.OnError.id], false)
	}
	return room[:n]
}

// owns reports whether a slot was made for this program.
func (p *Program) owns(s Slot) bool {
	return s.slot != nil && s.index < len(p.slots) && p.slots[s.index] == s.slot
}
