package cgroupv2

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestDeviceFilter opens devices in a group: a disk, a terminal, and the usual ones.
func TestDeviceFilter(t *testing.T) {
	h, g := newGroup(t)
	inner := sub(t, h, g, "inner")
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk")
	// The numbers of a disk that is not there: what is allowed is then ENXIO.
	if err := unix.Mknod(disk, unix.S_IFBLK|0o600, int(unix.Mkdev(majorMax, 0))); err != nil {
		t.Fatal(err)
	}
	all := "/dev/null rw,/dev/zero r,/dev/kmsg r," + disk + " r"
	opens := func(g *Group) string {
		t.Helper()
		text, err := begin(t, g, "open", all).end(t)
		if err != nil {
			t.Fatal(err)
		}
		var verdicts []string
		for line := range strings.Lines(text) {
			_, verdict, _ := strings.Cut(strings.TrimSpace(line), ": ")
			verdicts = append(verdicts, verdict)
		}
		return strings.Join(verdicts, ", ")
	}
	set := func(g *Group, rules ...DeviceRule) {
		t.Helper()
		f, err := DeviceFilter(rules)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.SetFilter(f); err != nil {
			t.Fatal(err)
		}
		if n := filters(t, g); n != 1 {
			t.Errorf("%d filters are attached, want 1", n)
		}
	}
	const (
		none  = "<nil>, <nil>, <nil>, no such device or address"
		usual = "<nil>, <nil>, operation not permitted, operation not permitted"
		kmsg  = "<nil>, <nil>, <nil>, operation not permitted"
		block = "<nil>, <nil>, operation not permitted, no such device or address"
	)
	steps := []struct {
		about string
		do    func()
		want  string
	}{
		{"without a filter", func() {}, none},
		{"the default devices", func() { set(g) }, usual},
		{"and the kernel's messages", func() { set(g, DeviceRule{Allow: true, Type: "c", Major: 1, Minor: 11, Access: "r"}) }, kmsg},
		{"and to write them, which is not to read", func() { set(g, DeviceRule{Allow: true, Type: "c", Major: 1, Minor: 11, Access: "w"}) }, usual},
		{"a disk instead", func() { set(g, DeviceRule{Allow: true, Type: "b", Major: majorMax, Minor: 0, Access: "rw"}) }, block},
		{"a group above has a say", func() { set(inner, DeviceRule{Allow: true, Major: Any, Minor: Any}) }, block},
		{"and the inner one too", func() { set(inner) }, usual},
		{"taken away inside", func() {
			if err := inner.ClearFilter(); err != nil {
				t.Fatal(err)
			}
		}, block},
		{"taken away", func() {
			if err := g.ClearFilter(); err != nil {
				t.Fatal(err)
			}
		}, none},
	}
	for _, s := range steps {
		s.do()
		if got := opens(inner); got != s.want {
			t.Errorf("%s: opening %s is %s, want %s", s.about, all, got, s.want)
		}
	}
}

// filters is how many are attached to the group itself.
func filters(t *testing.T, g *Group) int {
	t.Helper()
	ids := make([]uint32, 64)
	q := query{target: uint32(g.fd), kind: attachDevice, ids: unsafe.Pointer(&ids[0]), count: 64}
	if err := bpf(unix.BPF_PROG_QUERY, &q); err != nil {
		t.Fatal(err)
	}
	return int(q.count)
}

// TestFilterIsReplacedAtOnce replaces a filter again and again, while a process opens
// what all of them allow.
func TestFilterIsReplacedAtOnce(t *testing.T) {
	_, g := newGroup(t)
	f, err := NewFilter([]DeviceRule{{Allow: true, Type: "c", Major: 1, Minor: 3}}) // null alone
	if err != nil {
		t.Fatal(err)
	}
	if err := g.SetFilter(f); err != nil {
		t.Fatal(err)
	}
	a := begin(t, g, "keep-open", "/dev/null")
	a.line(t)
	for range 300 {
		if err := g.SetFilter(f); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := a.end(t); err != nil || strings.HasPrefix(text, "0 ") {
		t.Errorf("meanwhile: %q, %v", text, err)
	}
	if n := filters(t, g); n != 1 {
		t.Errorf("%d filters are attached, want 1", n)
	}
}

// TestVerifierIsQuoted loads what is no program.
func TestVerifierIsQuoted(t *testing.T) {
	_, g := newGroup(t)
	err := g.SetFilter(Filter{{Op: opMoveReg, Dst: 0, Src: 7}, {Op: opExit}})
	if err == nil || !errors.Is(err, unix.EACCES) || !strings.Contains(err.Error(), "the verifier says") || !strings.Contains(err.Error(), "R7 !read_ok") {
		t.Errorf("a register that has no value: %v", err)
	}
}

// TestLongestFilter has the kernel take as many rules as may be.
func TestLongestFilter(t *testing.T) {
	_, g := newGroup(t)
	rules := make([]DeviceRule, maxRules)
	for i := range rules {
		rules[i] = DeviceRule{Allow: i%2 == 0, Type: "c", Major: int64(i % 4096), Minor: int64(i), Access: []string{"r", "w", "rw"}[i%3]}
	}
	f, err := NewFilter(rules)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.SetFilter(f); err != nil {
		t.Errorf("%d instructions: %.300v", len(f), err)
	}
	if _, err := NewFilter(append(rules, DeviceRule{})); err == nil {
		t.Error("one more is taken")
	}
}
