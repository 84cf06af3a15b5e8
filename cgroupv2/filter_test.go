package cgroupv2

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
)

var update = flag.Bool("update", false, "write the golden files")

// TestFilterGolden shows the instructions of filters, as another assembler reads their bytes.
func TestFilterGolden(t *testing.T) {
	usual, err := DeviceFilter(nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		about string
		rules []DeviceRule
	}{
		{"no rules", nil},
		{"one device may be read", []DeviceRule{{Allow: true, Type: "c", Major: 1, Minor: 3, Access: "r"}}},
		{"all but one", []DeviceRule{{Allow: true, Major: Any, Minor: Any}, {Type: "b", Major: 8, Minor: Any, Access: "w"}}},
		{"rules before one about everything", []DeviceRule{{Allow: true, Type: "c", Major: 1, Minor: 3}, {Major: Any, Minor: Any}}},
	}
	var b strings.Builder
	for _, r := range rows {
		f, err := NewFilter(r.rules)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "# %s: %v\n%s\n", r.about, r.rules, disassemble(t, f))
	}
	fmt.Fprintf(&b, "# the default devices: %v\n%s", DefaultDevices(), disassemble(t, usual))
	const golden = "testdata/filters.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || b.String() != string(want) {
		t.Errorf("%v; the filters are\n%s", err, b.String())
	}
}

// disassemble has github.com/cilium/ebpf read the bytes.
func disassemble(t *testing.T, f Filter) string {
	t.Helper()
	var insns asm.Instructions
	insns, err := asm.AppendInstructions(insns, bytes.NewReader(f.Bytes()), binary.LittleEndian, "")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, in := range insns {
		fmt.Fprintf(&b, "%3d  %v\n", i, in)
	}
	return b.String()
}

