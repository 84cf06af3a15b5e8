package caps_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/selfcontain/runtime/caps"
)

const status = "Name:\tsh\nCapInh:\t0000000000000001\nCapPrm:\t0000000000000003\nCapEff:\t0000000000000002\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\n"

func TestParseStatus(t *testing.T) {
	got, err := caps.ParseStatus([]byte(status))
	want := caps.Config{Inheritable: 1, Permitted: 3, Effective: 2, Bounding: 1<<41 - 1}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	rows := []struct{ name, text, want string }{
		{"nothing", "", "status of a process: no line CapBnd"},
		{"a kernel before 4.3", "CapInh:\t0\nCapPrm:\t0\nCapEff:\t0\nCapBnd:\t0\n", "status of a process: no line CapAmb"},
		{"a line twice", status + "CapEff:\t0\n", "status of a process: CapEff stands twice"},
		{"no number", "CapEff:\tx\n", `status of a process: CapEff: strconv.ParseUint: parsing "x": invalid syntax`},
		{"more than 64 bits", "CapEff:\t10000000000000000\n", `status of a process: CapEff: strconv.ParseUint: parsing "10000000000000000": value out of range`},
	}
	for _, r := range rows {
		if got, err := caps.ParseStatus([]byte(r.text)); err == nil || err.Error() != r.want || got != (caps.Config{}) {
			t.Errorf("%s: %+v, %v", r.name, got, err)
		}
	}
}

func TestParseLast(t *testing.T) {
	for _, r := range []struct {
		text string
		want caps.Cap
		ok   bool
	}{{"40\n", 40, true}, {"0", 0, true}, {"63\n", 63, true}, {"64\n", 0, false}, {"-1\n", 0, false}, {"", 0, false}} {
		if got, err := caps.ParseLast([]byte(r.text)); got != r.want || (err == nil) != r.ok {
			t.Errorf("%q: %v, %v", r.text, got, err)
		}
	}
	text, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		t.Fatal(err)
	}
	if last, err := caps.ParseLast(text); err != nil || last < caps.CHECKPOINT_RESTORE {
		t.Errorf("this kernel's is %v, %v", last, err)
	}
}

// FuzzParseStatus: what is read can be written as the kernel writes it, and is the
// same when it is read again.
func FuzzParseStatus(f *testing.F) {
	f.Add([]byte(status))
	f.Add([]byte("CapEff: ffffffffffffffff\r\nCapEff\n:\n"))
	if own, err := os.ReadFile("/proc/self/status"); err == nil {
		f.Add(own)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := caps.ParseStatus(text)
		if err != nil {
			if c != (caps.Config{}) {
				t.Fatalf("%+v with an error", c)
			}
			return
		}
		again, err := caps.ParseStatus([]byte(fmt.Sprintf("CapInh:\t%016x\nCapPrm:\t%016x\nCapEff:\t%016x\nCapBnd:\t%016x\nCapAmb:\t%016x\n",
			uint64(c.Inheritable), uint64(c.Permitted), uint64(c.Effective), uint64(c.Bounding), uint64(c.Ambient))))
		if err != nil || again != c {
			t.Fatalf("%+v is read again as %+v, %v", c, again, err)
		}
	})
}

// FuzzParse: a name that is taken is the name of what it is taken for, up to case
// and the beginning.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"CAP_CHOWN", "sys_admin", "CAP_41", "CAP_\u212aILL", "cap_"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		c, err := caps.Parse(name)
		if err != nil {
			return
		}
		if again, err := caps.Parse(c.String()); err != nil || again != c {
			t.Fatalf("%q is %v, which is %v, %v", name, c, again, err)
		}
		if full := c.String(); len(name) != len(full) && len(name) != len(full)-len("CAP_") {
			t.Fatalf("%q is taken for %v", name, c)
		}
	})
}
