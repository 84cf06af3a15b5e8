package caps_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/internal/nstest"
)

// see runs a tail in a process of its own.
func see(t *testing.T, r tail) sight {
	t.Helper()
	input, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), stageEnv+"=run")
	cmd.Stdin = bytes.NewReader(input)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	before, after, _ := bytes.Cut(out, []byte{0})
	var s sight
	if err := json.Unmarshal(after, &s); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if s.Before, err = caps.ParseStatus(before); err != nil {
		t.Fatal(err)
	}
	return s
}

func host(t *testing.T) (caps.Config, caps.Cap) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	have, err := caps.ParseStatus(text)
	if err != nil {
		t.Fatal(err)
	}
	text, err = os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		t.Fatal(err)
	}
	last, err := caps.ParseLast(text)
	if err != nil {
		t.Fatal(err)
	}
	return have, last
}

// TestProcess makes the operations in a real process: before its execve it has
// what the configuration says, and after it what AfterExec says, for root and for
// an ordinary user. The second is read by gocapability too.
func TestProcess(t *testing.T) {
	nstest.Root(t)
	have, last := host(t)
	all := have.Permitted & have.Bounding
	chown, kill, both := caps.Of(caps.CHOWN), caps.Of(caps.KILL), caps.Of(caps.CHOWN, caps.KILL)
	high := caps.Of(caps.CHOWN, caps.SYSLOG, caps.BPF)
	rows := []struct {
		name string
		tail tail
	}{
		{"root with Docker's set", tail{Config: caps.Config{Bounding: docker, Effective: docker, Permitted: docker}}},
		{"a user with Docker's set", tail{UID: 1000, Config: caps.Config{Bounding: docker, Effective: docker, Permitted: docker}}},
		{"a user with ambient capabilities", tail{UID: 1000, Config: caps.Config{Bounding: docker, Effective: both, Permitted: both, Inheritable: both, Ambient: chown}}},
		{"root with ambient capabilities", tail{Config: caps.Config{Bounding: chown, Effective: both, Permitted: both, Inheritable: chown, Ambient: chown}}},
		{"root with nothing", tail{}},
		{"a user with nothing", tail{UID: 1000}},
		{"root with everything", tail{Config: caps.Config{Bounding: all, Effective: all, Permitted: all, Inheritable: all, Ambient: all}}},
		{"a user with everything", tail{UID: 1000, Config: caps.Config{Bounding: all, Effective: all, Permitted: all, Inheritable: all, Ambient: all}}},
		{"capabilities of the upper half", tail{UID: 1000, Config: caps.Config{Bounding: high, Effective: high, Permitted: high, Inheritable: high, Ambient: high}}},
		{"root is given back what the bounding set has", tail{Config: caps.Config{Bounding: docker, Permitted: chown}}},
		{"root is not with no_new_privs", tail{NoNewPrivileges: true, Config: caps.Config{Bounding: docker, Permitted: chown, Effective: chown}}},
		{"a user with no_new_privs keeps what is ambient", tail{UID: 1000, NoNewPrivileges: true, Config: caps.Config{Bounding: docker, Permitted: both, Effective: both, Inheritable: chown, Ambient: chown}}},
		{"an inheritable set that is the only one", tail{UID: 1000, Config: caps.Config{Bounding: chown, Inheritable: chown}}},
		{"root without its privilege", tail{Config: caps.Config{Bounding: docker, Permitted: docker, Effective: chown, Securebits: caps.NoRoot | caps.NoRootLocked}}},
		{"a user with securebits and no capabilities", tail{UID: 1000, Config: caps.Config{Securebits: caps.NoSetuidFixup | caps.NoRoot}}},
		{"the last raise before raising is forbidden", tail{UID: 1000, Config: caps.Config{Bounding: both, Permitted: both, Effective: both, Inheritable: both, Ambient: both, Securebits: caps.NoCapAmbientRaise | caps.NoCapAmbientRaiseLock}}},
		{"securebits with CAP_SETPCAP", tail{Config: caps.Config{Bounding: docker, Permitted: docker, Effective: docker, Securebits: caps.KeepCapsLocked}}},
		{"root is given what is inheritable though the bounding set lacks it", tail{Caller: &caps.Config{Inheritable: kill}, Config: caps.Config{Bounding: chown, Permitted: both, Effective: both, Inheritable: kill}}},
		{"the caller's ambient set is not passed on", tail{Caller: &caps.Config{Inheritable: both, Ambient: both}, Config: caps.Config{Bounding: both, Permitted: both, Effective: both, Inheritable: both, Ambient: kill}}},
		{"nor where nothing is inheritable", tail{Caller: &caps.Config{Inheritable: both, Ambient: both}, Config: caps.Config{Bounding: both, Permitted: both, Effective: both}}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			r.tail.Last = last
			have := have
			if r.tail.Caller != nil {
				have.Inheritable |= r.tail.Caller.Inheritable
			}
			if c, _ := r.tail.Config.Grantable(have, last, r.tail.UID); c != r.tail.Config {
				t.Skipf("skipped: this process may not grant it: %+v is left", c)
			}
			got := see(t, r.tail)
			want := r.tail.Config
			if got.UID != int(r.tail.UID) {
				t.Errorf("uid %d", got.UID)
			}
			got.Before.Securebits = want.Securebits // are not in the status
			equal(t, "before the execve", got.Before, want)
			want = want.AfterExec(r.tail.UID, r.tail.NoNewPrivileges)
			if got.Securebits != want.Securebits {
				t.Errorf("securebits %v, want %v", got.Securebits, want.Securebits)
			}
			want.Securebits = 0
			equal(t, "after the execve", got.After, want)
			equal(t, "after the execve, by the judge", got.Judge, want)
		})
	}
}

// TestKernelRefuses: what Grantable leaves out is what the kernel refuses.
func TestKernelRefuses(t *testing.T) {
	nstest.Root(t)
	have, last := host(t)
	chown, both := caps.Of(caps.CHOWN), caps.Of(caps.CHOWN, caps.KILL)
	rows := []struct {
		name, op string
		c        caps.Config
	}{
		{"effective without permitted", "capset(", caps.Config{Bounding: both, Effective: both, Permitted: chown}},
		{"inheritable outside of the bounding set", "capset(", caps.Config{Bounding: chown, Inheritable: both}},
		{"ambient without inheritable", "prctl(PR_CAP_AMBIENT, ", caps.Config{Bounding: both, Permitted: both, Inheritable: chown, Ambient: both}},
		{"ambient without permitted", "prctl(PR_CAP_AMBIENT, ", caps.Config{Bounding: both, Permitted: chown, Inheritable: both, Ambient: both}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			if c, _ := r.c.Grantable(have, last, 0); c == r.c {
				t.Error("Grantable leaves it as it is")
			}
			input, err := json.Marshal(tail{Config: r.c, Last: last})
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), stageEnv+"=run")
			cmd.Stdin = bytes.NewReader(input)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), r.op) || !strings.Contains(string(out), "operation not permitted") {
				t.Errorf("%v: %s", err, out)
			}
			granted, _ := r.c.Grantable(have, last, 0)
			see(t, tail{Config: granted, Last: last})
		})
	}
}

// TestOwnStatus holds the parser against gocapability's.
func TestOwnStatus(t *testing.T) {
	have, _ := host(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), stageEnv+"=show")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var s sight
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatal(err)
	}
	equal(t, "this process", have, s.After)
	equal(t, "this process by the judge", s.Judge, s.After)
}

func equal(t *testing.T, when string, got, want caps.Config) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\ngot  %+v\nwant %+v", when, got, want)
	}
}
