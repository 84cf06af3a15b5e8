package nstest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Option says in what the process that [Subprocess] starts differs from this one.
type Option func(*stage)

// PrivateMounts gives the subprocess a mount namespace of its own in which
// every mount is private.
func PrivateMounts() Option {
	return func(s *stage) { s.OwnMounts = true }
}

// As makes the subprocess run as an ordinary user: user and group id u.ID, no
// other groups, a home directory of its own in $HOME. Where the machine does
// not know the user, a mount namespace of the subprocess has /etc/passwd,
// /etc/group, /etc/subuid and /etc/subgid with the user's lines at their end.
// The test is skipped when it does not run as root.
func As(u User) Option {
	return func(s *stage) { s.User = &u }
}

// Environ adds to the environment of the subprocess, as KEY=VALUE.
func Environ(vars ...string) Option {
	return func(s *stage) { s.environ = append(s.environ, vars...) }
}

// stage is what the subprocess reads from its environment.
type stage struct {
	Test      string // t.Name() of the only test to run
	OwnMounts bool
	User      *User       // to become
	Binds     [][2]string // file and place to mount it at, before that

	environ []string
}

// Subprocess runs the calling test, and only it, once more in a process of
// its own, and reports true in that process:
//
//	func TestMountsAsUser(t *testing.T) {
//		if !nstest.Subprocess(t, nstest.As(needs.Users[0])) {
//			return
//		}
//		// here os.Getuid() is the user's
//	}
//
// In the process that called it, it returns false when the other one has
// ended, and the test has failed or was skipped as the other one. The package
// must have [Main] in its TestMain. Subtests work too, as long as their
// parents reach them.
func Subprocess(t *testing.T, options ...Option) bool {
	t.Helper()
	if s, err := parseStage(os.Getenv(stageEnv)); err == nil && s.Test == t.Name() {
		return true
	}
	s := stage{Test: t.Name()}
	for _, o := range options {
		o(&s)
	}
	if s.User != nil || s.OwnMounts {
		Root(t)
	}
	if s.User != nil {
		if err := s.addAccount(t); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-test.run=" + runPattern(t.Name()), "-test.v", "-test.count=1"}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	if d, ok := t.Deadline(); ok { // let it print its goroutines before this process does
		args = append(args, "-test.timeout="+max(time.Until(d)*9/10, time.Second).String())
	}
	// By /proc/self/exe: go test's directories are closed to other users.
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", args...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(append(os.Environ(), s.environ...), stageEnv+"="+string(text))
	if s.OwnMounts {
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS} // and all mounts private
	}
	out, err := cmd.CombinedOutput()
	ran, skipped := outcome(string(out), t.Name())
	switch {
	case err != nil:
		t.Fatalf("in a subprocess: %v\n%s", err, out)
	case skipped:
		t.Skipf("skipped: in a subprocess:\n%s", out)
	case !ran:
		t.Fatalf("the subprocess did not run the test:\n%s", out)
	case testing.Verbose():
		t.Logf("in a subprocess:\n%s", out)
	}
	return false
}

// outcome finds a test's line in the output of -test.v.
func outcome(out, name string) (ran, skipped bool) {
	for line := range strings.Lines(out) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if f := strings.Fields(rest); len(f) > 0 && f[0] == name {
			ran = ran || word == "--- PASS"
			skipped = skipped || word == "--- SKIP"
		}
	}
	return ran, skipped
}

// runPattern is the -test.run pattern that matches exactly one test.
func runPattern(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

// addAccount prepares the user's home directory and, where they lack him, the
// files that know about users.
func (s *stage) addAccount(t *testing.T) error {
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} { // to be passed by the user
		if err := os.Chmod(d, 0o755); err != nil {
			return err
		}
	}
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return err
	}
	if err := os.Chown(home, s.User.ID, s.User.ID); err != nil {
		return err
	}
	s.environ = append(s.environ, "HOME="+home, "USER="+s.User.Name, "LOGNAME="+s.User.Name)
	for place, line := range s.User.lines(home) {
		text, err := os.ReadFile(place)
		if err != nil {
			return fmt.Errorf("%w: apt-get install uidmap", err)
		}
		if hasAccount(string(text), s.User.Name) {
			continue
		}
		file := filepath.Join(dir, filepath.Base(place))
		if err := os.WriteFile(file, append(text, line...), 0o644); err != nil {
			return err
		}
		s.Binds = append(s.Binds, [2]string{file, place})
		s.OwnMounts = true
	}
	return nil
}

// lines returns what belongs into the files that know about users.
func (u User) lines(home string) map[string]string {
	l := map[string]string{
		"/etc/passwd": fmt.Sprintf("%s:x:%d:%d::%s:/bin/sh\n", u.Name, u.ID, u.ID, home),
		"/etc/group":  fmt.Sprintf("%s:x:%d:\n", u.Name, u.ID),
	}
	if u.SubIDs != 0 {
		sub := fmt.Sprintf("%s:%d:%d\n", u.Name, u.SubID, u.SubIDs)
		l["/etc/subuid"], l["/etc/subgid"] = sub, sub
	}
	return l
}

func hasAccount(text, name string) bool {
	return strings.HasPrefix(text, name+":") || strings.Contains(text, "\n"+name+":")
}

func parseStage(text string) (s stage, err error) {
	return s, json.Unmarshal([]byte(text), &s)
}

// enterStage is the subprocess's side: it makes of this process what the
// options ask for. To become another user it executes the program again,
// because a process that has changed its ids is not dumpable, and the kernel
// then gives its files in /proc to root (proc(5), PR_SET_DUMPABLE).
func enterStage(text string) error {
	s, err := parseStage(text)
	if err != nil {
		return fmt.Errorf("%s: %w", stageEnv, err)
	}
	for _, b := range s.Binds {
		if err := unix.Mount(b[0], b[1], "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s to %s: %w", b[0], b[1], err)
		}
	}
	if s.User == nil {
		return nil
	}
	id := s.User.ID
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := syscall.Setresgid(id, id, id); err != nil {
		return fmt.Errorf("setresgid %d: %w", id, err)
	}
	if err := syscall.Setresuid(id, id, id); err != nil {
		return fmt.Errorf("setresuid %d: %w", id, err)
	}
	s.User, s.Binds = nil, nil
	again, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.Setenv(stageEnv, string(again)); err != nil {
		return err
	}
	return fmt.Errorf("execute the test binary again: %w", syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}
