package caps_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/syndtr/gocapability/capability"
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
)

// TestTable holds names and numbers against a table that somebody else wrote.
func TestTable(t *testing.T) {
	list := capability.List()
	if len(list) != 41 || caps.LastKnown != 40 || unix.CAP_LAST_CAP != 40 {
		t.Errorf("%d capabilities, LastKnown is %d, unix has %d", len(list), caps.LastKnown, unix.CAP_LAST_CAP)
	}
	for _, theirs := range list {
		name := "CAP_" + strings.ToUpper(theirs.String())
		ours, err := caps.Parse(name)
		if err != nil || int(ours) != int(theirs) {
			t.Errorf("%s is %d, want %d (%v)", name, ours, theirs, err)
		}
		if ours.String() != name || ours.Since() == "" {
			t.Errorf("%d is %v since %q, want %s", theirs, ours, ours.Since(), name)
		}
	}
}

func TestParse(t *testing.T) {
	rows := []struct {
		why, name string
		want      caps.Cap
	}{
		{"the name in the manual", "CAP_SYS_ADMIN", caps.SYS_ADMIN},
		{"without its beginning", "SYS_ADMIN", caps.SYS_ADMIN},
		{"in small letters", "cap_sys_admin", caps.SYS_ADMIN},
		{"both", "sys_admin", caps.SYS_ADMIN},
		{"mixed", "Cap_Sys_Admin", caps.SYS_ADMIN},
		{"the last one", "CAP_CHECKPOINT_RESTORE", caps.CHECKPOINT_RESTORE},
		{"one that a newer kernel has", "CAP_41", 41},
		{"the last that there is room for", "CAP_63", 63},
	}
	for _, r := range rows {
		if got, err := caps.Parse(r.name); err != nil || got != r.want {
			t.Errorf("%s: %q is %v, %v", r.why, r.name, got, err)
		}
	}
	wrong := []struct{ why, name string }{
		{"nothing", ""},
		{"only the beginning", "CAP_"},
		{"the beginning twice", "CAP_CAP_CHOWN"},
		{"a space behind", "CAP_CHOWN "},
		{"a space before", " CAP_CHOWN"},
		{"a NUL", "CAP_CHOWN\x00"},
		{"another hyphen", "CAP-CHOWN"},
		{"a letter less", "CAP_CHOW"},
		{"a letter more", "CAP_CHOWNS"},
		{"the Kelvin sign for a K", "CAP_\u212aILL"},
		{"a number that has a name", "CAP_40"},
		{"a number without room", "CAP_64"},
		{"a number in another spelling", "CAP_041"},
		{"a bare number", "41"},
		{"several", "CAP_CHOWN,CAP_KILL"},
		{"all", "ALL"},
	}
	for _, r := range wrong {
		if got, err := caps.Parse(r.name); err == nil || err.Error() != fmt.Sprintf("%q is not a capability", r.name) {
			t.Errorf("%s: %q is %v, %v", r.why, r.name, got, err)
		}
	}
}

func TestSet(t *testing.T) {
	var s caps.Set
	s.Add(caps.KILL, caps.CHOWN, caps.BPF, caps.KILL)
	if !s.Has(caps.CHOWN) || !s.Has(caps.BPF) || s.Has(caps.SYS_ADMIN) {
		t.Errorf("%v", s)
	}
	if want := []caps.Cap{caps.CHOWN, caps.KILL, caps.BPF}; !slices.Equal(s.List(), want) {
		t.Errorf("list %v, want %v", s.List(), want)
	}
	if s.String() != "CAP_CHOWN, CAP_KILL, CAP_BPF" {
		t.Errorf("%v", s)
	}
	s.Remove(caps.KILL, caps.SYS_ADMIN)
	if s != caps.Of(caps.BPF, caps.CHOWN) || s != 1|1<<39 {
		t.Errorf("%#x", uint64(s))
	}
	s.Add(64, 200)
	if s != caps.Of(caps.BPF, caps.CHOWN) || s.Has(64) {
		t.Errorf("what is not a capability was added: %v", s)
	}
	if caps.Set(0).String() != "none" || len(caps.Set(0).List()) != 0 {
		t.Error("the empty set is not empty")
	}
	for _, r := range []struct {
		last caps.Cap
		want caps.Set
	}{{0, 1}, {40, 1<<41 - 1}, {62, 1<<63 - 1}, {63, 1<<64 - 1}, {255, 1<<64 - 1}} {
		if got := caps.UpTo(r.last); got != r.want {
			t.Errorf("up to %d: %#x, want %#x", r.last, uint64(got), uint64(r.want))
		}
	}
}

