package nsexec_test

import (
	"bytes"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/nsexec"
)

// goTool runs the go command and returns what it printed. A machine without Go, such as
// a guest of the test bed, skips the test.
func goTool(t *testing.T, env []string, args ...string) string {
	t.Helper()
	path, err := osexec.LookPath("go")
	if err != nil {
		t.Skipf("skipped: builds programs: %v", err)
	}
	cmd := osexec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		var exit *osexec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w\n%s", err, exit.Stderr)
		}
		t.Fatalf("%v go %s: %v", env, strings.Join(args, " "), err)
	}
	return string(out)
}

// builds are ways to build a program that move its functions, or put others beside them.
var builds = []struct {
	name string
	env  string
	args []string
	gcc  bool
}{
	{name: "plain", env: "CGO_ENABLED=0"},
	{name: "functions shuffled, 1", env: "CGO_ENABLED=0", args: []string{"-ldflags=-randlayout=1"}},
	{name: "functions shuffled, 2", env: "CGO_ENABLED=0", args: []string{"-ldflags=-randlayout=2"}},
	{name: "functions shuffled, 3", env: "CGO_ENABLED=0", args: []string{"-ldflags=-randlayout=3"}},
	{name: "position independent", env: "CGO_ENABLED=0", args: []string{"-buildmode=pie"}},
	{name: "stripped", env: "CGO_ENABLED=0", args: []string{"-ldflags=-s -w"}},
	{name: "not optimised", env: "CGO_ENABLED=0", args: []string{"-gcflags=./...=-N -l"}},
	{name: "for coverage", env: "CGO_ENABLED=0", args: []string{"-cover", "-coverpkg=github.com/selfcontain/runtime/nsexec"}},
	{name: "cgo", env: "CGO_ENABLED=1", gcc: true},
	{name: "cgo, linked by gcc", env: "CGO_ENABLED=1", args: []string{"-ldflags=-linkmode=external"}, gcc: true},
	{name: "race detector", env: "CGO_ENABLED=1", args: []string{"-race"}, gcc: true},
	{name: "race detector, shuffled", env: "CGO_ENABLED=1", args: []string{"-race", "-ldflags=-randlayout=4"}, gcc: true},
}

// TestInterpreterInEveryBuild has programs that look for the interpreter in themselves.
// All find the same bytes and make the same image of the same program.
func TestInterpreterInEveryBuild(t *testing.T) {
	want := ""
	for _, build := range builds {
		t.Run(build.name, func(t *testing.T) {
			if _, err := osexec.LookPath("gcc"); err != nil && build.gcc {
				t.Skipf("skipped: a build with cgo: %v", err)
			}
			bin := filepath.Join(t.TempDir(), "digest")
			goTool(t, []string{build.env}, append(append([]string{"build", "-buildvcs=false", "-o", bin}, build.args...), "./testdata/digest")...)
			cmd := osexec.CommandContext(t.Context(), bin)
			cmd.Env = append(os.Environ(), "GOCOVERDIR="+t.TempDir())
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if want == "" {
				want = string(out)
			}
			if string(out) != want {
				t.Errorf("interpreter and image are\n%s, in the plain build they are\n%s", out, want)
			}
		})
	}
}

// TestInterpreterCrossBuilt reads the interpreter out of programs for both
// architectures, without running them.
func TestInterpreterCrossBuilt(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			first := map[string][]byte{}
			for _, args := range [][]string{nil, {"-ldflags=-randlayout=5"}, {"-buildmode=pie"}, {"-ldflags=-s -w"}, {"-ldflags=-s -w -randlayout=6"}} {
				bin := filepath.Join(t.TempDir(), "digest")
				goTool(t, []string{"CGO_ENABLED=0", "GOARCH=" + arch}, append(append([]string{"build", "-buildvcs=false", "-o", bin}, args...), "./testdata/digest")...)
				text := textSection(t, bin)
				for _, c := range codes {
					if args == nil {
						first[c.symbol] = codeIn(t, c.symbol, bin, text)
						countInstructions(t, arch, bin, c.symbol, first[c.symbol], c.most)
						if sum := fmt.Sprintf("%x", sha(first[c.symbol])); sum != golden(t, c.name, arch) {
							t.Errorf("the %s's SHA-256 is %s, in testdata/golden.txt it is %s", c.name, sum, golden(t, c.name, arch))
						}
					}
					// A stripped program has no symbols: the bytes are there, once.
					code := first[c.symbol]
					if n := bytes.Count(text, append(code[:len(code):len(code)], nsexec.Marker()...)); n != 1 {
						t.Errorf("built with %v: the %s's bytes are there %d times, want once", args, c.name, n)
					}
				}
			}
		})
	}
}

// codes are the symbols whose code is copied, and how many instructions each may have:
// what can be read at a glance.
var codes = []struct {
	name, symbol string
	most         int
}{{"interpreter", "interp", 45}, {"reaper", "reaper", 60}}

func textSection(t *testing.T, bin string) []byte {
	t.Helper()
	f, err := elf.Open(bin)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := f.Section(".text").Data()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// codeIn is the code of a symbol, up to its end marker.
func codeIn(t *testing.T, symbol, bin string, text []byte) []byte {
	t.Helper()
	f, err := elf.Open(bin)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if s.Name != "github.com/selfcontain/runtime/nsexec."+symbol+".abi0" {
			continue
		}
		code := text[s.Value-f.Section(".text").Addr:][:s.Size]
		end := bytes.Index(code, nsexec.Marker())
		if end < 0 {
			t.Fatalf("no end marker in %d bytes: %s", len(code), hex.EncodeToString(code))
		}
		return code[:end]
	}
	t.Fatalf("no symbol nsexec.%s.abi0", symbol)
	return nil
}

// countInstructions counts those of a symbol.
func countInstructions(t *testing.T, arch, bin, symbol string, code []byte, most int) {
	t.Helper()
	out := goTool(t, nil, "tool", "objdump", "-s", `nsexec\.`+symbol+`\.abi0$`, bin)
	n, last := 0, ""
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.Contains(fields[0], ".s:") || strings.HasPrefix(last, "INT") || strings.HasPrefix(last, "BRK") {
			continue
		}
		n, last = n+1, fields[3]
	}
	if n == 0 || n > most || arch == "arm64" && 4*n != len(code) {
		t.Errorf("%d instructions in %d bytes, want at most %d", n, len(code), most)
	}
	t.Logf("%s on %s: %d instructions, %d bytes", symbol, arch, n, len(code))
}
