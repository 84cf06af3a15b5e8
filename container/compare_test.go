package container_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// written is a program with the text of every argument, as a plan shows it.
type written struct {
	program *prog.Program
	args    [][]string
}

func write(t testing.TB, p *prog.Program) written {
	t.Helper()
	w, err := writeDown(p)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func writeDown(p *prog.Program) (written, error) {
	w := written{program: p}
	text, err := json.Marshal(p)
	if err != nil {
		return w, err
	}
	var ops []struct{ Args []string }
	if err := json.Unmarshal(text, &ops); err != nil {
		return w, err
	}
	for _, op := range ops {
		w.args = append(w.args, op.Args)
	}
	return w, nil
}

// process is what is known of the process that is followed.
type process struct {
	calls   []traced
	at      int   // the next call
	path    []int // the operations of the program followed last, as they were made
	slots   map[int]uint64
	sources map[string]uint64
	buffers map[*prog.Block]value
}

// follow holds the calls that strace saw against a program: the same ones in the same
// order with the same arguments, going on at each outcome as the program says. It
// returns at the call that ends the program, which is an execve that succeeded, an
// exit, or an error that the program does not go on from.
func (pr *process) follow(w written) error {
	pr.slots = map[int]uint64{}
	return pr.followFrom(w, 0)
}

// followFrom follows a program from an operation on, with the results that are known.
func (pr *process) followFrom(w written, i int) error {
	slots := pr.slots
	pr.path = nil
	for ; ; pr.at++ {
		pr.path = append(pr.path, i)
		op := w.program.Op(i)
		if pr.at >= len(pr.calls) {
			return fmt.Errorf("the plan goes on with op %d, %s, and strace saw no more", i, w.program.Text(i))
		}
		call := pr.calls[pr.at]
		if err := pr.same(op, w.args[i], call, slots); err != nil {
			return fmt.Errorf("op %d: %w\nplan:   %s\nstrace: %s", i, err, w.program.Text(i), call.line)
		}
		switch {
		case call.none: // an exit
			pr.at++
			return nil
		case call.errno == "" && (op.Call == prog.Execve || op.Call == prog.Execveat):
			pr.at++
			return nil
		case call.errno == "":
			if !op.Out.IsZero() {
				slots[op.Out.Index()] = call.result
			}
			if call.result != 0 && !op.OnResult.IsZero() {
				i = w.program.Target(op.OnResult)
			} else {
				i++
			}
		case op.Tolerate != 0 && prog.ErrnoName(op.Tolerate) == call.errno:
			i++
		case !op.OnError.IsZero():
			i = w.program.Target(op.OnError)
		default:
			pr.at++
			return pr.stopped(i)
		}
	}
}

// stopped is after an error that the program does not go on from: the interpreter
// ends the process, and nothing comes in between.
func (pr *process) stopped(i int) error {
	const want = "exit_group(125)"
	if pr.at >= len(pr.calls) || !strings.HasPrefix(pr.calls[pr.at].line, want) {
		return fmt.Errorf("op %d failed, the plan does not tolerate that, and the process went on", i)
	}
	pr.at++
	return nil
}

// same compares a call.
func (pr *process) same(op prog.Op, args []string, call traced, slots map[int]uint64) error {
	if op.Call.Name() != call.name {
		return fmt.Errorf("another call")
	}
	if call.none && strings.Contains(call.line, "<unfinished ...>") {
		return nil // the process was killed in it, and strace has not seen all arguments
	}
	if call.name == "mknodat" && len(args) == 4 && len(call.args) == 3 && args[3] == "makedev(0, 0)" {
		args = args[:3] // strace leaves the number out where the file is no device
	}
	if len(args) != len(call.args) {
		return fmt.Errorf("%d arguments in the plan, and %d seen", len(args), len(call.args))
	}
	for k, text := range args {
		if err := pr.sameArg(op.Args[k], text, call.args[k], slots); err != nil {
			return fmt.Errorf("argument %d: %w", k, err)
		}
	}
	return nil
}

// sameArg compares an argument: descriptors by their numbers, which are those that
// earlier calls had as their results, and everything else by the text of the plan.
func (pr *process) sameArg(arg prog.Arg, text string, got value, slots map[int]uint64) error {
	switch a := arg.(type) {
	case prog.Slot:
		n, ok := slots[a.Index()]
		if !ok {
			return fmt.Errorf("$%s has no value yet", a.Name())
		}
		return sameNumber(n, got)
	case prog.FD:
		if a.Num >= 0 {
			return sameNumber(uint64(a.Num), got)
		}
		n, err := strconv.ParseUint(fmt.Sprint(got), 10, 64)
		if err != nil {
			return fmt.Errorf("%v is no descriptor", got)
		}
		if before, ok := pr.sources[a.Name]; ok && before != n {
			return fmt.Errorf("%s was descriptor %d before", a.Name, before)
		}
		pr.sources[a.Name] = n
		return nil
	case prog.Ref:
		return pr.samePlace(a, got)
	case *prog.Block:
		if b, ok := bytesOf(a, slots); ok {
			text = strconv.Quote(b)
		}
		if a.Name == "" {
			break
		}
		// strace shows what the call has written into a buffer, or its address.
		address, ok := got.(set)
		if !ok {
			return nil
		}
		if before, ok := pr.buffers[a]; ok && before != address {
			return fmt.Errorf("&%s was at %v before", a.Name, before)
		}
		pr.buffers[a] = address
		return nil
	}
	want, err := parseValue(text)
	if err != nil {
		return err
	}
	if b, ok := arg.(*prog.Block); ok {
		want = withResults(want, resultsOf(b, slots))
	}
	return sameValue(want, got)
}

// resultsOf are the results of earlier calls that a block points to, by their names in
// the text of the plan.
func resultsOf(b *prog.Block, slots map[int]uint64) map[set]uint64 {
	results := map[set]uint64{}
	for _, f := range b.Fields {
		switch v := f.Value.(type) {
		case prog.Slot:
			results[set("$"+v.Name())] = slots[v.Index()]
		case *prog.Block:
			maps.Copy(results, resultsOf(v, slots))
		}
	}
	return results
}

// withResults is a value of the plan with results in the places of their names.
func withResults(v value, results map[set]uint64) value {
	switch v := v.(type) {
	case set:
		if n, ok := results[v]; ok {
			return set(strconv.FormatUint(n, 10))
		}
	case list:
		for i := range v {
			v[i] = withResults(v[i], results)
		}
	case fields:
		for i := range v {
			v[i].value = withResults(v[i].value, results)
		}
	}
	return v
}

// samePlace compares an address inside a buffer with those that were seen before.
func (pr *process) samePlace(a prog.Ref, got value) error {
	n, err := strconv.ParseUint(fmt.Sprint(got), 10, 64)
	if err != nil {
		return fmt.Errorf("%v is no address", got)
	}
	start := set(strconv.FormatUint(n-uint64(a.Offset), 10))
	if before, ok := pr.buffers[a.Block]; ok && before != value(start) {
		return fmt.Errorf("&%s was at %v before", a.Block.Name, before)
	}
	pr.buffers[a.Block] = start
	return nil
}

// bytesOf is the content of a block that has results of earlier calls in it.
func bytesOf(b *prog.Block, slots map[int]uint64) (string, bool) {
	var out []byte
	found := false
	for _, f := range b.Fields {
		s, ok := f.Value.(prog.Slot)
		if !ok {
			return "", false
		}
		found = true
		out = binary.LittleEndian.AppendUint64(out, slots[s.Index()])
	}
	return string(out), found
}

func sameNumber(want uint64, got value) error {
	if got != value(set(strconv.FormatUint(want, 10))) {
		return fmt.Errorf("%d in the plan, %v seen", want, got)
	}
	return nil
}

func sameValue(want, got value) error {
	differ := fmt.Errorf("%#v in the plan, %#v seen", want, got)
	switch w := want.(type) {
	case list:
		g, ok := got.(list)
		if !ok || len(w) != len(g) {
			return differ
		}
		for i := range w {
			if err := sameValue(w[i], g[i]); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	case fields:
		g, ok := got.(fields)
		if !ok || len(w) != len(g) {
			return differ
		}
		for i := range w {
			if w[i].name != g[i].name {
				return differ
			}
			if err := sameValue(w[i].value, g[i].value); err != nil {
				return fmt.Errorf("%s: %w", w[i].name, err)
			}
		}
		return nil
	}
	if want != got {
		return differ
	}
	return nil
}

// holds reports whether a text holds part anywhere in a value.
func holds(v value, part string) bool {
	switch v := v.(type) {
	case text:
		return strings.Contains(string(v), part)
	case list:
		for _, e := range v {
			if holds(e, part) {
				return true
			}
		}
	case fields:
		for _, f := range v {
			if holds(f.value, part) {
				return true
			}
		}
	}
	return false
}