func TestJSON(t *testing.T) {
	c := caps.Config{
		Bounding:   caps.Of(caps.CHOWN, caps.BPF, 41),
		Effective:  caps.Of(caps.CHOWN),
		Securebits: caps.NoRoot | caps.NoRootLocked,
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"bounding":"CAP_CHOWN CAP_BPF CAP_41","effective":"CAP_CHOWN","permitted":"","inheritable":"","ambient":"","securebits":"SECBIT_NOROOT SECBIT_NOROOT_LOCKED"}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	var back caps.Config
	if err := json.Unmarshal(text, &back); err != nil || back != c {
		t.Errorf("got %+v back, %v", back, err)
	}
	for _, r := range []struct{ text, want string }{
		{`{"bounding":"CAP_FOO"}`, `capabilities: "CAP_FOO" is not a capability`},
		{`{"securebits":"NOROOF"}`, `"NOROOF" is not a securebit`},
	} {
		if err := json.Unmarshal([]byte(r.text), &back); err == nil || err.Error() != r.want {
			t.Errorf("%s: %v, want %s", r.text, err, r.want)
		}
	}
}

func TestSecurebits(t *testing.T) {
	rows := []struct {
		why   string
		names []string
		want  caps.Securebits
		text  string
	}{
		{"none", nil, 0, "0"},
		{"the name in the manual", []string{"SECBIT_KEEP_CAPS"}, 1 << 4, "SECBIT_KEEP_CAPS"},
		{"without its beginning, in small letters", []string{"keep_caps", "noroot"}, 1<<4 | 1, "SECBIT_NOROOT|SECBIT_KEEP_CAPS"},
		{"all that the kernel had before 6.14", []string{"NOROOT", "NOROOT_LOCKED", "NO_SETUID_FIXUP", "NO_SETUID_FIXUP_LOCKED", "KEEP_CAPS", "KEEP_CAPS_LOCKED", "NO_CAP_AMBIENT_RAISE", "NO_CAP_AMBIENT_RAISE_LOCKED"}, 0xff,
			// as strace writes them
			"SECBIT_NOROOT|SECBIT_NOROOT_LOCKED|SECBIT_NO_SETUID_FIXUP|SECBIT_NO_SETUID_FIXUP_LOCKED|SECBIT_KEEP_CAPS|SECBIT_KEEP_CAPS_LOCKED|SECBIT_NO_CAP_AMBIENT_RAISE|SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED"},
		{"those since", []string{"EXEC_RESTRICT_FILE", "EXEC_RESTRICT_FILE_LOCKED", "EXEC_DENY_INTERACTIVE", "EXEC_DENY_INTERACTIVE_LOCKED"}, 0xf00,
			"SECBIT_EXEC_RESTRICT_FILE|SECBIT_EXEC_RESTRICT_FILE_LOCKED|SECBIT_EXEC_DENY_INTERACTIVE|SECBIT_EXEC_DENY_INTERACTIVE_LOCKED"},
	}
	for _, r := range rows {
		if got, err := caps.ParseSecurebits(r.names); err != nil || got != r.want || got.String() != r.text {
			t.Errorf("%s: %v, %v", r.why, got, err)
		}
	}
	for _, name := range []string{"", "SECBIT_", "SECBIT_FOO", "SECBIT_SECBIT_NOROOT", "1"} {
		if got, err := caps.ParseSecurebits([]string{"NOROOT", name}); err == nil {
			t.Errorf("%q is taken: %v", name, got)
		}
	}
	if got := caps.Securebits(1<<31 | 1).String(); got != "SECBIT_NOROOT|0x80000000" {
		t.Errorf("a bit without a name: %s", got)
	}
}
