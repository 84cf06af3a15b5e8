package container_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

func TestSubordinateIDs(t *testing.T) {
	rows := []struct {
		name, text string
		want       []container.IDRange
	}{
		{"by name", "other:1:2\nme:100000:65536\n", []container.IDRange{{First: 100000, Count: 65536}}},
		{"by number", "1000:100000:65536", []container.IDRange{{First: 100000, Count: 65536}}},
		{"all of them, in their order", "me:5:1\n1000:3:1\nme:9:2\n", []container.IDRange{{First: 5, Count: 1}, {First: 3, Count: 1}, {First: 9, Count: 2}}},
		{"not those of a longer name", "me2:1:1\nm:1:1\n", nil},
		{"nor those without a name", ":1:1\n", nil},
		{"lines that make no sense are passed over", "me\nme:1\nme:a:1\nme:1:b\nme:-1:1\nme:1:1:1\nme:1:0\nme:4294967295:1\n# me:1:1\n", nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := container.Subordinate(row.text, "me", 1000); !slices.Equal(got, row.want) {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
	// Who has no name has only the lines with his number.
	if got := container.Subordinate(":1:1\n1000:2:2\n", "", 1000); !slices.Equal(got, []container.IDRange{{First: 2, Count: 2}}) {
		t.Errorf("without a name: %v", got)
	}
}

func TestUserName(t *testing.T) {
	const passwd = "root:x:0:0:root:/root:/bin/sh\nbroken:1000\nme:x:1000:1000::/home/me:/bin/sh\ntoo:x:1000:1:::\n"
	for uid, want := range map[int]string{0: "root", 1000: "me", 1: "", 10: ""} {
		if got := container.UserName(passwd, uid); got != want {
			t.Errorf("%d is %q, want %q", uid, got, want)
		}
	}
}

// FuzzSubordinate: whatever stands in the file, a range has ids, and ends below 2^32-1.
func FuzzSubordinate(f *testing.F) {
	f.Add("me:100000:65536\n1000:4294967294:1\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range container.Subordinate(text, "me", 1000) {
			if r.Count == 0 || uint64(r.First)+uint64(r.Count) > 1<<32-1 || !strings.Contains(text, ":") {
				t.Errorf("%v of %q", r, text)
			}
		}
	})
}

// TestProbeFindsSubordinateIDs as the user whose they are.
func TestProbeFindsSubordinateIDs(t *testing.T) {
	if !nstest.Subprocess(t, nstest.As(subuser)) {
		return
	}
	host := probe(t)
	want := []container.IDRange{{First: uint32(subuser.SubID), Count: uint32(subuser.SubIDs)}}
	if !slices.Equal(host.SubUIDs, want) || !slices.Equal(host.SubGIDs, want) || host.NewUIDMap == "" || host.NewGIDMap == "" || host.GID != subuser.ID {
		t.Errorf("%+v", host.UserFacts)
	}
}
