package prog_test

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

var (
	exit = prog.Op{Call: prog.Exit, Args: prog.Args{prog.Int(0)}}
	tid  = prog.Op{Call: prog.Gettid}
)

func cd(path string) prog.Op {
	return prog.Op{Call: prog.Chdir, Args: prog.Args{prog.Str(path)}}
}

// write is a call that takes a block.
func write(b *prog.Block) prog.Op {
	return prog.Op{Call: prog.Write, Args: prog.Args{prog.Int(1), b, prog.Int(8)}}
}

func field(f prog.Field) prog.Op { return write(&prog.Block{Fields: []prog.Field{f}}) }

// refused are programs with one fault each, and everything that is said about it.
var refused = []struct {
	name  string
	build func(b *prog.Builder)
	want  string
}{
	{"nothing", func(b *prog.Builder) {}, "it has no operation"},

	{"a call that is not in the table", func(b *prog.Builder) { b.Add(prog.Op{}) }, "op 0 call(0): not in the table of system calls"},
	{"a call beyond the table", func(b *prog.Builder) { b.Add(exit); b.Add(prog.Op{Call: 255}) }, "op 1 call(255): not in the table of system calls"},
	{"an argument too many", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Exit, Args: prog.Args{prog.Int(0), prog.Int(1)}})
	}, "op 0 exit: 2 arguments, the call takes 1"},
	{"a path that is missing", func(b *prog.Builder) { b.Add(prog.Op{Call: prog.Chdir}); b.Add(exit) }, `op 0 chdir: argument "path" is missing`},
	{"a number for a path", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Chdir, Args: prog.Args{prog.Int(7)}})
		b.Add(exit)
	}, `op 0 chdir: argument "path" is a prog.Int, which this parameter does not take`},
	{"a number with a name for a pointer", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Capset, Args: prog.Args{prog.Named{Value: 1, Text: "x"}}})
		b.Add(exit)
	}, `op 0 capset: argument "hdrp" is a prog.Named, which this parameter does not take`},
	{"a path for a number", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Exit, Args: prog.Args{prog.Str("x")}})
	}, `op 0 exit: argument "status" is a prog.Str, which this parameter does not take`},
	{"a descriptor for a number", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Exit, Args: prog.Args{prog.FD{Num: 3}}})
	}, `op 0 exit: argument "status" is a prog.FD, which this parameter does not take`},
	{"a result for a path", func(b *prog.Builder) {
		s := b.Slot("s")
		b.Add(prog.Op{Call: prog.Gettid, Out: s})
		b.Add(prog.Op{Call: prog.Chdir, Args: prog.Args{s}})
		b.Add(exit)
	}, `op 1 chdir: argument "path" is a prog.Slot, which this parameter does not take`},
	{"a Maybe outside of a field", func(b *prog.Builder) {
		s := b.Slot("s")
		b.Add(prog.Op{Call: prog.Close, Args: prog.Args{prog.Maybe{Slot: s}}})
		b.Add(exit)
	}, `op 0 close: argument "fd" is a prog.Maybe, which this parameter does not take`},

	{"a NUL in a path", func(b *prog.Builder) { b.Add(cd("/etc\x00/x")); b.Add(exit) },
		`op 0 chdir: the string "/etc\x00/x" holds a NUL: the kernel would see only what stands before it`},
	{"a NUL in an argument of execve", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/x"), prog.Strings([]string{"a", "b\x00"})}})
		b.Add(exit)
	}, `op 0 execve: the string "b\x00" holds a NUL: the kernel would see only what stands before it`},

	{"a number wider than its field", func(b *prog.Builder) {
		b.Add(field(prog.Field{Name: "x", Size: 2, Value: prog.Int(1 << 16)}))
		b.Add(exit)
	}, `op 0 write: field "x": a prog.Int does not fit into 2 bytes`},
	{"a number further below 0 than its field can be", func(b *prog.Builder) {
		b.Add(field(prog.Field{Name: "x", Kind: prog.Integer, Size: 2, Value: prog.Int(^uint64(1 << 15))}))
		b.Add(exit)
	}, `op 0 write: field "x": a prog.Int does not fit into 2 bytes`},
	{"a number below 0 in a field that has no sign", func(b *prog.Builder) {
		b.Add(field(prog.Field{Name: "x", Kind: prog.Unsigned, Size: 4, Value: prog.Int(^uint64(0))}))
		b.Add(exit)
	}, `op 0 write: field "x": a prog.Int does not fit into 4 bytes`},
	{"a number with a name wider than its field", func(b *prog.Builder) {
		b.Add(field(prog.Field{Name: "x", Size: 4, Value: prog.Named{Value: 1 << 32}}))
		b.Add(exit)
	}, `op 0 write: field "x": a prog.Named does not fit into 4 bytes`},
	{"a number of three bytes", func(b *prog.Builder) {
		b.Add(field(prog.Field{Name: "x", Size: 3, Value: prog.Int(1)}))
		b.Add(exit)
	}, `op 0 write: field "x": a prog.Int does not fit into 3 bytes`},
	{"a descriptor of two bytes", func(b *prog.Builder) {
		b.Add(field(prog.Field{Name: "x", Size: 2, Value: prog.FD{Num: 1}}))
		b.Add(exit)
	}, `op 0 write: field "x": a prog.FD does not fit into 2 bytes`},
	{"bytes longer than their field", func(b *prog.Builder) {
		b.Add(field(prog.Field{Name: "x", Size: 2, Value: prog.Bytes("abc")}))
		b.Add(exit)
	}, `op 0 write: field "x": a prog.Bytes does not fit into 2 bytes`},
	{"a pointer of four bytes", func(b *prog.Builder) {
		b.Add(field(prog.Field{Name: "x", Size: 4, Value: prog.Str("abc")}))
		b.Add(exit)
	}, `op 0 write: field "x": a prog.Str does not fit into 4 bytes`},
	{"a pointer behind its block", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Write, Args: prog.Args{prog.Int(1), prog.Ref{Block: prog.Buffer("b", 8), Offset: 8}, prog.Int(1)}})
		b.Add(exit)
	}, "op 0 write: it points 8 bytes into a block that is not that long"},
	{"a pointer before its block", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Write, Args: prog.Args{prog.Int(1), prog.Ref{Block: prog.Buffer("b", 8), Offset: -1}, prog.Int(1)}})
		b.Add(exit)
	}, "op 0 write: it points -1 bytes into a block that is not that long"},
	{"a pointer into no block", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Write, Args: prog.Args{prog.Int(1), prog.Ref{}, prog.Int(1)}})
		b.Add(exit)
	}, "op 0 write: it points 0 bytes into a block that is not that long"},
	{"a Maybe in two places", func(b *prog.Builder) {
		s := b.Slot("s")
		f := prog.Field{Size: 8, Value: prog.Maybe{Slot: s}}
		b.Add(write(&prog.Block{Fields: []prog.Field{f, f}}))
		b.Add(exit)
	}, "op 0 write: slot $s may stand in one Maybe"},
	{"a Maybe of nothing", func(b *prog.Builder) {
		b.Add(field(prog.Field{Size: 8, Value: prog.Maybe{}}))
		b.Add(exit)
	}, "op 0 write: slot $ may stand in one Maybe"},

	{"a slot of another builder as argument", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Close, Args: prog.Args{new(prog.Builder).Slot("s")}})
		b.Add(exit)
	}, "op 0 close: slot $s is of another builder"},
	{"a slot of another builder for a result", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Gettid, Out: new(prog.Builder).Slot("s")})
		b.Add(exit)
	}, "op 0 gettid: its result goes to a slot of another builder"},
	{"a result of an exit", func(b *prog.Builder) { op := exit; op.Out = b.Slot("s"); b.Add(op) },
		"op 0 exit: it never has a result, so Out and OnResult mean nothing"},
	{"a result of an execve", func(b *prog.Builder) {
		l := b.Label("l")
		b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/x")}, OnResult: l})
		b.Bind(l)
		b.Add(exit)
	}, "op 0 execve: it never has a result, so Out and OnResult mean nothing"},
	{"an error of an exit that is tolerated", func(b *prog.Builder) { op := exit; op.Tolerate = unix.EPERM; b.Add(op) },
		"op 0 exit: it never fails, so Tolerate and OnError mean nothing"},

	{"the label of another builder, bound", func(b *prog.Builder) { b.Bind(new(prog.Builder).Label("l")); b.Add(exit) },
		"a label is bound that this builder did not make"},
	{"no label, bound", func(b *prog.Builder) { b.Bind(prog.Label{}); b.Add(exit) }, "a label is bound that this builder did not make"},
	{"the label of another builder, used", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Gettid, OnError: new(prog.Builder).Label("l")})
		b.Add(exit)
	}, "op 0 gettid: goes on at a label of another builder"},
	{"a label bound twice", func(b *prog.Builder) {
		l := b.Label("l")
		b.Add(prog.Op{Call: prog.Gettid, OnResult: l})
		b.Bind(l)
		b.Add(exit)
		b.Bind(l)
	}, `label "l" is bound twice`},
	{"a label that is not bound", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Gettid, OnResult: b.Label("l")})
		b.Add(exit)
	}, `label "l" is used and never bound`},
	{"a label behind the end", func(b *prog.Builder) {
		l := b.Label("l")
		b.Add(prog.Op{Call: prog.Gettid, OnResult: l})
		b.Add(exit)
		b.Bind(l)
	}, `label "l" is bound behind the last operation`},
	{"a label at the beginning", func(b *prog.Builder) {
		l := b.Label("l")
		b.Bind(l)
		b.Add(prog.Op{Call: prog.Gettid, OnResult: l})
		b.Add(exit)
	}, `label "l" is bound to operation 0, which is where a program begins and nothing else`},

	{"an end without an exit", func(b *prog.Builder) { b.Add(cd("/")) },
		"op 0 chdir: control runs off the end; a program ends in an exec, an exit or a loop"},
	{"an execve whose error goes on at the end", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/x")}, Tolerate: unix.ENOENT})
	}, "op 0 execve: control runs off the end; a program ends in an exec, an exit or a loop"},
	{"what stands behind an exit", func(b *prog.Builder) { b.Add(exit); b.Add(exit) }, "op 1 exit: no way leads here"},
	{"what stands behind an execve that stops at its errors", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/x")}})
		b.Add(exit)
	}, "op 1 exit: no way leads here"},

	{"a slot that nobody writes", func(b *prog.Builder) {
		b.Add(prog.Op{Call: prog.Close, Args: prog.Args{b.Slot("s")}})
		b.Add(exit)
	}, "op 0 close: slot $s is read, and there is a way here on which it was not written"},
	{"a slot that is read by the call that writes it", func(b *prog.Builder) {
		s := b.Slot("s")
		b.Add(prog.Op{Call: prog.Umask, Args: prog.Args{s}, Out: s})
		b.Add(exit)
	}, "op 0 umask: slot $s is read, and there is a way here on which it was not written"},
	{"a slot that is not written when the error is tolerated", func(b *prog.Builder) {
		s := b.Slot("s")
		b.Add(prog.Op{Call: prog.Setsid, Out: s, Tolerate: unix.EPERM})
		b.Add(prog.Op{Call: prog.Close, Args: prog.Args{s}})
		b.Add(exit)
	}, "op 1 close: slot $s is read, and there is a way here on which it was not written"},
	{"a slot that is not written on the way of an error", func(b *prog.Builder) {
		s, l := b.Slot("s"), b.Label("l")
		b.Add(prog.Op{Call: prog.Setsid, Out: s, OnError: l})
		b.Bind(l)
		b.Add(prog.Op{Call: prog.Close, Args: prog.Args{s}})
		b.Add(exit)
	}, "op 1 close: slot $s is read, and there is a way here on which it was not written"},
	{"a slot that a structure reads too early", func(b *prog.Builder) {
		s := b.Slot("s")
		b.Add(field(prog.Field{Size: 8, Value: s}))
		b.Add(prog.Op{Call: prog.Gettid, Out: s})
		b.Add(exit)
	}, "op 0 write: slot $s is read, and there is a way here on which it was not written"},
	{"a slot that is written twice", func(b *prog.Builder) {
		s := b.Slot("s")
		b.Add(prog.Op{Call: prog.Gettid, Out: s})
		b.Add(prog.Op{Call: prog.Gettid, Out: s})
		b.Add(exit)
	}, "op 1 gettid: slot $s may have been written before"},
	{"a slot that is written again in a loop", func(b *prog.Builder) {
		s, l := b.Slot("s"), b.Label("l")
		b.Add(tid)
		b.Bind(l)
		b.Add(prog.Op{Call: prog.Setsid, Out: s, OnResult: l})
		b.Add(exit)
	}, "op 1 setsid: slot $s may have been written before"},
}

