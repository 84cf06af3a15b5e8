package nsexec_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

func monotonic(t *testing.T) time.Duration {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// TestTrace holds the times against what the program must have done: a loop, a branch
// after a result, one after an error, and operations that are passed by.
func TestTrace(t *testing.T) {
	var made, passed []int
	p := program(t, 0, func(b *prog.Builder, control prog.FD) {
		made = append(made, 2, 3) // 1 is made where there is no report
		add := func(list *[]int, op prog.Op) { *list = append(*list, b.Len()); b.Add(op) }
		closed := prog.Op{Call: prog.Close, Args: prog.Args{prog.FD{Num: 99}}}
		again, onError, onResult := b.Label("again"), b.Label("on error"), b.Label("on result")
		add(&made, prog.Op{Call: prog.Umask, Args: prog.Args{prog.Int(0o77)}})
		b.Bind(again)
		add(&made, prog.Op{Call: prog.Umask, Args: prog.Args{prog.Int(0)}, OnResult: again}) // twice
		tolerated := closed
		tolerated.Tolerate = unix.EBADF
		add(&made, tolerated)
		branch := closed
		branch.OnError = onError
		add(&made, branch)
		add(&passed, prog.Op{Call: prog.Getppid})
		b.Bind(onError)
		sleep := prog.Op{Call: prog.Ppoll, Args: prog.Args{prog.Int(0), prog.Int(0), prog.Timespec(0, 3e6), prog.Int(0), prog.Int(0)}}
		add(&made, sleep)
		add(&made, prog.Op{Call: prog.Dup3, Args: prog.Args{prog.FD{Num: 0}, prog.FD{Num: 9}, prog.Int(0)}, OnResult: onResult})
		add(&passed, prog.Op{Call: prog.Getppid})
		b.Bind(onResult)
		made = append(made, b.Len(), b.Len()+1)
		passed = append(passed, b.Len()+2)
		nsexec.EmitSync(b, control, "the caller's part")
		made = append(made, b.Len())
		exit(b, 0)
	})
	im, err := nsexec.NewTracedImage(p)
	if err != nil {
		t.Fatal(err)
	}
	before := monotonic(t)
	proc := start(t, nsexec.Config{Image: im, Sync: []func(*nsexec.Process) error{func(*nsexec.Process) error { return nil }}})
	after := monotonic(t)
	times, err := proc.Trace()
	if err != nil {
		t.Fatal(err)
	}
	if len(times) != p.Len() {
		t.Fatalf("%d times for %d operations", len(times), p.Len())
	}
	clock := before
	for k, i := range made {
		if times[i].Before < clock || times[i].Before > after {
			t.Errorf("op %d %v was made at %v, want between %v and %v", i, p.Op(i), times[i].Before, clock, after)
		}
		clock = times[i].Before
		if goesOn := k+1 < len(made) && made[k+1] == i+1; !goesOn && p.Op(i).Call != prog.Umask {
			if times[i].After != 0 {
				t.Errorf("op %d %v did not go on with the next one, and has the time %v behind it", i, p.Op(i), times[i].After)
			}
			continue
		}
		if times[i].After < clock || times[i].After > after {
			t.Errorf("op %d %v was done at %v, want between %v and %v", i, p.Op(i), times[i].After, clock, after)
		}
		clock = times[i].After
		if took := times[i].After - times[i].Before; p.Op(i).Call == prog.Ppoll && took < 3*time.Millisecond {
			t.Errorf("ppoll for 3ms took %v", took)
		}
	}
	for _, i := range append(passed, 1) {
		if times[i] != (nsexec.Timing{}) {
			t.Errorf("op %d %v was not made, and has the times %v", i, p.Op(i), times[i])
		}
	}
}

func TestTraceOfAnImageWithoutOne(t *testing.T) {
	p := start(t, nsexec.Config{Image: image(t, 0, func(b *prog.Builder, _ prog.FD) { exit(b, 0) })})
	if times, err := p.Trace(); err != nil || times != nil {
		t.Errorf("Trace: %v, %v; want nothing", times, err)
	}
}

func TestTraceLimit(t *testing.T) {
	rows := []struct {
		ops int
		ok  bool
	}{{16380, true}, {16381, false}}
	for _, row := range rows {
		p := program(t, 0, func(b *prog.Builder, _ prog.FD) {
			for b.Len() < row.ops-1 {
				b.Add(prog.Op{Call: prog.Getppid})
			}
			exit(b, 0)
		})
		im, err := nsexec.NewTracedImage(p)
		if (err == nil) != row.ok {
			t.Fatalf("%d operations: %v", row.ops, err)
		}
		if err != nil {
			contains(t, err.Error(), "16381 operations cannot be traced: the report has room for 16380")
			continue
		}
		proc := start(t, nsexec.Config{Image: im})
		times, err := proc.Trace()
		if err != nil {
			t.Fatal(err)
		}
		if last := times[row.ops-1]; last.Before == 0 {
			t.Errorf("the last of %d operations has no time", row.ops)
		}
	}
}