func TestDeviceRules(t *testing.T) {
	rows := []struct {
		about string
		rules []DeviceRule
		want  map[string]bool // "c 1:3 rw"
	}{
		{"nothing is allowed by itself", nil, map[string]bool{"c 1:3 r": false, "b 8:0 m": false}},
		{"accesses add up", []DeviceRule{
			{Allow: true, Type: "c", Major: 1, Minor: 3, Access: "r"}, {Allow: true, Type: "c", Major: 1, Minor: 3, Access: "w"},
		}, map[string]bool{"c 1:3 rw": true, "c 1:3 r": true, "c 1:3 rm": false, "b 1:3 r": false, "c 1:4 r": false}},
		{"the last rule decides", []DeviceRule{
			{Allow: true, Major: Any, Minor: Any}, {Type: "b", Major: Any, Minor: Any}, {Allow: true, Type: "b", Major: 8, Minor: 1, Access: "r"},
		}, map[string]bool{"c 9:9 rwm": true, "b 8:0 r": false, "b 8:1 r": true, "b 8:1 rw": false}},
		{"a part is taken away", []DeviceRule{
			{Allow: true, Type: "c", Major: 1, Minor: 3}, {Type: "c", Major: 1, Minor: Any, Access: "w"},
		}, map[string]bool{"c 1:3 rm": true, "c 1:3 w": false, "c 1:3 rw": false}},
		{"everything, and then nothing", []DeviceRule{{Allow: true, Major: Any, Minor: Any}, {Type: "a", Major: Any, Minor: Any, Access: "mwr"}},
			map[string]bool{"c 1:3 r": false}},
		{"the default devices", DefaultDevices(), map[string]bool{
			"c 1:3 rw": true, "c 1:5 r": true, "c 1:7 w": true, "c 1:8 rw": true, "c 1:9 r": true, "c 5:0 rw": true, "c 5:1 rw": true,
			"c 5:2 rw": true, "c 136:7 rw": true, "b 8:0 m": true, "b 8:0 r": false, "c 1:1 r": false, "c 10:229 r": false,
		}},
	}
	for _, r := range rows {
		f, err := NewFilter(r.rules)
		if err != nil {
			t.Errorf("%s: %v", r.about, err)
			continue
		}
		for device, want := range r.want {
			var typ, access string
			var q question
			fmt.Sscanf(device, "%s %d:%d %s", &typ, &q.major, &q.minor, &access)
			n, err := DeviceRule{Type: typ, Access: access}.numbers()
			if err != nil {
				t.Fatal(err)
			}
			q.kind, q.access = n.kind, n.access
			if got := f.run(t, q); got != want {
				t.Errorf("%s: %s is allowed: %v, want %v", r.about, device, got, want)
			}
		}
	}
	for _, bad := range []DeviceRule{
		{Type: "x"}, {Type: "cb"}, {Major: -2}, {Major: 4096}, {Minor: 1 << 20}, {Minor: -2}, {Access: "rx"},
	} {
		if _, err := NewFilter([]DeviceRule{{}, bad}); err == nil || !strings.Contains(err.Error(), "linux.resources.devices[1]: ") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// TestFilterDecidesAsRules compares the instructions with what the rules say, on
// random ones.
func TestFilterDecidesAsRules(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	yes := 0
	const questions = 200000
	for range questions / 100 {
		rules := make([]DeviceRule, r.IntN(8))
		for i := range rules {
			rules[i] = DeviceRule{
				Allow: r.IntN(3) > 0, Type: []string{"a", "b", "c", "c"}[r.IntN(4)],
				Major: int64(r.IntN(4) - 1), Minor: int64(r.IntN(4) - 1), Access: []string{"", "r", "w", "m", "rw", "rwm"}[r.IntN(6)],
			}
		}
		f, err := NewFilter(rules)
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			q := question{kind: int32(1 + r.IntN(2)), access: int32(1 + r.IntN(7)), major: int64(r.IntN(3)), minor: int64(r.IntN(3))}
			want := q.decide(rules)
			if got := f.run(t, q); got != want {
				t.Fatalf("%v: %+v is allowed: %v, want %v", rules, q, got, want)
			}
			if want {
				yes++
			}
		}
	}
	if yes < questions/10 || yes > questions*9/10 {
		t.Errorf("%d of %d were allowed: the rules are no test", yes, questions)
	}
}

// question is what the kernel asks a filter, struct bpf_cgroup_dev_ctx.
type question struct {
	kind, access int32
	major, minor int64
}

// decide is the rules' meaning, said once more: for each access the last rule.
func (q question) decide(rules []DeviceRule) bool {
	for _, bit := range []int32{accMknod, accRead, accWrite} {
		if q.access&bit == 0 {
			continue
		}
		allowed := false
		for _, r := range rules {
			n, _ := r.numbers()
			if n.access&bit != 0 && (n.kind == 0 || n.kind == q.kind) &&
				slices.Contains([]int64{Any, q.major}, n.major) && slices.Contains([]int64{Any, q.minor}, n.minor) {
				allowed = r.Allow
			}
		}
		if !allowed {
			return false
		}
	}
	return true
}

// run is the part of the eBPF machine that filters use.
func (f Filter) run(t *testing.T, q question) bool {
	t.Helper()
	memory := map[int16]uint32{0: uint32(q.access)<<16 | uint32(q.kind), 4: uint32(q.major), 8: uint32(q.minor)}
	var reg [11]uint32
	for pc, steps := 0, 0; pc >= 0 && pc < len(f) && steps < 1000; steps++ {
		in := f[pc]
		pc++
		switch in.Op {
		case opLoad32:
			if in.Src != regContext {
				t.Fatalf("%d: reads from r%d", pc-1, in.Src)
			}
			reg[in.Dst] = memory[in.Off]
		case opMove:
			reg[in.Dst] = uint32(in.Imm)
		case opMoveReg:
			reg[in.Dst] = reg[in.Src]
		case opAnd:
			reg[in.Dst] &= uint32(in.Imm)
		case opShift:
			reg[in.Dst] >>= in.Imm
		case opJumpNot:
			if reg[in.Dst] != uint32(in.Imm) {
				pc += int(in.Off)
			}
		case opJumpIs:
			if reg[in.Dst] == uint32(in.Imm) {
				pc += int(in.Off)
			}
		case opJumpBits:
			if reg[in.Dst]&uint32(in.Imm) != 0 {
				pc += int(in.Off)
			}
		case opJump:
			pc += int(in.Off)
		case opExit:
			return reg[regVerdict] == 1
		default:
			t.Fatalf("%d: operation %#x", pc-1, in.Op)
		}
	}
	t.Fatal("the program does not end")
	return false
}
