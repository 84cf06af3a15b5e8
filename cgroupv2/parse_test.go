package cgroupv2

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"testing"
	"time"
)

func TestParsers(t *testing.T) {
	flat, err := parseFlat("usage_usec 1500\nnr_throttled 3\nlimit max\n")
	if want := map[string]uint64{"usage_usec": 1500, "nr_throttled": 3, "limit": Max}; err != nil || !maps.Equal(flat, want) {
		t.Errorf("flat: %v, %v", flat, err)
	}
	var c CPUStats
	c.set(flat)
	if c.Usage != 1500*time.Microsecond || c.Throttled != 3 {
		t.Errorf("cpu.stat: %+v", c)
	}
	nested, err := parseNested("8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n254:16 ctrl=auto rbytes=7\n")
	if err != nil {
		t.Fatal(err)
	}
	io, err := ioStats(nested)
	want := map[DeviceID]IOStats{
		{8, 0}:    {ReadBytes: 1, WriteBytes: 2, Reads: 3, Writes: 4, DiscardBytes: 5, Discards: 6},
		{254, 16}: {ReadBytes: 7},
	}
	if err != nil || !reflect.DeepEqual(io, want) {
		t.Errorf("io.stat: %+v, %v", io, err)
	}
	p, err := parsePressure("some avg10=1.25 avg60=0.50 avg300=0.00 total=2500\nfull avg10=0.75 avg60=0.10 avg300=0.00 total=1000\n")
	if err != nil || p.Some != (Stall{1.25, 0.5, 0, 2500 * time.Microsecond}) || p.Full != (Stall{0.75, 0.1, 0, time.Millisecond}) {
		t.Errorf("pressure: %+v, %v", p, err)
	}
	for _, bad := range []string{"a", "a b", "a -1", "a 1 2", "a 99999999999999999999"} {
		if v, err := parseFlat(bad); err == nil {
			t.Errorf("flat %q is %v", bad, v)
		}
	}
	if got := microseconds(math.MaxUint64); got < 0 {
		t.Errorf("the longest time is %v", got)
	}
	if pids, err := parsePIDs("7\n0\n12\n"); err != nil || fmt.Sprint(pids) != "[7 0 12]" {
		t.Errorf("pids: %v, %v", pids, err)
	}
	for _, bad := range []string{"-1\n", "99999999999\n", "x\n", "\n"} {
		if v, err := parsePIDs(bad); err == nil {
			t.Errorf("pids %q are %v", bad, v)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("usage_usec 1500\nnr_throttled max\n")
	f.Add("8:0 rbytes=1 wbytes=2\n8:16 ctrl=auto\n")
	f.Add("some avg10=1.25 avg60=0.50 avg300=0.00 total=2500\nfull avg10=NaN total=1\n")
	f.Add("1\n2\n0\n")
	f.Add("0::/a/../b (deleted)\n")
	f.Fuzz(func(t *testing.T, text string) {
		if flat, err := parseFlat(text); err == nil {
			var c CPUStats
			c.set(flat)
			if c.Usage < 0 || c.ThrottledTime < 0 {
				t.Errorf("negative time: %+v", c)
			}
		}
		if nested, err := parseNested(text); err == nil {
			ioStats(nested)
		}
		parsePressure(text)
		pids, _ := parsePIDs(text)
		for _, p := range pids {
			if p < 0 {
				t.Errorf("pid %d: to signal it would be to signal a group", p)
			}
		}
		if p, err := ownPath(text, "/"); err == nil {
			if _, err := CleanPath(p); err != nil {
				t.Errorf("own path %q: %v", p, err)
			}
		}
		for _, name := range delegated(text) {
			if name != "." && !fileName(name) {
				t.Errorf("file %q would be given away", name)
			}
		}
	})
}

func TestOwnPath(t *testing.T) {
	rows := []struct{ about, text, root, want string }{
		{"alone", "0::/user.slice/a\n", "/", "/user.slice/a"},
		{"hybrid", "3:cpuset:/x\n1:name=systemd:/y\n0::/z\n", "/", "/z"},
		{"the root", "0::/\n", "/", "/"},
		{"a part is mounted", "0::/a/b\n", "/a", "/b"},
		{"just the part", "0::/a\n", "/a", "/"},
		{"another part is mounted", "0::/a/b\n", "/c", ""},
		{"one with a longer name", "0::/ab\n", "/a", ""},
		{"outside of the cgroup namespace", "0::/../x\n", "/", ""},
		{"more than the namespace is mounted", "0::/x\n", "/..", ""},
		{"version 1 alone", "3:cpuset:/x\n", "/", ""},
	}
	for _, r := range rows {
		got, err := ownPath(r.text, r.root)
		if got != r.want || (err == nil) != (r.want != "") {
			t.Errorf("%s: %q, %v, want %q", r.about, got, err, r.want)
		}
	}
}

func TestCleanPath(t *testing.T) {
	for path, want := range map[string]string{
		"/a/b": "/a/b", "/": "/", "//a/./b/": "/a/b", "/a..b": "/a..b",
		"a": "", "": "", "/a/../b": "", "/..": "", "/a\nb": "", "/a\x00": "", "../a": "",
	} {
		got, err := CleanPath(path)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v, want %q", path, got, err, want)
		}
	}
}

func TestPreferred(t *testing.T) {
	got := preferred([]mount{{"/mnt/part", "/a"}, {"/mnt/whole", "/"}, {"/mnt/again", "/"}})
	if fmt.Sprint(got) != "[{/mnt/whole /} {/mnt/again /} {/mnt/part /a}]" {
		t.Errorf("in the order %v", got)
	}
}

func TestTrigger(t *testing.T) {
	rows := []struct {
		t    Trigger
		want string
	}{
		{Trigger{Resource: "memory", Stall: 150 * time.Millisecond, Window: time.Second}, "memory.pressure some 150000 1000000"},
		{Trigger{Resource: "io", Full: true, Stall: time.Second, Window: 2 * time.Second}, "io.pressure full 1000000 2000000"},
		{Trigger{Resource: "disk", Stall: time.Second, Window: time.Second}, ""},
		{Trigger{Resource: "cpu", Stall: time.Second, Window: time.Minute}, ""},
		{Trigger{Resource: "cpu", Stall: 2 * time.Second, Window: time.Second}, ""},
		{Trigger{Resource: "cpu", Window: time.Second}, ""},
	}
	for _, r := range rows {
		name, value, err := r.t.words()
		if got := name + " " + value; err == nil && got != r.want || err != nil && r.want != "" {
			t.Errorf("%+v is %q, %v, want %q", r.t, got, err, r.want)
		}
	}
}
