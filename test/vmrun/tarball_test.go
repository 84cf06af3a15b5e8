package main

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestFetchRoundTrip(t *testing.T) {
	guest, host := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(guest, "dir/sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"dir/sub/a": "A", "dir/b": "B", "c.out": "C"} {
		if err := os.WriteFile(filepath.Join(guest, name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(guest, "dir/link")); err != nil {
		t.Fatal(err)
	}
	to := []fetch{
		{filepath.Join(guest, "dir"), filepath.Join(host, "d")},
		{filepath.Join(guest, "c.out"), filepath.Join(host, "new/c")},
		{filepath.Join(guest, "absent"), filepath.Join(host, "absent")},
	}
	var b bytes.Buffer
	if err := sendTar(&b, []string{to[0].guest, to[1].guest, to[2].guest}); err != nil {
		t.Fatal(err)
	}
	if err := untar(&b, to); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"d/sub/a": "A", "d/b": "B", "new/c": "C"} {
		if got, err := os.ReadFile(filepath.Join(host, name)); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v, want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"d/link", "absent"} {
		if exists(filepath.Join(host, name)) {
			t.Errorf("%s has come", name)
		}
	}
}

// The guest's archive is not to be trusted.
func TestUntarRefuses(t *testing.T) {
	rows := []struct {
		about string
		entry tar.Header
	}{
		{"a path that was not asked for", tar.Header{Name: "1/x", Typeflag: tar.TypeReg}},
		{"a negative index", tar.Header{Name: "-1/x", Typeflag: tar.TypeReg}},
		{"a name without an index", tar.Header{Name: "x/y", Typeflag: tar.TypeReg}},
		{"an absolute name", tar.Header{Name: "/etc/passwd", Typeflag: tar.TypeReg}},
		{"an absolute name below", tar.Header{Name: "0//etc/passwd", Typeflag: tar.TypeReg}},
		{"a way up", tar.Header{Name: "0/../x", Typeflag: tar.TypeReg}},
		{"a way down and up", tar.Header{Name: "0/a/../../x", Typeflag: tar.TypeReg}},
		{"a directory above", tar.Header{Name: "0/..", Typeflag: tar.TypeDir}},
		{"a symbolic link", tar.Header{Name: "0/x", Typeflag: tar.TypeSymlink, Linkname: "/etc"}},
		{"a hard link", tar.Header{Name: "0/x", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}},
		{"a device", tar.Header{Name: "0/x", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}},
	}
	for _, r := range rows {
		t.Run(r.about, func(t *testing.T) {
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			r.entry.Mode = 0o644
			if err := w.WriteHeader(&r.entry); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			top := t.TempDir()
			if err := untar(&b, []fetch{{"/out", filepath.Join(top, "in")}}); err == nil {
				t.Error("accepted")
			}
			if left, err := filepath.Glob(filepath.Join(top, "*")); err != nil || len(left) != 0 {
				t.Errorf("made %q, %v", left, err)
			}
		})
	}
}
