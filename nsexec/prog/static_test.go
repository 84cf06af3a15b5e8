package prog_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoStartupWork: a program that links this package does nothing for it before
// main. All tables are static data.
func TestNoStartupWork(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: builds a program, and -short is given")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("skipped: there is no go command here")
	}
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "main")
	const text = `package main

import "github.com/selfcontain/runtime/nsexec/prog"

func main() {
	var b prog.Builder
	b.Add(prog.Op{Call: prog.Exit, Args: prog.Args{prog.Int(0)}})
	p, err := b.Program()
	println(p.Text(0), err == nil)
}
`
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "exit(0) true") || !strings.Contains(string(out), "init runtime") {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "init github.com/selfcontain/") {
			t.Error(strings.TrimSpace(line))
		}
	}
}
