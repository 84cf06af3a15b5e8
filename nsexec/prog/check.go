package prog

import (
	"fmt"
	"strings"
)

// check is the whole of what makes a program valid:
//
//   - every call is in the table, with as many arguments as it needs and of the
//     kinds that it takes;
//   - no string holds a NUL, every field has its size;
//   - every operation can be reached, and control never runs off the end: the last
//     operation is an exec, an exit or the end of a loop;
//   - on every path a slot is written before it is read, and written once.
func check(p *Program) []error {
	if len(p.ops) == 0 {
		return []error{fmt.Errorf("it has no operation")}
	}
	var errs []error
	maybe := make([]*Field, len(p.slots))
	for i := range p.ops {
		for _, text := range checkOp(p, &p.ops[i], maybe) {
			errs = append(errs, fmt.Errorf("op %d %v: %s", i, p.ops[i].Call, text))
		}
	}
	if len(errs) > 0 {
		return errs
	}
	return checkFlow(p)
}

// checkOp looks at an operation alone.
func checkOp(p *Program, op *Op, maybe []*Field) (wrong []string) {
	if !op.Call.valid() {
		return []string{"not in the table of system calls"}
	}
	params, needed := op.Call.signature(&op.Args)
	n := op.Args.count()
	if n > len(params) {
		wrong = append(wrong, fmt.Sprintf("%d arguments, the call takes %d", n, len(params)))
		n = len(params)
	}
	for i := n; i < needed; i++ {
		if params[i].kind.form == formText {
			wrong = append(wrong, fmt.Sprintf("argument %q is missing", params[i].name))
		}
	}
	for i := range n {
		if !params[i].kind.accepts(op.Args[i]) {
			wrong = append(wrong, fmt.Sprintf("argument %q is a %T, which this parameter does not take", params[i].name, op.Args[i]))
			continue
		}
		wrong = append(wrong, checkArg(p, op.Args[i], 0, maybe)...)
	}
	if !op.Out.IsZero() && !p.owns(op.Out) {
		wrong = append(wrong, "its result goes to a slot of another builder")
	}
	if end := calls[op.Call].ends; end != returns {
		if !op.Out.IsZero() || !op.OnResult.IsZero() {
			wrong = append(wrong, "it never has a result, so Out and OnResult mean nothing")
		}
		if end == endsProgram && (op.Tolerate != 0 || !op.OnError.IsZero()) {
			wrong = append(wrong, "it never fails, so Tolerate and OnError mean nothing")
		}
	}
	return wrong
}

// checkArg looks at an argument and at the memory that it points to. depth is how many
// blocks lead here; maybe holds, by slot, the field that has its Maybe.
func checkArg(p *Program, a Arg, depth int, maybe []*Field) (wrong []string) {
	switch a := a.(type) {
	case Str:
		if strings.IndexByte(string(a), 0) >= 0 {
			wrong = append(wrong, fmt.Sprintf("the string %q holds a NUL: the kernel would see only what stands before it", string(a)))
		}
	case Slot:
		if !p.owns(a) {
			wrong = append(wrong, fmt.Sprintf("slot $%s is of another builder", a.Name()))
		}
	case Ref:
		if a.Block == nil || a.Offset < 0 || a.Offset >= a.Block.Size() {
			return append(wrong, fmt.Sprintf("it points %d bytes into a block that is not that long", a.Offset))
		}
		return checkArg(p, a.Block, depth, maybe)
	case *Block:
		if a == nil {
			return append(wrong, "it points to a block that is nil")
		}
		if depth == maxDepth {
			return append(wrong, "it points to a block that contains itself, or that many others lead to")
		}
		for i := range a.Fields {
			f := &a.Fields[i]
			if text := checkField(f); text != "" {
				wrong = append(wrong, text)
				continue
			}
			if m, ok := f.Value.(Maybe); ok {
				if !p.owns(m.Slot) || maybe[m.Slot.Index()] != nil && maybe[m.Slot.Index()] != f {
					wrong = append(wrong, fmt.Sprintf("slot $%s may stand in one Maybe", m.Slot.Name()))
					continue
				}
				maybe[m.Slot.Index()] = f
			}
			wrong = append(wrong, checkArg(p, f.Value, depth+1, maybe)...)
		}
	}
	return wrong
}

// maxDepth is how deep structures point to structures: no call asks for more than two.
const maxDepth = 8

// maxField bounds a field, so that a program stays a matter of kilobytes.
const maxField = 1 << 20