func TestRefused(t *testing.T) {
	for _, r := range refused {
		t.Run(r.name, func(t *testing.T) {
			var b prog.Builder
			r.build(&b)
			p, err := b.Program()
			if err == nil {
				t.Fatalf("it is taken:\n%v", p)
			}
			if want := "the program is not valid: " + r.want; err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	var b prog.Builder
	b.Add(prog.Op{Call: prog.Chdir})
	b.Add(cd("\x00"))
	_, err := b.Program()
	if err == nil || strings.Count(err.Error(), "\n") != 1 || !strings.Contains(err.Error(), "op 0 chdir") || !strings.Contains(err.Error(), "op 1 chdir") {
		t.Errorf("%v", err)
	}
}

// accepted are programs at the edge of what is allowed.
var accepted = []struct {
	name  string
	build func(b *prog.Builder)
}{
	{"an exit", func(b *prog.Builder) { b.Add(exit) }},
	{"an execve", func(b *prog.Builder) { b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/x")}}) }},
	{"a chain of execve", func(b *prog.Builder) {
		l := b.Label("next")
		b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/bin/x")}, OnError: l})
		b.Bind(l)
		b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/usr/bin/x")}})
	}},
	{"a slot that is written on both ways", func(b *prog.Builder) {
		s, other, join := b.Slot("s"), b.Label("other"), b.Label("join")
		b.Add(prog.Op{Call: prog.Close, Args: prog.Args{prog.Int(9)}, OnError: other})
		b.Add(prog.Op{Call: prog.Umask, Args: prog.Args{prog.Int(0)}, Out: s, OnResult: join})
		b.Add(exit)
		b.Bind(other)
		b.Add(prog.Op{Call: prog.Gettid, Out: s})
		b.Bind(join)
		b.Add(prog.Op{Call: prog.Close, Args: prog.Args{s}})
		b.Add(exit)
	}},
	{"a Maybe that is never written", func(b *prog.Builder) {
		b.Add(field(prog.Field{Size: 8, Value: prog.Maybe{Slot: b.Slot("s")}}))
		b.Add(exit)
	}},
	{"a slot that is read in two structures and an argument", func(b *prog.Builder) {
		s := b.Slot("s")
		b.Add(prog.Op{Call: prog.Gettid, Out: s})
		b.Add(write(&prog.Block{Fields: []prog.Field{{Size: 8, Value: s}, {Size: 8, Value: s}}}))
		b.Add(prog.Op{Call: prog.Close, Args: prog.Args{s}})
		b.Add(exit)
	}},
	{"a loop in the middle", func(b *prog.Builder) {
		l := b.Label("again")
		b.Add(tid)
		b.Bind(l)
		b.Add(prog.Op{Call: prog.Setsid, OnError: l})
		b.Add(exit)
	}},
	{"a loop at the end that waits for signals", func(b *prog.Builder) {
		l := b.Label("again")
		b.Add(tid)
		b.Bind(l)
		b.Add(prog.Op{Call: prog.RtSigsuspend, Args: prog.Args{prog.Sigset(0), prog.Int(8)}, OnError: l})
	}},
	{"a loop at the end that jumps back", func(b *prog.Builder) {
		l := b.Label("again")
		b.Add(tid)
		b.Bind(l)
		b.Add(prog.Op{Call: prog.Ppoll, Args: prog.Args{prog.Int(0), prog.Int(0)}})
		b.Goto(l, "wait again")
	}},
	{"a jump over what is not to be read", func(b *prog.Builder) {
		s, other, join := b.Slot("s"), b.Label("other"), b.Label("join")
		b.Add(prog.Op{Call: prog.Setsid, Out: s, OnError: other})
		b.Add(prog.Op{Call: prog.Close, Args: prog.Args{s}})
		b.Goto(join, "done")
		b.Bind(other)
		b.Add(prog.Op{Call: prog.Gettid, Out: s})
		b.Bind(join)
		b.Add(exit)
	}},
	{"a label that nobody uses", func(b *prog.Builder) { b.Label("l"); b.Add(exit) }},
}

func TestAccepted(t *testing.T) {
	for _, r := range accepted {
		t.Run(r.name, func(t *testing.T) {
			var b prog.Builder
			r.build(&b)
			if _, err := b.Program(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNoPanic: a fault of the caller's is an error, also where pointers are wrong.
func TestNoPanic(t *testing.T) {
	itself := &prog.Block{}
	itself.Fields = []prog.Field{{Size: 8, Value: itself}}
	rows := []struct {
		name string
		b    *prog.Block
	}{
		{"a block that contains itself", itself},
		{"a nil block", nil},
		{"a field of negative size", &prog.Block{Fields: []prog.Field{{Size: -1}}}},
		{"a nil block in a field", &prog.Block{Fields: []prog.Field{{Size: 8, Value: (*prog.Block)(nil)}}}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("panic: %v", v)
				}
			}()
			var b prog.Builder
			b.Add(write(r.b))
			b.Add(exit)
			p, err := b.Program()
			if err == nil {
				t.Errorf("it is taken: %v", p)
			}
		})
	}
}
