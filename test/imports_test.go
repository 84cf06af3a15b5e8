// Package test holds the tests that are about the module as a whole.
package test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/selfcontain/runtime"

// layer is what a package may import, besides the standard library and what
// its own imports may. What it does not import itself it need not be allowed.
type layer struct {
	imports string // packages of ours
	modules string // modules of others
}

const sys = "golang.org/x/sys"

// drawing is who stands on whom. Imports point down only: what describes
// (mounts, caps) cannot run, what runs (nsexec) knows nothing of
// mounts or capabilities, and container is the only one that knows the order
// of everything.
var drawing = map[string]layer{
	"cmd/selfcontain": {"oci container internal/selfpipe", ""},
	"selfcontain":     {"container", "github.com/go-logr/logr"},
	"oci":             {"container", "github.com/go-json-experiment/json"},
	"container": {
		"nsexec mounts caps cgroupv2 ipvlan veth clone internal/nofile internal/plainjson",
		"github.com/moby/sys/mountinfo",
	},

	"nsexec":      {"nsexec/prog clone", sys},
	"mounts":      {"nsexec/prog", sys},
	"caps":        {"nsexec/prog", sys},
	"cgroupv2":    {"", sys + " github.com/moby/sys/mountinfo"},
	"ipvlan":      {"rtnl", ""},
	"veth":        {"rtnl", ""},
	"rtnl":        {"", sys},
	"nsexec/prog": {"", sys},
	"clone":       {"", sys},

	"internal/nofile":    {"", ""},
	"internal/plainjson": {"nsexec/prog", ""},
	"internal/selfpipe":  {"", sys},
	"internal/nstest":    {"", sys + " github.com/moby/sys/mountinfo"},
	"test":               {"", ""},
	"test/stress":        {"nsexec", sys},
	"test/vmrun":         {"", sys},
	"test/bench":         {"oci container", "github.com/opencontainers/runtime-spec"},
}

// reach returns what a package may import at all, directly or not.
func reach(name string) (ours, modules []string) {
	l := drawing[name]
	ours, modules = strings.Fields(l.imports), strings.Fields(l.modules)
	for _, below := range strings.Fields(l.imports) {
		o, m := reach(below)
		ours, modules = append(ours, o...), append(modules, m...)
	}
	return ours, modules
}

// unused returns what a package may import and does not. What only its imports import it
// may without being told.
func unused(name string, imports []string) (idle []string) {
	l := drawing[name]
	for _, p := range strings.Fields(l.imports) {
		if !slices.Contains(imports, modulePath+"/"+p) {
			idle = append(idle, p)
		}
	}
	for _, m := range strings.Fields(l.modules) {
		if !slices.ContainsFunc(imports, func(i string) bool { return belongs(i, m) }) {
			idle = append(idle, m)
		}
	}
	return idle
}

// belongs reports whether a package is one of a module, or of a directory of packages.
func belongs(name, module string) bool { return name == module || strings.HasPrefix(name, module+"/") }

// violations returns what is wrong with a package that depends on deps.
func violations(name string, deps []string) (wrong []string) {
	if _, ok := drawing[name]; !ok {
		return []string{"is in no place of the drawing: find one for it"}
	}
	ours, modules := reach(name)
	for _, d := range deps {
		first, _, _ := strings.Cut(d, "/")
		if below, ok := strings.CutPrefix(d, modulePath+"/"); ok {
			if !slices.Contains(ours, below) {
				wrong = append(wrong, "may not import "+below)
			}
		} else if strings.Contains(first, ".") { // not the standard library
			if !slices.ContainsFunc(modules, func(m string) bool { return belongs(d, m) }) {
				wrong = append(wrong, "may not import "+d)
			}
		}
	}
	return wrong
}

