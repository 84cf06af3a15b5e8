package nsexec_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// agree runs a chain on paper and in a process, and compares everything that can be
// seen of them: each result, where it stopped and why, and in a traced image which
// operations were made.
func agree(t testing.TB, ch chain, traced bool) {
	t.Helper()
	k := newPaper(t)
	want, err := prog.Machine{Kernel: k.answer}.Run(ch.program)
	if err != nil || k.invalid != "" {
		t.Fatalf("on paper: %v, %s", err, k.invalid)
	}
	layOut := nsexec.NewImage
	if traced {
		layOut = nsexec.NewTracedImage
	}
	im, err := layOut(ch.program)
	if err != nil {
		t.Fatal(err)
	}
	var files [2]prog.FD
	for i, name := range []string{"results", "file"} {
		fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		files[i] = prog.FD{Num: fd, Name: name}
	}
	p, err := nsexec.Start(nsexec.Config{Image: im, Files: files[:]})
	last := want.Path[len(want.Path)-1]
	if want.Errno != 0 {
		var op *nsexec.OpError
		if !errors.As(err, &op) || op.Index != last || op.Errno != want.Errno {
			t.Fatalf("the process: %v; on paper it stopped at operation %d %v with %v\n%s",
				err, last, ch.program.Op(last), want.Errno, strings.Join(ch.of(last), "\n"))
		}
		return
	}
	if err != nil {
		at := 0
		var op *nsexec.OpError
		if errors.As(err, &op) {
			at = op.Index
		}
		t.Fatalf("the process: %v; on paper it came to its end\n%s", err, strings.Join(ch.of(at), "\n"))
	}
	defer finish(t, p)
	if status := wait(t, p); status != exited(0) {
		t.Fatalf("status %#x", int(status))
	}
	got := make([]byte, 8*len(ch.slots)+8)
	if n, err := unix.Pread(files[0].Num, got, 0); err != nil || n != len(got) {
		t.Fatalf("%d bytes of results, want %d: %v", n, len(got), err)
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(got[8*i:]) }
	for i, slot := range ch.slots {
		if word(i) != want.Results[slot.Index()] {
			at := 0
			for ch.program.Op(at).Out != slot {
				at++
			}
			t.Fatalf("operation %d %v: the process has %d, on paper it is %d\n%s",
				at, ch.program.Op(at), word(i), want.Results[slot.Index()], strings.Join(ch.of(at), "\n"))
		}
	}
	if word(len(ch.slots)) != endOfResults {
		t.Fatal("the end of the results has been overwritten")
	}
	if traced {
		samePath(t, ch, p, want.Path)
	}
}

// samePath compares the operations that were made. Operation 0 has no time.
func samePath(t testing.TB, ch chain, p *nsexec.Process, path []int) {
	t.Helper()
	times, err := p.Trace()
	if err != nil {
		t.Fatal(err)
	}
	made := make([]bool, len(times))
	for _, i := range path {
		made[i] = true
	}
	for i := 1; i < len(times); i++ {
		if (times[i].Before != 0) != made[i] {
			t.Fatalf("operation %d %v: made by the process: %v, on paper: %v\n%s",
				i, ch.program.Op(i), !made[i], made[i], strings.Join(ch.of(i), "\n"))
		}
	}
	// And in this order, of the last time that each was made.
	var last []int
	for i, at := range slices.Backward(path) {
		if at != 0 && !slices.Contains(path[i+1:min(len(path), i+600)], at) {
			last = append(last, at)
		}
	}
	for k := 1; k < len(last); k++ {
		if times[last[k]].Before > times[last[k-1]].Before {
			t.Fatalf("operation %d %v was made after operation %d, on paper before it", last[k], ch.program.Op(last[k]), last[k-1])
		}
	}
}

// TestMachineAndInterpreterAgree runs many small programs, a thousand in a process.
func TestMachineAndInterpreterAgree(t *testing.T) {
	const each = 1000
	chains := 20
	if testing.Short() {
		chains = 3
	}
	begin := time.Now()
	ops, loops := 0, 0
	for i := range chains {
		ch := newChain(t, newChoices(fmt.Append(nil, i)), each)
		agree(t, ch, false)
		ops += ch.program.Len()
		for at := range ch.program.Len() {
			if l := ch.program.Op(at).OnResult; !l.IsZero() && ch.program.Target(l) <= at {
				loops++
			}
		}
	}
	took := time.Since(begin)
	t.Logf("%d programs, %d operations, %d loops in %v: %.0f programs a minute",
		chains*each, ops, loops, took.Round(time.Millisecond), float64(chains*each)/took.Minutes())
}

// TestTracedPathAgrees looks at which operations are made, also those without a result.
func TestTracedPathAgrees(t *testing.T) {
	chains := 20
	if testing.Short() {
		chains = 3
	}
	for i := range chains {
		agree(t, newChain(t, newChoices(fmt.Append(nil, "traced", i)), 500), true)
	}
}

// FuzzInterpreter makes the first of its programs from the fuzzer's bytes and the others
// from numbers that these bytes determine.
func FuzzInterpreter(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("some program"))
	programs := 1000
	if testing.Short() {
		programs = 100
	}
	f.Fuzz(func(t *testing.T, given []byte) {
		agree(t, newChain(t, newChoices(given), programs), false)
	})
}
