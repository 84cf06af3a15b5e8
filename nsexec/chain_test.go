package nsexec_test

import (
	"crypto/sha256"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// choices are the decisions from which programs are made: the bytes that the fuzzer
// gives, and behind them random ones that depend on nothing but those.
type choices struct {
	given []byte
	more  *rand.ChaCha8
}

func newChoices(given []byte) *choices {
	return &choices{given: given, more: rand.NewChaCha8(sha256.Sum256(given))}
}

// below is a number from 0 to n-1.
func (c *choices) below(n int) int {
	if len(c.given) > 0 {
		b := c.given[0]
		c.given = c.given[1:]
		return int(b) % n
	}
	return int(c.more.Uint64() % uint64(n))
}

// oneIn is true once in n times.
func (c *choices) oneIn(n int) bool { return c.below(n) == 0 }

// step is an operation of a small program, which can be put into any builder: labels
// and slots are numbers of steps.
type step struct {
	call              prog.Call
	args              [3]value
	tolerate          unix.Errno
	out               bool
	onError, onResult int // a step, the number of steps for the end, or next
}

const next = -1

// value is an argument: a number, or the result of an earlier step.
type value struct {
	number uint64
	from   int // the step whose result it is, plus one
	isFD   bool
}

// small makes a program of a few steps. Every step that reads a slot can only be reached
// where the slot is written.
func small(c *choices) []step {
	n := 1 + c.below(10)
	steps := make([]step, 0, n+2)
	known := make([][]bool, n+3) // by step: the results that are known on every way to it
	reach := func(to int, results []bool) {
		if known[to] == nil {
			known[to] = slices.Clone(results)
			return
		}
		for i := range results {
			known[to][i] = known[to][i] && results[i]
		}
	}
	known[0] = make([]bool, n+2)
	for len(steps) < n {
		i := len(steps)
		// A loop of two, back by some bytes until there are none. A jump to its second
		// step would be another way to the first, on which less is known.
		if i+2 <= n && known[i+1] == nil && c.oneIn(12) {
			back := step{call: prog.Lseek, onError: i + 2, onResult: next}
			back.args = [3]value{{number: 1, isFD: true}, {number: -uint64(1 + c.below(90))}, {number: unix.SEEK_CUR}}
			steps = append(steps, back, step{call: prog.Gettid, onError: next, onResult: i})
			reach(i+1, known[i])
			reach(i+2, known[i])
			continue
		}
		s := c.step(known[i])
		s.onError, s.onResult = next, next
		if c.oneIn(2) {
			s.onError = i + 1 + c.below(n-i)
		}
		switch {
		case c.oneIn(3):
			s.onResult = i + 1 + c.below(n-i)
		case !s.out && c.oneIn(8): // a loop of one: umask, and a way back to the file's beginning, end
			s.onResult = i
		}
		if s.tolerate == 0 && c.oneIn(4) {
			s.tolerate = []unix.Errno{unix.EBADF, unix.EINVAL, unix.ESRCH, unix.ESPIPE}[c.below(4)]
		}
		steps = append(steps, s)
		without := known[i]
		with := slices.Clone(without)
		with[i] = s.out
		reach(i+1, with)
		if s.tolerate != 0 {
			reach(i+1, without)
		}
		if s.onError != next {
			reach(s.onError, without)
		}
		if s.onResult > i {
			reach(s.onResult, with)
		}
	}
	return steps
}

// step chooses a call and its arguments.
func (c *choices) step(known []bool) step {
	s := step{out: !c.oneIn(4)}
	number := func(n int) value { return value{number: uint64(n)} }
	// a descriptor to use or to change; those below 10 are the chain's own
	some := value{number: uint64([]int{1, 3, 10, 11, 12, 13, 99, -1}[c.below(8)]), isFD: true}
	mine := value{number: uint64(10 + c.below(5)), isFD: true}
	result := func(otherwise value) value {
		var from []int
		for i, ok := range known {
			if ok {
				from = append(from, i+1)
			}
		}
		if len(from) == 0 || c.oneIn(2) {
			return otherwise
		}
		return value{from: from[c.below(len(from))]}
	}
	switch c.below(11) {
	case 0, 1:
		s.call, s.args[0] = prog.Umask, result(number(c.below(0o1000)))
	case 2, 3:
		s.call, s.args = prog.Dup3, [3]value{result(some), mine, number([]int{0, unix.O_CLOEXEC, unix.O_APPEND}[c.below(3)])}
	case 4:
		s.call, s.args[0] = prog.Close, mine
	case 5:
		s.call, s.args = prog.Fcntl, [3]value{result(some), number(unix.F_GETFD)}
	case 6:
		s.call, s.args = prog.Fcntl, [3]value{mine, number(unix.F_SETFD), number(c.below(2))}
	case 7:
		s.call, s.args = prog.Fcntl, [3]value{{number: 1, isFD: true}, number(unix.F_DUPFD_CLOEXEC), result(number(20 + c.below(40)))}
	case 8:
		fd := value{number: uint64([]int{1, 10, 11, 3, 99}[c.below(5)]), isFD: true}
		s.call, s.args = prog.Lseek, [3]value{fd, result(number(c.below(200) - 40)), number([]int{0, 1, 2, 9}[c.below(4)])}
	case 9:
		s.call, s.args = prog.Getpriority, [3]value{number([]int{0, 0, 0, 7}[c.below(4)]), number([]int{0, 0, nobody}[c.below(3)])}
	case 10:
		if c.oneIn(2) {
			s.call, s.args[0] = prog.Personality, number(0xffffffff)
		} else {
			s.call, s.args = prog.Kill, [3]value{number(nobody), number(0)}
		}
	}
	return s
}

// add puts the program into a builder and returns the slots that it fills.
func add(b *prog.Builder, steps []step) []prog.Slot {
	labels := make([]prog.Label, len(steps)+1)
	slots := make([]prog.Slot, len(steps))
	for i := range labels {
		labels[i] = b.Label("step")
	}
	for i, s := range steps {
		b.Bind(labels[i])
		op := prog.Op{Call: s.call, Tolerate: s.tolerate}
		for k, v := range s.args {
			switch {
			case v.from != 0:
				op.Args[k] = slots[v.from-1]
			case v.isFD:
				op.Args[k] = prog.FD{Num: int(int64(v.number))}
			default:
				op.Args[k] = prog.Int(v.number)
			}
		}
		for k := len(op.Args) - 1; k >= 0 && k >= arity[s.call]; k-- {
			op.Args[k] = nil
		}
		if s.out {
			slots[i] = b.Slot("r")
			op.Out = slots[i]
		}
		if s.onError != next {
			op.OnError = labels[s.onError]
		}
		if s.onResult != next {
			op.OnResult = labels[s.onResult]
		}
		b.Add(op)
	}
	b.Bind(labels[len(steps)])
	return slices.DeleteFunc(slots, prog.Slot.IsZero)
}

var arity = map[prog.Call]int{
	prog.Umask: 1, prog.Dup3: 3, prog.Close: 1, prog.Fcntl: 3, prog.Lseek: 3,
	prog.Getpriority: 2, prog.Personality: 1, prog.Kill: 2, prog.Gettid: 0,
}

// mend changes a program until it comes to its end on this kernel, and leaves the kernel
// as it is then: an error that would stop it is followed by the end, and a loop that does
// not end is opened.
func mend(t testing.TB, k *paper, steps []step) {
	t.Helper()
	for range 2*len(steps) + 2 {
		b := &prog.Builder{}
		b.Add(prog.Op{Call: prog.Personality, Args: prog.Args{prog.Int(0xffffffff)}}) // no label may stand at 0
		add(b, steps)
		exit(b, 0)
		p, err := b.Program()
		if err != nil {
			t.Fatalf("%v\n%+v", err, steps)
		}
		try := k.clone()
		run, err := prog.Machine{Kernel: try.answer, Limit: 500}.Run(p)
		switch {
		case err != nil:
			for i := range steps {
				if steps[i].onResult >= 0 && steps[i].onResult <= i && steps[i].call != prog.Gettid {
					steps[i].onResult = next
				}
			}
			// What is left is a loop of two from too far away.
			for i := range steps {
				if steps[i].call == prog.Gettid {
					steps[i].onResult = i + 1
				}
			}
		case run.Errno != 0:
			steps[run.Path[len(run.Path)-1]-1].onError = len(steps)
		default:
			*k = *try
			return
		}
	}
	t.Fatalf("it does not come to its end: %+v", steps)
}

// chain is many small programs, one behind the other, and a block that shows all their
// results when it is written.
type chain struct {
	program *prog.Program
	slots   []prog.Slot
	begin   []int // by small program: its first operation
}

// newChain makes a chain of n programs. The last one may stop at an error.
func newChain(t testing.TB, c *choices, n int) chain {
	t.Helper()
	var ch chain
	b := &prog.Builder{}
	nsexec.Begin(b, 2)
	b.Add(prog.Op{Call: prog.Umask, Args: prog.Args{prog.Int(startMask)}})
	k := newPaper(t)
	for i := range n {
		steps := small(c)
		if i < n-1 || c.oneIn(2) {
			mend(t, k, steps)
		} else {
			for i := range steps { // no loop without an end
				if steps[i].onResult >= 0 && steps[i].onResult <= i {
					steps[i].onResult = next
					if steps[i].call == prog.Gettid {
						steps[i].onResult = i + 1
					}
				}
			}
		}
		ch.begin = append(ch.begin, b.Len())
		ch.slots = append(ch.slots, add(b, steps)...)
	}
	results := &prog.Block{Name: "results"}
	for _, s := range ch.slots {
		results.Fields = append(results.Fields, prog.Field{Size: 8, Value: prog.Maybe{Slot: s}})
	}
	results.Fields = append(results.Fields, prog.Field{Size: 8, Value: prog.Int(endOfResults)})
	// A program may have moved it, through another descriptor.
	b.Add(prog.Op{Call: prog.Lseek, Args: prog.Args{prog.FD{Num: 0, Name: "results"}, prog.Int(0), prog.Int(unix.SEEK_SET)}})
	b.Add(prog.Op{Call: prog.Write, Args: prog.Args{prog.FD{Num: 0, Name: "results"}, results, prog.Int(results.Size())}})
	exit(b, 0)
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	ch.program = p
	return ch
}

const endOfResults = 0x656e64

// of is the small program that operation i belongs to, as text.
func (ch chain) of(i int) (text []string) {
	k, found := slices.BinarySearch(ch.begin, i)
	if !found {
		k--
	}
	if k < 0 {
		return nil
	}
	end := ch.program.Len() - 3
	if k+1 < len(ch.begin) {
		end = ch.begin[k+1]
	}
	for at := ch.begin[k]; at < end; at++ {
		text = append(text, ch.program.Text(at))
	}
	return text
}