func TestImportsPointDown(t *testing.T) {
	direct := map[string][]string{} // imports, on any of the architectures
	for _, arch := range []string{"amd64", "arm64"} {
		cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Deps " "}} imports {{join .Imports " "}}`, "./...")
		cmd.Dir = ".."
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for line := range strings.Lines(string(out)) {
			f := strings.Fields(line)
			name := strings.TrimPrefix(f[0], modulePath+"/")
			end := slices.Index(f, "imports")
			for _, w := range violations(name, f[1:end]) {
				t.Errorf("%s, %s: %s", name, arch, w)
			}
			direct[name] = append(direct[name], f[end+1:]...)
		}
	}
	for name := range drawing {
		imports, there := direct[name]
		if !there {
			t.Errorf("%s: there is no such package", name)
			continue
		}
		for _, idle := range unused(name, imports) {
			t.Errorf("%s: may import %s, and does not", name, idle)
		}
	}
}

func TestUnused(t *testing.T) {
	rows := []struct {
		about, name string
		imports     []string
		want        string
	}{
		{"everything is used", "nsexec", []string{"fmt", modulePath + "/nsexec/prog", modulePath + "/clone", sys + "/unix"}, ""},
		{"a package is not", "nsexec", []string{modulePath + "/nsexec/prog", sys + "/unix"}, "clone"},
		{"a module is not", "nsexec", []string{modulePath + "/nsexec/prog", modulePath + "/clone", "golang.org/x/sysinfo"}, sys},
		{"nothing is allowed", "internal/nofile", nil, ""},
	}
	for _, r := range rows {
		if got := strings.Join(unused(r.name, r.imports), " "); got != r.want {
			t.Errorf("%s: %q, want %q", r.about, got, r.want)
		}
	}
}

func TestViolations(t *testing.T) {
	rows := []struct {
		about, name, dep string
		wrong            bool
	}{
		{"the standard library", "nsexec/prog", "encoding/json", false},
		{"what the standard library carries along", "nsexec/prog", "vendor/golang.org/x/crypto", false},
		{"x/sys", "clone", sys + "/unix", false},
		{"a package below", "nsexec", modulePath + "/nsexec/prog", false},
		{"a package below the one below", "oci", modulePath + "/nsexec/prog", false},
		{"a module of a package below", "oci", "github.com/moby/sys/mountinfo", false},
		{"a package beside", "mounts", modulePath + "/caps", true},
		{"what runs, in what describes", "mounts", modulePath + "/nsexec", true},
		{"a package above", "nsexec", modulePath + "/container", true},
		{"test support", "container", modulePath + "/internal/nstest", true},
		{"another module", "nsexec/prog", "github.com/moby/sys/mountinfo", true},
		{"a module with a longer name", "clone", "golang.org/x/sysinfo", true},
		{"an unknown package", "utils", "fmt", true},
	}
	for _, r := range rows {
		if got := violations(r.name, []string{r.dep}); (len(got) != 0) != r.wrong {
			t.Errorf("%s: %s imports %s: %q", r.about, r.name, r.dep, got)
		}
	}
}

// rule is something that source files in some places may not have.
type rule struct {
	about string
	where func(file string) bool // a path below the module's directory
	finds func(f *ast.File) []token.Pos
}

// library are the packages that others import; below are those that
// container stands on.
func library(file string) bool {
	return !isTest(file) && !within(file, "cmd", "test", "internal/nstest")
}

func below(file string) bool {
	return library(file) && !within(file, "container", "oci", "selfcontain")
}

func isTest(file string) bool { return strings.HasSuffix(file, "_test.go") }

func within(file string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(file, d+"/") })
}

var rules = []rule{
	{"imports C", func(string) bool { return true }, importing("C")},
	{"has a go:linkname", func(string) bool { return true }, linkname},
	{"has a func init", func(file string) bool { return !isTest(file) }, initFunc},
	{"imports a logger", library, importing("log", "log/slog", "log/syslog")},
	{"starts programs", below, importing("os/exec")},
}

func importing(paths ...string) func(*ast.File) []token.Pos {
	return func(f *ast.File) (at []token.Pos) {
		for _, i := range f.Imports {
			if p, err := strconv.Unquote(i.Path.Value); err != nil || slices.Contains(paths, p) {
				at = append(at, i.Pos())
			}
		}
		return at
	}
}

func linkname(f *ast.File) (at []token.Pos) {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//go:linkname") {
				at = append(at, c.Pos())
			}
		}
	}
	return at
}

func initFunc(f *ast.File) (at []token.Pos) {
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			at = append(at, fn.Pos())
		}
	}
	return at
}

// breaks returns the rules that a file breaks, as "line: rule".
func breaks(file string, source []byte) ([]string, error) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, file, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range rules {
		if !r.where(file) {
			continue
		}
		for _, pos := range r.finds(f) {
			out = append(out, fmt.Sprintf("%d: %s", set.Position(pos).Line, r.about))
		}
	}
	return out, nil
}

func TestSourceRules(t *testing.T) {
	files := 0
	err := fs.WalkDir(os.DirFS(".."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := d.Name()
			if name != "." && (base == "testdata" || base == "bin" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		source, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			return err
		}
		found, err := breaks(name, source)
		for _, b := range found {
			t.Errorf("%s:%s", name, b)
		}
		files++
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Errorf("only %d files were looked at", files)
	}
}

func TestBreaks(t *testing.T) {
	rows := []struct {
		file, source, want string
	}{
		{"nsexec/a.go", "package a\n\nimport \"os\"\n", ""},
		{"nsexec/a.go", "package a\n\nimport \"os/exec\"\n", "3: starts programs"},
		{"nsexec/a_test.go", "package a\n\nimport \"os/exec\"\n", ""},
		{"container/a.go", "package a\n\nimport \"os/exec\"\n", ""},
		{"container/a.go", "package a\n\nimport (\n\tl \"log\"\n)\n", "4: imports a logger"},
		{"cmd/selfcontain/a.go", "package a\n\nimport \"log\"\n", ""},
		{"cmd/selfcontain/a.go", "package a\n\nfunc init() {}\n", "3: has a func init"},
		{"caps/a.go", "package a\n\ntype t int\n\nfunc (t) init() {}\n", ""},
		{"caps/a_test.go", "package a\n\nfunc init() {}\n", ""},
		{"test/bench/a_test.go", "package a\n\nimport \"C\"\n", "3: imports C"},
		{"nsexec/a_test.go", "package a\n\n//go:linkname x y\nfunc x()\n", "3: has a go:linkname"},
		{"nsexec/a.go", "package a\n\n// no go:linkname here\nvar x = \"//go:linkname\"\n", ""},
	}
	for _, r := range rows {
		got, err := breaks(r.file, []byte(r.source))
		if err != nil || strings.Join(got, ", ") != r.want {
			t.Errorf("%s %q: %q, %v, want %q", r.file, r.source, got, err, r.want)
		}
	}
}
