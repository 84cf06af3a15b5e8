package prog

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestHintIsAboutTheError(t *testing.T) {
	for _, row := range []struct {
		hint  string
		errno unix.Errno
		want  string
	}{
		{"", unix.EPERM, ""},
		{"it needs CAP_SETGID", unix.EPERM, "it needs CAP_SETGID"},
		{"one; two", unix.EPERM, "one; two"},
		{"ENODEV: no module; EPERM: no right", unix.ENODEV, "no module"},
		{"ENODEV: no module; EPERM: no right", unix.EPERM, "no right"},
		{"ENODEV: no module; EPERM: no right", unix.EIO, ""},
		{"EACCES or EPERM: refused", unix.EACCES, "refused"},
		{"EACCES or EPERM: refused", unix.EPERM, "refused"},
		{"EACCES, EPERM: refused", unix.EPERM, "refused"},
		{"EAGAIN, three times: somebody renames; EIO: x", unix.EAGAIN, "somebody renames"},
		{"always; EPERM: sometimes; still; EIO: never", unix.EPERM, "always; sometimes; still"},
		{"always; EPERM: sometimes; still; EIO: never", unix.EIO, "always; never"},
		{`"Echo": executable file not found in $PATH`, unix.ENOENT, `"Echo": executable file not found in $PATH`},
		{"Every one: a, b", unix.ENOENT, "Every one: a, b"},
	} {
		if got := (Op{Hint: row.hint}).HintFor(row.errno); got != row.want {
			t.Errorf("%q for %v: got %q, want %q", row.hint, row.errno, got, row.want)
		}
	}
}
