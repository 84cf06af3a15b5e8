package clone_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
)

func TestTypes(t *testing.T) {
	rows := []struct {
		typ  clone.NamespaceType
		text string
		flag uintptr
		name string
	}{
		{clone.NEWNS, "NEWNS", unix.CLONE_NEWNS, "mnt"},
		{clone.NEWUTS, "NEWUTS", unix.CLONE_NEWUTS, "uts"},
		{clone.NEWIPC, "NEWIPC", unix.CLONE_NEWIPC, "ipc"},
		{clone.NEWPID, "NEWPID", unix.CLONE_NEWPID, "pid"},
		{clone.NEWNET, "NEWNET", unix.CLONE_NEWNET, "net"},
		{clone.NEWUSER, "NEWUSER", unix.CLONE_NEWUSER, "user"},
		{clone.NEWCGROUP, "NEWCGROUP", unix.CLONE_NEWCGROUP, "cgroup"},
		{clone.NEWTIME, "NEWTIME", unix.CLONE_NEWTIME, "time"},
	}
	types := clone.NamespaceTypes()
	if len(types) != len(rows) {
		t.Fatalf("%d types, want %d", len(types), len(rows))
	}
	for i, r := range rows {
		t.Run(r.text, func(t *testing.T) {
			if types[i] != r.typ || string(r.typ) != r.text {
				t.Errorf("type %d is %q", i, types[i])
			}
			if got := r.typ.Flag(); got != r.flag {
				t.Errorf("flag %#x, want %#x", got, r.flag)
			}
			if got := clone.NsName(r.typ); got != r.name {
				t.Errorf("name %q, want %q", got, r.name)
			}
			if r.typ.Since() == "" {
				t.Error("no kernel")
			}
		})
	}
}

func TestUnknownTypes(t *testing.T) {
	for _, typ := range []clone.NamespaceType{"", "newns", "CLONE_NEWNS", "mnt", "NEWNS ", "../../cmdline"} {
		if clone.NsName(typ) != "" || typ.Flag() != 0 || typ.Since() != "" || clone.IsNamespaceSupported(typ) {
			t.Errorf("%q is taken for a type", string(typ))
		}
	}
}
