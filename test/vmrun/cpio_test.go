package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unpack lists an archive as "name mode uid size content" and checks its form.
func unpack(t *testing.T, archive []byte) []string {
	t.Helper()
	var out []string
	for {
		if len(archive) < 110 || string(archive[:6]) != "070701" {
			t.Fatalf("no header: %.20q", archive)
		}
		var f [13]int
		for i := range f {
			if _, err := fmt.Sscanf(string(archive[6+8*i:14+8*i]), "%08x", &f[i]); err != nil {
				t.Fatal(err)
			}
		}
		mode, uid, size, nameLen := f[1], f[2], f[6], f[11]
		name := string(archive[110 : 110+nameLen-1])
		if archive[110+nameLen-1] != 0 {
			t.Fatalf("the name %q does not end in a NUL", name)
		}
		if name == "TRAILER!!!" {
			return out
		}
		data := (110 + nameLen + 3) &^ 3
		content := archive[data : data+size]
		out = append(out, fmt.Sprintf("%s %o %d %q", name, mode, uid, content))
		archive = archive[(data+size+3)&^3:]
	}
}

func TestCpio(t *testing.T) {
	dir := t.TempDir()
	host := filepath.Join(dir, "prog")
	if err := os.WriteFile(host, []byte("prog"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(host, os.ModeSetuid|0o755); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	c := newCpio(&b)
	c.file("/a/b/one", 0o600, []byte("12345"))
	c.file("a/../a/b/one", 0o644, []byte("a second entry of the same name"))
	c.symlink("/link", "a/b")
	c.node("/null", 0o20666, 1, 3)
	c.ownedDir("/home/tester", 0o755, 1000)
	c.hostFile("/prog", host)
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`a 40755 0 ""`,
		`a/b 40755 0 ""`,
		`a/b/one 100600 0 "12345"`,
		`link 120777 0 "a/b"`,
		`null 20666 0 ""`,
		`home 40755 0 ""`,
		`home/tester 40755 1000 ""`,
		`prog 104755 0 "prog"`,
	}
	if got := unpack(t, b.Bytes()); !slices.Equal(got, want) {
		t.Errorf("the archive has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if int64(b.Len()) != c.n {
		t.Errorf("%d bytes written, %d counted", b.Len(), c.n)
	}
}

// The kernel's reader is not here; busybox's is an independent one.
func TestCpioIsReadByBusybox(t *testing.T) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("skipped: no busybox")
	}
	var b bytes.Buffer
	c := newCpio(&b)
	c.file("/dir/file", 0o644, []byte("text"))
	c.symlink("/dir/link", "file")
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(busybox, "cpio", "-t")
	cmd.Stdin = &b
	out, err := cmd.Output()
	if want := "dir\ndir/file\ndir/link\n"; err != nil || string(out) != want {
		t.Errorf("busybox lists %q, %v, want %q", out, err, want)
	}
}

func TestCpioTree(t *testing.T) {
	host := t.TempDir()
	for _, d := range []string{"bin", "usr/share/doc/pkg", "usr/share/misc"} {
		if err := os.MkdirAll(filepath.Join(host, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"bin/tool", "usr/share/doc/pkg/README", "usr/share/misc/data"} {
		if err := os.WriteFile(filepath.Join(host, f), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("tool", filepath.Join(host, "bin/alias")); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	c := newCpio(&b)
	c.mergeUsr()
	c.tree("/", host, "usr/share/doc")
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, line := range unpack(t, b.Bytes()) {
		names = append(names, strings.Fields(line)[0])
	}
	for name, want := range map[string]bool{
		"bin": true, "usr/bin/tool": true, "usr/bin/alias": true, "bin/tool": false,
		"usr/share/misc/data": true, "usr/share/doc": false, "usr/share/doc/pkg/README": false,
	} {
		if got := slices.Contains(names, name); got != want {
			t.Errorf("the archive has %s: %v, want %v", name, got, want)
		}
	}
}

func TestCpioKeepsTheFirstError(t *testing.T) {
	c := newCpio(&bytes.Buffer{})
	c.hostFile("/x", "/no/such/file")
	c.file("/y", 0o644, nil)
	if err := c.close(); err == nil || !strings.Contains(err.Error(), "/no/such/file") {
		t.Errorf("the error is %v", err)
	}
}
