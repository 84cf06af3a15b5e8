package container_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestAppArmor gives the processes of a container a profile that allows everything, and
// one that there is not.
func TestAppArmor(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	host := probe(t)
	if !slices.Contains(host.Modules, "apparmor") {
		t.Skip("skipped: this kernel does not run AppArmor")
	}
	if !nstest.Subprocess(t, nstest.PrivateMounts()) {
		return
	}
	dir := t.TempDir()
	if err := unix.Mount("securityfs", dir, "securityfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH) //nolint:errcheck // with the namespace
	const name = "selfcontain-test"
	tell := func(file string, text []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "apparmor", file), text, 0); err != nil {
			t.Fatal(err)
		}
	}
	tell(".load", profile(name))
	defer tell(".remove", []byte(name))

	const script = "read label < /proc/self/attr/current; echo $label"
	for _, row := range []struct {
		name   string
		change func(*container.Spec)
	}{
		{"a container", func(*container.Spec) {}},
		{"one with an init", func(s *container.Spec) { s.Init = true }},
		{"one in a user namespace", inUser(t)},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out bytes.Buffer
			spec := with(rootFSFor(t), row.change, sh(script+"; read line"))
			in, more := pipes(t)
			spec.Process.AppArmorProfile, spec.Process.Stdin, spec.Process.Stdout = name, in, &out
			c := create(t, spec, container.CreateOptions{})
			if err := c.Exec(); err != nil {
				t.Fatal(err)
			}
			p := shell(script)
			p.AppArmorProfile = name
			if got, _ := output(t, c, p); got != name+" (complain)\n" {
				t.Errorf("a further process has the profile %q", got)
			}
			more.Close()
			if _, err := c.Wait(); err != nil || out.String() != name+" (complain)\n" {
				t.Errorf("the first process has the profile %q (%v)", out.String(), err)
			}
			spec.Process.AppArmorProfile = "there-is-none"
			_, err := container.Create(t.TempDir(), "c", spec, container.CreateOptions{})
			if !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "(process.apparmorProfile): no such file or directory: no profile of this name is loaded") {
				t.Errorf("without the profile: %v", err)
			}
		})
	}
}

// label is that of a profile which every kernel with AppArmor has; the test is skipped on
// others.
func label(t *testing.T) string {
	t.Helper()
	if !slices.Contains(probe(t).Modules, "apparmor") {
		t.Skip("skipped: this kernel does not run AppArmor")
	}
	return "unconfined"
}

// profile is one in the form that the kernel loads: it complains, and forbids nothing.
// security/apparmor/policy_unpack.c
func profile(name string) []byte {
	const number, named, text, begin, end = 2, 4, 5, 7, 8
	var b []byte
	str := func(kind byte, s string) {
		b = append(binary.LittleEndian.AppendUint16(append(b, kind), uint16(len(s)+1)), s+"\x00"...)
	}
	numbers := func(list ...uint32) {
		for _, n := range list {
			b = binary.LittleEndian.AppendUint32(append(b, number), n)
		}
	}
	str(named, "version")
	numbers(5)
	str(named, "profile")
	b = append(b, begin)
	str(text, name)
	str(named, "flags")
	b = append(b, begin)
	numbers(0, 1, 0) // a profile, which complains, and audits nothing
	b = append(b, end)
	numbers(0, 0, 0, 0) // capabilities
	return append(b, end)
}
