package prog

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// bytesIn hands out the fuzzer's bytes; when they are used up, zeros.
type bytesIn []byte

func (b *bytesIn) next() byte {
	if len(*b) == 0 {
		return 0
	}
	v := (*b)[0]
	*b = (*b)[1:]
	return v
}

// randomProgram makes operations of every kind of ending, with slots as arguments,
// in fields and in Maybes. Any of them may go on at any other but the first, mostly
// at one that follows soon.
func randomProgram(in *bytesIn) *Builder {
	b := new(Builder)
	n := 1 + int(in.next()%20)
	var slots [4]Slot
	for i := range slots {
		slots[i] = b.Slot(string(rune('a' + i)))
	}
	labels := make([]Label, n+1)
	for i := range labels {
		labels[i] = b.Label(string(rune('A' + i)))
	}
	target := func(i int) (l Label) {
		switch v := int(in.next()); {
		case v%4 == 1:
			l = labels[min(n, i+1+v/4%4)]
		case v%32 == 2 && n > 1:
			l = labels[1+v/32%(n-1)]
		}
		return l
	}
	out := func() (s Slot) {
		if v := int(in.next()); v%4 == 1 {
			s = slots[v/4%len(slots)]
		}
		return s
	}
	some := func() Slot { return slots[int(in.next())%len(slots)] }
	for i := range n {
		if i > 0 {
			b.Bind(labels[i])
		}
		op := Op{OnError: target(i)}
		if in.next()%4 == 1 {
			op.Tolerate = unix.EEXIST
		}
		switch v := in.next() % 32; {
		case v < 8:
			op.Call, op.Args, op.Out, op.OnResult = Umask, Args{Int(in.next())}, out(), target(i)
		case v < 14:
			op.Call, op.Out, op.OnResult = Gettid, out(), target(i)
		case v < 22:
			op.Call, op.Args, op.OnResult = Close, Args{some()}, target(i)
		case v < 28:
			bl := &Block{Fields: []Field{{Size: 8, Value: some()}, {Size: 8}}}
			if v == 22 {
				bl.Fields[1].Value = Maybe{some()}
			}
			op.Call, op.Args = Write, Args{Int(1), bl, Int(16)}
		case v == 28:
			op = Op{Call: Exit, Args: Args{Int(0)}}
		case v == 29:
			op.Call, op.Args = RtSigsuspend, Args{Sigset(0), Int(8)}
		default:
			op.Call, op.Args = Execve, Args{Str("/x")}
		}
		b.Add(op)
	}
	b.Bind(labels[n])
	b.Add(Op{Call: Exit, Args: Args{Int(0)}})
	return b
}

// follow sends a program on the way that the bytes say, as the kernel's answers, and
// fails where it does what check has excluded.
func follow(t *testing.T, p *Program, in *bytesIn) {
	written := map[int]bool{}
	kernel := func(i int, op Op, v [6]uint64) (uint64, unix.Errno) {
		for k, a := range op.Args {
			for _, s := range make(set, p.Slots()/64+1).lacks(a, nil) {
				if !written[s.Index()] {
					t.Fatalf("op %d reads $%s, which was not written:\n%v", i, s.Name(), p)
				}
			}
			if s, ok := a.(Slot); ok && v[k] != 100+uint64(s.Index()) {
				t.Fatalf("op %d gets %d for $%s:\n%v", i, v[k], s.Name(), p)
			}
		}
		answer := in.next()
		result := uint64(answer / 4 % 2)
		if !op.Out.IsZero() {
			result = 100 + uint64(op.Out.Index())
		} else if calls[op.Call].nonzero {
			result = 1
		}
		errno := []unix.Errno{0, 0, unix.EEXIST, unix.EPERM}[answer%4]
		if op.Call == RtSigsuspend && errno == 0 {
			errno = unix.EINTR // it never succeeds
		}
		if errno == 0 && !op.Out.IsZero() {
			if written[op.Out.Index()] {
				t.Fatalf("op %d writes $%s for the second time:\n%v", i, op.Out.Name(), p)
			}
			written[op.Out.Index()] = true
		}
		return result, errno
	}
	run, err := Machine{Kernel: kernel, Limit: 200}.Run(p)
	if err != nil && !errors.Is(err, ErrLimit) {
		t.Fatal(err)
	}
	last := p.Op(run.Path[len(run.Path)-1])
	if ends := calls[last.Call].ends; err == nil && run.Errno == 0 && ends != endsProgram && ends != endsOnSuccess {
		t.Fatalf("it ends in %v:\n%v", last, p)
	}
}

// FuzzProgram: what check says of a program holds on every way that a kernel can
// send it. The bytes are a program and then the answers of the kernel.
func FuzzProgram(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x01\x00\x00\x09\x01\x00\x00\x00\x10\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := bytesIn(data)
		p, err := randomProgram(&in).Program()
		if err != nil {
			return
		}
		follow(t, p, &in)
		if _, err := p.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestRandomPrograms is the same without a fuzzer, and shows that enough of the
// programs are valid for it to mean something.
func TestRandomPrograms(t *testing.T) {
	valid := 0
	state := uint32(1)
	for range 20000 {
		data := make(bytesIn, 300)
		for i := range data {
			state = state*1664525 + 1013904223
			data[i] = byte(state >> 24)
		}
		p, err := randomProgram(&data).Program()
		if err != nil {
			continue
		}
		if p.Len() > 3 {
			valid++
		}
		answers := data
		for range 8 {
			follow(t, p, &answers)
		}
	}
	if valid < 50 {
		t.Errorf("%d of 20000 random programs are valid and longer than 3 operations", valid)
	}
}
