package nsexec

import (
	"testing"
	"unsafe"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// TestRecordLayout holds the numbers that the layout is written with against the
// structures from which the assembler takes its own.
func TestRecordLayout(t *testing.T) {
	rows := []struct {
		name      string
		got, want uintptr
	}{
		{"nr", offNr, unsafe.Offsetof(record{}.nr)},
		{"args", offArgs, unsafe.Offsetof(record{}.args)},
		{"out", offOut, unsafe.Offsetof(record{}.out)},
		{"tolerate", offTolerate, unsafe.Offsetof(record{}.tolerate)},
		{"onerror", offOnError, unsafe.Offsetof(record{}.onerror)},
		{"onresult", offOnResult, unsafe.Offsetof(record{}.onresult)},
		{"record", recordSize, unsafe.Sizeof(record{})},
		{"report", reportSize, unsafe.Sizeof(report{})},
	}
	for _, row := range rows {
		if row.got != row.want {
			t.Errorf("%s: %d is written, the compiler says %d", row.name, row.got, row.want)
		}
	}
	if traceOffset < reportSize || traceSlot(traceLimit) > reportMapping {
		t.Errorf("the times lie at %d to %d, the report has %d bytes with %d for its head", traceOffset, traceSlot(traceLimit), reportMapping, reportSize)
	}
}

// TestUntrustedSteps has numbers that no image writes.
func TestUntrustedSteps(t *testing.T) {
	im := testImage(t)
	n := uint64(im.program.Len())
	rows := []struct {
		name string
		step uint64
		at   int
		ok   bool
	}{
		{"the first", imageOps, 0, true},
		{"the last", imageOps + (n-1)*recordSize, int(n) - 1, true},
		{"one behind the last", imageOps + n*recordSize, 0, false},
		{"between two", imageOps + 8, 0, false},
		{"below the first", imageOps - recordSize, 0, false},
		{"nothing", 0, 0, false},
		{"the last number of all", ^uint64(0), 0, false},
	}
	for _, row := range rows {
		if at, ok := im.outline().operation(row.step); at != row.at || ok != row.ok {
			t.Errorf("%s, %#x: %d %v, want %d %v", row.name, row.step, at, ok, row.at, row.ok)
		}
	}
}

func testImage(t *testing.T) *Image {
	t.Helper()
	b := &prog.Builder{}
	Begin(b, 0)
	b.Add(prog.Op{Call: prog.ExitGroup, Args: prog.Args{prog.Int(0)}})
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	im, err := NewImage(p)
	if err != nil {
		t.Fatal(err)
	}
	return im
}
