package caps_test

import (
	"reflect"
	"testing"

	"github.com/selfcontain/runtime/caps"
)

// docker is the set that Docker, podman and others give by default.
var docker = caps.Of(caps.CHOWN, caps.DAC_OVERRIDE, caps.FSETID, caps.FOWNER, caps.MKNOD, caps.NET_RAW, caps.SETGID,
	caps.SETUID, caps.SETFCAP, caps.SETPCAP, caps.NET_BIND_SERVICE, caps.SYS_CHROOT, caps.KILL, caps.AUDIT_WRITE)

func TestParseSets(t *testing.T) {
	got, warnings := caps.ParseSets(
		[]string{"CAP_CHOWN", "CAP_KILL", "CAP_FOO"},
		[]string{"chown"},
		[]string{"CAP_CHOWN", "CAP_CHOWN"},
		[]string{""},
		nil,
	)
	want := caps.Config{Bounding: caps.Of(caps.CHOWN, caps.KILL), Effective: caps.Of(caps.CHOWN), Permitted: caps.Of(caps.CHOWN)}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	wantWarnings := []caps.Warning{
		`bounding capabilities: "CAP_FOO" is not a capability`,
		`inheritable capabilities: "" is not a capability`,
	}
	if !reflect.DeepEqual(warnings, wantWarnings) {
		t.Errorf("warnings %q, want %q", warnings, wantWarnings)
	}
}

func TestGrantable(t *testing.T) {
	const last = caps.LastKnown
	full := caps.NewUserNamespace(last)
	chown, kill, both := caps.Of(caps.CHOWN), caps.Of(caps.KILL), caps.Of(caps.CHOWN, caps.KILL)
	without := func(list ...caps.Cap) caps.Config {
		c := full
		for _, s := range []*caps.Set{&c.Bounding, &c.Effective, &c.Permitted} {
			s.Remove(list...)
		}
		return c
	}
	rows := []struct {
		name     string
		c, host  caps.Config
		last     caps.Cap
		uid      uint32
		want     caps.Config
		warnings []caps.Warning
	}{
		{"root is given what the host has", caps.Config{Bounding: docker, Effective: docker, Permitted: docker}, full, last, 0,
			caps.Config{Bounding: docker, Effective: docker, Permitted: docker}, nil},
		{"what the host lacks is left out of every set", caps.Config{Bounding: both, Effective: both, Permitted: both, Inheritable: both, Ambient: both}, without(caps.KILL), last, 0,
			caps.Config{Bounding: chown, Effective: chown, Permitted: chown, Inheritable: chown, Ambient: chown},
			[]caps.Warning{
				"bounding capabilities: CAP_KILL: not in the bounding set of the caller",
				"permitted capabilities: CAP_KILL: not permitted to the caller",
				"effective capabilities: CAP_KILL: not permitted to the container",
				"inheritable capabilities: CAP_KILL: neither inheritable nor permitted to the caller",
				"ambient capabilities: CAP_KILL: not permitted to the container",
			}},
		{"an older kernel does not have the newest", caps.Config{Bounding: caps.Of(caps.BPF, caps.PERFMON, caps.CHOWN)}, caps.NewUserNamespace(37), 37, 0,
			caps.Config{Bounding: chown},
			[]caps.Warning{"bounding capabilities: CAP_PERFMON, CAP_BPF: this kernel does not have them"}},
		{"effective needs permitted", caps.Config{Bounding: both, Effective: both, Permitted: chown}, full, last, 0,
			caps.Config{Bounding: both, Effective: chown, Permitted: chown},
			[]caps.Warning{"effective capabilities: CAP_KILL: not permitted to the container"}},
		{"ambient needs permitted", caps.Config{Bounding: both, Inheritable: both, Ambient: both, Permitted: chown}, full, last, 1000,
			caps.Config{Bounding: both, Inheritable: both, Ambient: chown, Permitted: chown},
			[]caps.Warning{"ambient capabilities: CAP_KILL: not permitted to the container"}},
		{"ambient needs inheritable", caps.Config{Bounding: both, Permitted: both, Ambient: both, Inheritable: chown}, full, last, 0,
			caps.Config{Bounding: both, Permitted: both, Ambient: chown, Inheritable: chown},
			[]caps.Warning{"ambient capabilities: CAP_KILL: not inheritable in the container"}},
		{"inheritable needs bounding", caps.Config{Inheritable: both, Bounding: chown}, full, last, 0,
			caps.Config{Inheritable: chown, Bounding: chown},
			[]caps.Warning{"inheritable capabilities: CAP_KILL: not in the bounding set of the container"}},
		{"what is inheritable already stays so", caps.Config{Inheritable: both, Bounding: chown}, caps.Config{Bounding: full.Bounding, Inheritable: kill, Permitted: chown}, last, 0,
			caps.Config{Inheritable: both, Bounding: chown}, nil},
		{"a user other than 0 keeps only what is ambient", caps.Config{Bounding: both, Effective: both, Permitted: both, Inheritable: chown, Ambient: chown}, full, last, 1000,
			caps.Config{Bounding: both, Effective: both, Permitted: both, Inheritable: chown, Ambient: chown},
			[]caps.Warning{"permitted capabilities: CAP_KILL: the execve of a user other than 0 drops what is not ambient"}},
		{"root without its privilege is such a user", caps.Config{Bounding: chown, Permitted: chown, Securebits: caps.NoRoot}, full, last, 0,
			caps.Config{Bounding: chown, Permitted: chown, Securebits: caps.NoRoot},
			[]caps.Warning{"permitted capabilities: CAP_CHOWN: the execve of a user other than 0 drops what is not ambient"}},
		{"root loses what the bounding set does not have", caps.Config{Bounding: chown, Permitted: both}, full, last, 0,
			caps.Config{Bounding: chown, Permitted: both},
			[]caps.Warning{"permitted capabilities: CAP_KILL: the execve drops what is neither in the bounding nor in the inheritable set"}},
		{"securebits need CAP_SETPCAP", caps.Config{Securebits: caps.NoRoot | caps.KeepCaps}, without(caps.SETPCAP), last, 0,
			caps.Config{},
			[]caps.Warning{"securebits: SECBIT_NOROOT|SECBIT_KEEP_CAPS: CAP_SETPCAP is not permitted to the caller"}},
		{"an ordinary user has nothing to give but an empty set", caps.Config{}, caps.Config{Bounding: full.Bounding}, last, 1000,
			caps.Config{}, nil},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			got, warnings := r.c.Grantable(r.host, r.last, r.uid)
			if got != r.want {
				t.Errorf("got  %+v\nwant %+v", got, r.want)
			}
			if !reflect.DeepEqual(warnings, r.warnings) {
				t.Errorf("warnings %q\nwant %q", warnings, r.warnings)
			}
			if again, _ := got.Grantable(r.host, r.last, r.uid); again != got {
				t.Errorf("what is grantable is not grantable: %+v", again)
			}
		})
	}
}