// checkField holds a field's value against its size.
func checkField(f *Field) string {
	if f.Size < 0 || f.Size > maxField {
		return fmt.Sprintf("field %q: %d bytes is no size", f.Name, f.Size)
	}
	fits := true
	switch v := f.Value.(type) {
	case Int:
		fits = fitsIn(uint64(v), f.Size) || f.Kind == &integer && fitsSigned(int64(v), f.Size)
	case Named:
		fits = fitsIn(v.Value, f.Size)
	case FD:
		fits = f.Size == 4 || f.Size == 8
	case Bytes:
		fits = len(v) <= f.Size
	case Str, Slot, Maybe, *Block, Ref:
		fits = f.Size == 8
	}
	if !fits {
		return fmt.Sprintf("field %q: a %T does not fit into %d bytes", f.Name, f.Value, f.Size)
	}
	return ""
}

// fitsSigned is for a number below 0, whose upper bits are all set.
func fitsSigned(v int64, size int) bool {
	return (size == 1 || size == 2 || size == 4) && v>>(8*size-1) == -1
}

func fitsIn(v uint64, size int) bool {
	switch size {
	case 1, 2, 4:
		return v>>(8*size) == 0
	case 8:
		return true
	}
	return false
}

// set is a set of slots.
type set []uint64

func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// flow is what is known of the slots just before each operation.
type flow struct {
	words   int
	reached []bool
	must    []uint64 // words for each operation: written on every way to it
	may     []uint64 // written on some way to it
}

func (f *flow) mustAt(i int) set { return f.must[i*f.words : (i+1)*f.words] }
func (f *flow) mayAt(i int) set  { return f.may[i*f.words : (i+1)*f.words] }

// checkFlow follows every way through the program until nothing new is learnt. The last
// time it goes through nothing comes back from behind, so what is known of an operation
// when its turn comes is all there is to know; a program without a loop takes one time.
func checkFlow(p *Program) (errs []error) {
	words := (len(p.slots) + 63) / 64
	n := words * len(p.ops)
	known := make([]uint64, 2*n)
	f := &flow{words, make([]bool, len(p.ops)), known[:n], known[n:]}
	f.reached[0] = true
	offEnd := -1
	var room [4]way
	var unwritten []Slot
	for again := true; again; {
		again, errs = false, nil
		for i := range p.ops {
			op := &p.ops[i]
			if !f.reached[i] {
				errs = append(errs, fmt.Errorf("op %d %v: no way leads here", i, op.Call))
				continue
			}
			unwritten = unwritten[:0]
			must := f.mustAt(i)
			for k := range op.Args {
				switch a := op.Args[k].(type) {
				case Slot, *Block, Ref:
					unwritten = must.lacks(a, unwritten)
				}
			}
			for _, s := range unwritten {
				errs = append(errs, fmt.Errorf("op %d %v: slot $%s is read, and there is a way here on which it was not written", i, op.Call, s.Name()))
			}
			if !op.Out.IsZero() && f.mayAt(i).has(op.Out.index) {
				errs = append(errs, fmt.Errorf("op %d %v: slot $%s may have been written before", i, op.Call, op.Out.Name()))
			}
			for _, w := range p.next(i, &room) {
				if w.to >= len(p.ops) {
					offEnd = i
					continue
				}
				out := op.Out
				if !w.stored {
					out = Slot{}
				}
				if f.merge(i, w.to, out) && w.to <= i {
					again = true
				}
			}
		}
	}
	if offEnd >= 0 {
		errs = append(errs, fmt.Errorf("op %d %v: control runs off the end; a program ends in an exec, an exit or a loop", offEnd, p.ops[offEnd].Call))
	}
	return errs
}

// merge adds a way from one operation to another, on which out is written, and
// reports whether that is news.
func (f *flow) merge(from, to int, out Slot) (news bool) {
	must, may := f.mustAt(from), f.mayAt(from)
	all, some := f.mustAt(to), f.mayAt(to)
	known := f.reached[to]
	for w := range f.words {
		bit := uint64(0)
		if !out.IsZero() && out.index/64 == w {
			bit = 1 << (out.index % 64)
		}
		a, s := must[w]|bit, may[w]|bit|some[w]
		if known {
			a &= all[w]
		}
		news = news || a != all[w] || s != some[w]
		all[w], some[w] = a, s
	}
	f.reached[to] = true
	return news || !known
}

// lacks adds the slots whose values an argument needs and that are not in the set.
func (s set) lacks(a Arg, list []Slot) []Slot {
	switch a := a.(type) {
	case Slot:
		if !s.has(a.index) {
			list = append(list, a)
		}
	case Ref:
		return s.lacks(a.Block, list)
	case *Block:
		for i := range a.Fields {
			if v := a.Fields[i].Value; v != nil {
				list = s.lacks(v, list)
			}
		}
	}
	return list
}
