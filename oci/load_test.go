package oci_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/oci"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.json")
	good := []byte(document("", ""))
	for _, row := range []struct {
		name string
		make func() error
		want string // of the error, with the file's name taken off
		is   error
	}{
		{"a regular file", func() error { return os.WriteFile(file, good, 0o644) }, "", nil},
		{"a link to one", func() error {
			other := filepath.Join(dir, "other")
			return errors.Join(os.WriteFile(other, good, 0o600), os.Symlink("other", file))
		}, "", nil},
		{"a file that is as long as allowed", func() error {
			return os.WriteFile(file, append(bytes.Repeat([]byte{' '}, 8<<20-len(good)), good...), 0o644)
		}, "", nil},
		{"nothing", func() error { return nil }, ": no such file or directory", unix.ENOENT},
		{"a link to nothing", func() error { return os.Symlink("nothing", file) }, ": no such file or directory", unix.ENOENT},
		{"a link to itself", func() error { return os.Symlink("config.json", file) }, ": too many levels of symbolic links", unix.ELOOP},
		{"a directory", func() error { return os.Mkdir(file, 0o755) }, ": it is not a regular file", nil},
		{"a fifo that nobody writes to", func() error { return unix.Mkfifo(file, 0o600) }, ": it is not a regular file", nil},
		{"a link to a device", func() error { return os.Symlink("/dev/zero", file) }, ": it is not a regular file", nil},
		{"a file without an end", func() error {
			return errors.Join(os.WriteFile(file, nil, 0o644), os.Truncate(file, 1<<40))
		}, ": 1099511627776 bytes are more than 8388608", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Cleanup(func() {
				if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Error(err)
				}
			})
			if err := row.make(); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			spec, _, err := oci.Load(dir)
			if row.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if want := filepath.Join(dir, "rootfs"); spec.Root.Path != want {
					t.Errorf("root %q, want %q", spec.Root.Path, want)
				}
				return
			}
			if err == nil || err.Error() != file+row.want {
				t.Errorf("got %v, want %s", err, file+row.want)
			}
			if row.is != nil && !errors.Is(err, row.is) {
				t.Errorf("errors.Is(%v, %v) is false", err, row.is)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("it took %v", d)
			}
		})
	}
}

// A file of /proc says that its size is 0.
func TestLoadWithoutSize(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/proc/self/environ", filepath.Join(dir, "config.json")); err != nil {
		t.Fatal(err)
	}
	_, _, err := oci.Load(dir)
	var syntax *oci.Error
	if !errors.As(err, &syntax) || strings.Contains(err.Error(), "empty") {
		t.Errorf("got %v: want an error about what is in it", err)
	}
}

func TestLoadRelativeBundle(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll("a/b", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("a/b/config.json", []byte(document("", "")), 0o644); err != nil {
		t.Fatal(err)
	}
	spec, _, err := oci.Load("a/./b/")
	if want := filepath.Join(dir, "a/b/rootfs"); err != nil || spec.Root.Path != want {
		t.Errorf("root %q, %v, want %q", spec.Root.Path, err, want)
	}
}

// A document that ends anywhere is an error, and never a shorter container.
func TestTruncated(t *testing.T) {
	files, err := filepath.Glob("testdata/corpus/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(bytes.TrimRight(data, " \n")) {
			if _, _, err := oci.Decode(data[:n], "/bundle"); err == nil {
				t.Errorf("%s: the first %d bytes are accepted", file, n)
			}
		}
	}
}

func TestBombs(t *testing.T) {
	deep := func(n int) string {
		return document("", `"x": `+strings.Repeat("[", n)+strings.Repeat("]", n))
	}
	for _, row := range []struct{ name, text, want string }{
		{"as deep as allowed", deep(63), ""},
		{"a level deeper", deep(64), "more than 64 objects and arrays in each other"},
		{"a million levels deep, without an end", `{"x": ` + strings.Repeat("[", 1<<20), "more than 64 objects and arrays in each other"},
		{"a million levels of objects", strings.Repeat(`{"x": `, 1<<20), "more than 64 objects and arrays in each other"},
		{"a million groups", document("user", `"additionalGids": [`+strings.Repeat("1,", 1<<20)+"1]"), "more than 262144 names and values"},
		{"a million numbers that nobody reads", document("", `"x": [`+strings.Repeat("1,", 1<<20)+"1]"), "more than 262144 names and values"},
		{"a number of a million digits", document("process", `"oomScoreAdj": `+strings.Repeat("1", 1<<20)), "…"},
		{"a name of a million letters", document("", `"mounts": [{"destination": 1, "`+strings.Repeat("x", 1<<20)+`": 1}]`), "a string is wanted here, not a number"},
		{"a sysctl with a name of a million letters", document("linux", `"sysctl": {"`+strings.Repeat("x", 1<<20)+`": 1}`), "a string is wanted here, not a number"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, _, err := oci.Decode([]byte(row.text), "/bundle")
			if row.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.HasSuffix(err.Error(), row.want) || len(err.Error()) > 700 {
				t.Errorf("got %.900v, want a line that ends in %s", err, row.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/corpus/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(document("linux", `"resources": {"unified": {"x": "y"}}, "seccomp": {}`)))
	f.Add([]byte(document("linux", `"resources": `+every)))
	f.Add([]byte(document("process", `"oomScoreAdj": -0, "terminal": false, "scheduler": {"nice": 0, "policy": "SCHED_RR"}, "ioPriority": {"class": "x", "priority": -3}, "execCPUAffinity": {"final": "1"}`)))
	f.Add([]byte(document("linux", `"personality": {"domain": "LINUX"}, "memoryPolicy": {"mode": "x", "nodes": "1", "flags": ["y"]}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, warnings, err := oci.Decode(data, "/bundle")
		if err != nil {
			if s := err.Error(); strings.ContainsAny(s, "\n\x00\x1b") || !strings.HasPrefix(s, "config.json: ") {
				t.Errorf("not one plain line: %q", s)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("encoding/json does not accept it")
		}
		for _, w := range warnings {
			if strings.ContainsAny(w.String(), "\n\x00\x1b") {
				t.Errorf("not one plain line: %q", w)
			}
		}
		for _, difference := range judge(t, data, spec) {
			t.Error(difference)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	data, err := os.ReadFile("testdata/corpus/plain.json")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := oci.Decode(data, "/bundle"); err != nil {
			b.Fatal(err)
		}
	}
}
