package nstest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Needs is what the tests of one package need beyond their own binary and
// their testdata directory, which are always there. On this machine [Main]
// checks it; for a guest `make test-vm` turns it into flags of vmrun. The
// zero value needs nothing.
type Needs struct {
	// Tools maps a program that must be found on PATH to the Debian package
	// that has it. A guest gets the package, with its dependencies, for its
	// own architecture and suite.
	Tools map[string]string

	// Files are files and directories outside of testdata, absolute or
	// relative to the package's directory. A guest has them at the same path.
	Files []string

	// Users are ordinary users. A guest has them from the start; elsewhere
	// [As] shows them to the subprocess that it starts.
	Users []User

	// Modules are kernel modules by the names that modprobe(8) knows, loaded
	// in a guest. A test that uses one calls [Module] first.
	Modules []string

	// Cgroups says that the tests make cgroups. Then [Main] looks for those
	// that were left behind, and on one machine such packages run one after
	// the other, whatever `go test -p` says, because a directory does not tell
	// whose it is. In a guest, where no one else is, it always looks.
	Cgroups bool

	// Memory of the guest in MiB. Zero means what vmrun takes by itself.
	Memory int
}

// User is a line of passwd(5) and of group(5), with a home directory below
// /home and, if SubIDs is not zero, lines of subuid(5) and subgid(5).
type User struct {
	Name   string
	ID     int // user id and group id
	SubID  int // first subordinate user and group id
	SubIDs int // how many
}

// sbin is where Debian keeps programs that an ordinary user's PATH leaves out.
const sbin = "/usr/local/sbin:/usr/sbin:/sbin"

// Tool returns the path of a program, looked for on PATH and then where the
// administrator's programs are.
func Tool(name string) (string, error) {
	p, err := exec.LookPath(name)
	if err == nil {
		return p, nil
	}
	for _, d := range filepath.SplitList(sbin) {
		if p, e := exec.LookPath(filepath.Join(d, name)); e == nil {
			return p, nil
		}
	}
	return "", err
}

// packages returns the Debian packages of the tools, each once, sorted.
func (n Needs) packages() []string {
	return slices.Compact(slices.Sorted(maps.Values(n.Tools)))
}

// check reports what is not there, each with the way to get it.
func (n Needs) check() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(n.Tools)) {
		if _, err := Tool(name); err != nil {
			errs = append(errs, fmt.Errorf("%s is not installed: apt-get install %s", name, n.Tools[name]))
		}
	}
	for _, f := range n.Files {
		if _, err := os.Stat(f); errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("%s is missing", f))
		} else if err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// vmrun returns the needs as flags of vmrun, for a package in directory dir.
func (n Needs) vmrun(dir string) ([]string, error) {
	var a []string
	for _, p := range n.packages() {
		a = append(a, "-pkg", p)
	}
	for _, f := range n.Files {
		if !filepath.IsAbs(f) {
			f = filepath.Join(dir, f)
		}
		a = append(a, "-f", f+":"+f)
	}
	for _, u := range n.Users {
		s := fmt.Sprintf("%s:%d", u.Name, u.ID)
		if u.SubIDs != 0 {
			s += fmt.Sprintf(":%d:%d", u.SubID, u.SubIDs)
		}
		a = append(a, "-user", s)
	}
	if len(n.Modules) != 0 {
		a = append(a, "-modules", "+"+strings.Join(n.Modules, ","))
	}
	if n.Memory != 0 {
		a = append(a, "-m", fmt.Sprint(n.Memory))
	}
	// The flags travel through `go test -exec`, which splits at white space.
	for _, s := range a {
		if s == "" || strings.ContainsAny(s, " \t\n\"'") {
			return nil, fmt.Errorf("needs: %q cannot be passed on: it is empty or has white space or quotes", s)
		}
	}
	return a, nil
}
