package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPidFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "pid")
	for _, before := range []string{"", "123456789"} { // none, or a longer one
		if before != "" {
			if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := writePidFile(file, 4711); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil || string(text) != "4711" {
			t.Errorf("%q, %v", text, err)
		}
	}
	// The old file was not written to: whoever has it open still reads all of it.
	old, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := writePidFile(file, 1); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 9)
	if n, err := old.Read(text); string(text[:n]) != "4711" {
		t.Errorf("%q, %v", text[:n], err)
	}
	t.Chdir(dir)
	if err := writePidFile("here", 5); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%v, %v", left, err)
	}
}

// What cannot be written leaves nothing, and the error says which flag asked for it.
func TestPidFileFails(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir + "/none/pid": "--pid-file " + dir + "/none/pid: no such file or directory",
		dir:               "--pid-file: rename ",
	} {
		if err := writePidFile(path, 1); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		left, err := filepath.Glob(d + "/.*")
		if err != nil || len(left) > 0 {
			t.Errorf("%v, %v", left, err)
		}
	}
}
