package clone_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/clone"
)

// idMapRows is what Validate says of a map. The kernel must agree: kernel_test.go
// writes each of them.
var idMapRows = []struct {
	name string
	m    clone.IDMaps
	want string
}{
	{"root is the caller", clone.IDMaps{{0, 1000, 1}}, ""},
	{"root and a range of subordinate ids", clone.IDMaps{{0, 1000, 1}, {1, 100000, 65536}}, ""},
	{"ranges that touch", clone.IDMaps{{0, 10, 10}, {10, 0, 10}}, ""},
	{"all ids", clone.IDMaps{{0, 0, 4294967295}}, ""},
	{"the last id", clone.IDMaps{{4294967294, 4294967294, 1}}, ""},
	{"340 lines", lines(340, 0), ""},
	{"4095 bytes", append(lines(255, 100000), clone.IDMap{0, 123456, 12345}), ""},

	{"no line", clone.IDMaps{}, "id map: it has no line"},
	{"a line of nothing", clone.IDMaps{{0, 0, 0}}, "id map: line 0 maps no id"},
	{"the id -1 inside", clone.IDMaps{{4294967295, 0, 1}}, "id map: line 0: container ids from 4294967295 to 4294967295: the last one is 4294967294"},
	{"the id -1 outside", clone.IDMaps{{0, 4294967295, 1}}, "id map: line 0: host ids from 4294967295 to 4294967295: the last one is 4294967294"},
	{"one id too many inside", clone.IDMaps{{1, 0, 4294967295}}, "id map: line 0: container ids from 1 to 4294967295: the last one is 4294967294"},
	{"one id too many outside", clone.IDMaps{{0, 1, 4294967295}}, "id map: line 0: host ids from 1 to 4294967295: the last one is 4294967294"},
	{"the same id inside twice", clone.IDMaps{{0, 0, 10}, {9, 100, 10}}, "id map: lines 0 and 1: container ids overlap"},
	{"the same id outside twice", clone.IDMaps{{0, 0, 10}, {100, 9, 10}}, "id map: lines 0 and 1: host ids overlap"},
	{"the same id inside twice, the larger one first", clone.IDMaps{{9, 100, 10}, {0, 0, 10}}, "id map: lines 0 and 1: container ids overlap"},
	{"the same id outside twice, the larger one first", clone.IDMaps{{100, 9, 10}, {0, 0, 10}}, "id map: lines 0 and 1: host ids overlap"},
	{"the same line twice", clone.IDMaps{{0, 1000, 1}, {0, 1000, 1}}, "id map: lines 0 and 1: container ids overlap\nid map: lines 0 and 1: host ids overlap"},
	{"a range within a range", clone.IDMaps{{0, 0, 100}, {200, 300, 1}, {10, 200, 1}}, "id map: lines 0 and 2: container ids overlap"},
	{"341 lines", lines(341, 0), "id map: 341 lines, the kernel takes 340"},
	{"4096 bytes", lines(256, 100000), "id map: 4096 bytes of text, the kernel takes 4095"},
}

// lines is a map of n ids, a line each, from the given one on.
func lines(n, first int) (m clone.IDMaps) {
	for i := range n {
		id := uint32(first + i)
		m = append(m, clone.IDMap{ContainerID: id, HostID: id, Size: 1})
	}
	return m
}

func TestIDMapsValidate(t *testing.T) {
	for _, r := range idMapRows {
		t.Run(r.name, func(t *testing.T) {
			if got := message(r.m.Validate()); got != r.want {
				t.Errorf("got  %q\nwant %q", got, r.want)
			}
		})
	}
}

