package test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// outside are the programs of test/outside, a module of its own: what each may depend
// on, and something useful that it does.
var outside = []struct {
	name string
	ours string   // packages of ours, all of them; empty where it is made of most of them
	root bool     // it runs as root only
	args []string // nil are a directory with a busybox, and another one
	want string
}{
	{"container", "caps cgroupv2 clone container internal/nofile internal/plainjson ipvlan mounts nsexec nsexec/prog rtnl veth", true, nil, "demo running <nil>\nPID   COMMAND\n    1 /busybox sleep 1000\n    2 /busybox ps -o pid,args\nended: killed <nil>\n"},
	{"selfcontain", selfcontained, true, []string{}, "process 2 on node <nil>\n"},
	{"prove", selfcontained, true, []string{}, "a program proves where it is\n"},
	{"caps", "caps nsexec/prog", false, []string{"self"}, "self: "},
	{"clone", "clone", false, []string{strconv.Itoa(os.Getpid())}, "NEWUTS since Linux 2.6.19, shared: true\n"},
	{"mounts", "mounts nsexec/prog", false, []string{"tmpfs /tmp tmpfs size=4k,nosuid 0 0"}, `fsconfig($tmpfs, FSCONFIG_SET_STRING, "size", "4k", 0)` + "\n"},
	{"nsexec", "clone nsexec nsexec/prog", true, []string{"somewhere", "/bin/sh", "-c", "cat /proc/sys/kernel/hostname; ls /proc/self/fd | wc -l"}, "somewhere\n4\n"},
}

// selfcontained is what a program depends on that imports package selfcontain alone.
const selfcontained = "caps cgroupv2 clone container internal/nofile internal/plainjson ipvlan mounts nsexec nsexec/prog rtnl selfcontain veth"

// TestOutside builds and runs what another module makes of these packages. It needs no
// network: all that the programs depend on, this module's tests depend on as well.
func TestOutside(t *testing.T) {
	dir := t.TempDir()
	copyFile(t, "outside/go.mod", filepath.Join(dir, "go.mod"))
	copyFile(t, "../go.sum", filepath.Join(dir, "go.sum"))
	gotool := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir = "outside"
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod -modfile="+filepath.Join(dir, "go.mod"), "GOPROXY=off", "CGO_ENABLED=0")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
		}
		return string(out)
	}
	t.Run("a test binary without TestMain", func(t *testing.T) {
		program := filepath.Join(dir, "container.test")
		gotool("test", "-c", "-o", program, "./container")
		if os.Geteuid() != 0 {
			t.Skipf("skipped: it is built, and runs as root only; this is uid %d", os.Geteuid())
		}
		cmd := exec.Command(program, "-test.v")
		cmd.Env = append(os.Environ(), "ROOTFS="+rootfs(t))
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestWithoutTestMain") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	for _, o := range outside {
		t.Run(o.name, func(t *testing.T) {
			var ours []string
			for _, dep := range strings.Fields(gotool("list", "-deps", "./"+o.name)) {
				first, _, _ := strings.Cut(dep, "/")
				switch below, ok := strings.CutPrefix(dep, modulePath+"/"); {
				case ok:
					ours = append(ours, below)
				case dep == "example.org/outside/"+o.name, !strings.Contains(first, "."), strings.HasPrefix(dep, sys+"/"):
				case o.name == "container" && dep == "github.com/moby/sys/mountinfo":
				case o.ours == selfcontained && (dep == "github.com/moby/sys/mountinfo" || dep == "github.com/go-logr/logr"):
				default:
					t.Errorf("it depends on %s", dep)
				}
			}
			slices.Sort(ours)
			if got := strings.Join(ours, " "); o.ours != "" && got != o.ours {
				t.Errorf("it depends on %q of this module, want %q", got, o.ours)
			}
			program := filepath.Join(dir, o.name)
			gotool("build", "-o", program, "./"+o.name)
			if o.root && os.Geteuid() != 0 {
				t.Skipf("skipped: it is built, and runs as root only; this is uid %d", os.Geteuid())
			}
			args := o.args
			switch {
			case o.ours == selfcontained:
				args = contained(t, gotool)
			case args == nil:
				args = []string{rootfs(t), filepath.Join(t.TempDir(), "states")}
			}
			out, err := exec.Command(program, args...).CombinedOutput()
			if err != nil || !strings.Contains(string(out), o.want) {
				t.Errorf("it prints %q (%v), want %q", out, err, o.want)
			}
		})
	}
}

// contained are a directory for the data of a container, which must not lie where every container
// has something new, the command and a busybox.
func contained(t *testing.T, gotool func(...string) string) []string {
	t.Helper()
	data, err := os.MkdirTemp("/var/tmp", "outside")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(data) })
	command := filepath.Join(t.TempDir(), "selfcontain")
	gotool("build", "-o", command, modulePath+"/cmd/selfcontain")
	return []string{data, command, "/bin/busybox"}
}

// rootfs is a root file system that has nothing but a busybox.
func rootfs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	copyFile(t, "/bin/busybox", filepath.Join(dir, "busybox"))
	if err := os.Chmod(filepath.Join(dir, "busybox"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestReadmeShowsPrograms: the README has the program of test/outside/container, which does
// the whole cycle in less than forty lines, and that of test/outside/selfcontain.
func TestReadmeShowsPrograms(t *testing.T) {
	for file, lines := range map[string]int{"outside/container/main.go": 39, "outside/selfcontain/main.go": 20} {
		text := read(t, file)
		if n := strings.Count(text, "\n"); n > lines {
			t.Errorf("%s has %d lines, want at most %d", file, n, lines)
		}
		if !strings.Contains(read(t, "../README.md"), "```go\n"+text+"```\n") {
			t.Errorf("README.md does not have test/%s as it is", file)
		}
	}
}

// TestBuildIsReproducible builds the command twice, in different directories.
func TestBuildIsReproducible(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: it builds four times; not with -short")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			var first []byte
			for _, dir := range []string{root, copyModule(t, root)} {
				out := filepath.Join(t.TempDir(), "selfcontain")
				cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", linkFlags, "-o", out, "./cmd/selfcontain")
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=")
				if text, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				binary, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				if first == nil {
					first = binary
				} else if !bytes.Equal(first, binary) {
					t.Errorf("two builds of %d and %d bytes differ", len(first), len(binary))
				}
			}
		})
	}
}

// copyModule is a copy of what a build reads of this module, in another directory with
// a longer name.
func copyModule(t *testing.T, root string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "a", "longer", "path", "than", "the", "first")
	cmd := exec.Command("go", "list", "-deps", "-f", `{{if not .Standard}}{{if .Module}}{{if .Module.Main}}{{.Dir}}{{end}}{{end}}{{end}}`, "./cmd/selfcontain")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	files := []string{"go.mod", "go.sum"}
	for _, dir := range strings.Fields(string(out)) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(root, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Type().IsRegular() && !strings.HasSuffix(e.Name(), "_test.go") {
				files = append(files, filepath.Join(rel, e.Name()))
			}
		}
	}
	for _, name := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		copyFile(t, filepath.Join(root, name), filepath.Join(to, name))
	}
	return to
}