func TestIDMapsTranslate(t *testing.T) {
	m := clone.IDMaps{{0, 1000, 1}, {1, 100000, 65536}, {4294967294, 5, 1}}
	rows := []struct {
		name            string
		container, host uint32
	}{
		{"the first line", 0, 1000},
		{"the first id of a line", 1, 100000},
		{"an id within a line", 1000, 100999},
		{"the last id of a line", 65536, 165535},
		{"the last id of all", 4294967294, 5},
	}
	for _, r := range rows {
		if got, ok := m.ToHost(r.container); !ok || got != r.host {
			t.Errorf("%s: ToHost(%d) = %d, %v, want %d", r.name, r.container, got, ok, r.host)
		}
		if got, ok := m.ToContainer(r.host); !ok || got != r.container {
			t.Errorf("%s: ToContainer(%d) = %d, %v, want %d", r.name, r.host, got, ok, r.container)
		}
	}
	for _, id := range []uint32{65537, 4294967293, 4294967295} {
		if got, ok := m.ToHost(id); ok {
			t.Errorf("ToHost(%d) = %d, want no id", id, got)
		}
	}
	for _, id := range []uint32{0, 4, 6, 999, 1001, 165536, 4294967295} {
		if got, ok := m.ToContainer(id); ok {
			t.Errorf("ToContainer(%d) = %d, want no id", id, got)
		}
	}
}

func TestIDMapsJSON(t *testing.T) {
	m := clone.IDMaps{{0, 1000, 1}, {1, 100000, 65536}}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[{"containerID":0,"hostID":1000,"size":1},{"containerID":1,"hostID":100000,"size":65536}]`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	var back clone.IDMaps
	if err := json.Unmarshal(text, &back); err != nil || !slices.Equal(back, m) {
		t.Errorf("got %v back, %v", back, err)
	}
}

func TestParseIDMaps(t *testing.T) {
	rows := []struct {
		name, text string
		want       clone.IDMaps
		err        string
	}{
		{"the kernel's columns", "         0       1000          1\n         1     100000      65536\n", clone.IDMaps{{0, 1000, 1}, {1, 100000, 65536}}, ""},
		{"no map yet", "", nil, ""},
		{"two words", "0 1000\n", nil, "id map: line 0: 2 words, want 3"},
		{"a number of more than 32 bits", "0 0 1\n0 4294967296 1\n", nil, `id map: line 1: strconv.ParseUint: parsing "4294967296": value out of range`},
		{"no number", "0 -1 1\n", nil, `id map: line 0: strconv.ParseUint: parsing "-1": invalid syntax`},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			got, err := clone.ParseIDMaps([]byte(r.text))
			if message(err) != r.err || !slices.Equal(got, r.want) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

// FuzzIDMaps: what the text says is what the map means, and a valid map is a
// translation in both directions.
func FuzzIDMaps(f *testing.F) {
	for _, r := range idMapRows {
		f.Add(r.m.Format(), uint32(1000))
	}
	f.Add("         0       1000          1\n", uint32(0))
	f.Add("0 0", uint32(1<<31))
	f.Fuzz(func(t *testing.T, text string, id uint32) {
		m, err := clone.ParseIDMaps([]byte(text))
		if err != nil {
			return
		}
		back, err := clone.ParseIDMaps([]byte(m.Format()))
		if err != nil || !slices.Equal(back, m) {
			t.Fatalf("%v is formatted and read as %v, %v", m, back, err)
		}
		if m.Validate() != nil {
			return
		}
		if strings.Count(m.Format(), "\n") > 340 || len(m.Format()) >= 4096 {
			t.Fatalf("the kernel does not take %q", m.Format())
		}
		ids := []uint32{id}
		for _, l := range m {
			ids = append(ids, l.ContainerID, l.ContainerID+l.Size-1, l.ContainerID+id%l.Size)
		}
		for _, inside := range ids {
			outside, ok := m.ToHost(inside)
			if !ok {
				continue
			}
			if again, ok := m.ToContainer(outside); !ok || again != inside {
				t.Fatalf("%d is %d outside, which is %d, %v inside", inside, outside, again, ok)
			}
			if inside == 4294967295 || outside == 4294967295 {
				t.Fatalf("the id -1 is mapped: %d to %d", inside, outside)
			}
		}
		for i, l := range m {
			if got, ok := m.ToHost(l.ContainerID); !ok || got != l.HostID {
				t.Fatalf("line %d begins with %d to %d, ToHost says %d, %v", i, l.ContainerID, l.HostID, got, ok)
			}
		}
	})
}
