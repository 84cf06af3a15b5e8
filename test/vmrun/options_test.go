package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestAccounts(t *testing.T) {
	o, err := parseOptions([]string{"-user", "alice:1000:100000:65536", "-user", "bob:1001", "-user", "bob:1001", "true"})
	if err != nil {
		t.Fatal(err)
	}
	etc := o.users.etc()
	for file, want := range map[string]string{
		"/etc/passwd": "alice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n",
		"/etc/group":  "alice:x:1000:\nbob:x:1001:\n",
		"/etc/subuid": "alice:100000:65536\n",
		"/etc/subgid": "alice:100000:65536\n",
	} {
		if !strings.Contains(etc[file], want) || strings.Count(etc[file], "bob") > strings.Count(want, "bob") {
			t.Errorf("%s is\n%swant\n%s", file, etc[file], want)
		}
	}
	for _, bad := range []string{"", "alice", ":1", "a:x", "a:-1", "a:1:2", "a:1:2:3:4", "a/b:1", "a b:1", "a:4294967296"} {
		if err := new(accounts).Set(bad); err == nil {
			t.Errorf("-user %q is accepted", bad)
		}
	}
	if _, err := parseOptions([]string{"-user", "a:1", "-user", "b:1", "true"}); err == nil {
		t.Error("two users of one id are accepted")
	}
}

func TestMemoryIsTheLargest(t *testing.T) {
	for args, want := range map[string]int{"true": defaultMemory, "-m 512 true": 512, "-m 512 -m 2048 -m 600 true": 2048} {
		o, err := parseOptions(strings.Fields(args))
		if err != nil || o.memory != want {
			t.Errorf("%s: %v, want %d MiB", args, err, want)
		}
	}
}

func TestOptionsRefuse(t *testing.T) {
	for _, args := range []string{"", "-arch riscv64 true", "-systemd true", "-user a:1 -root x.img true", "-m 0 true", "-m x true"} {
		if _, err := parseOptions(strings.Fields(args)); err == nil {
			t.Errorf("vmrun %s is accepted", args)
		}
	}
}

func TestQEMUArgs(t *testing.T) {
	o, err := parseOptions(strings.Fields("-arch arm64 -m 700 -root r,x.img -disk d.img true"))
	if err != nil {
		t.Fatal(err)
	}
	args := qemuArgs(o, "kernel", "initrd", "console")
	for _, want := range []string{
		"virt", "neoverse-n1", "700", "file:console",
		"if=none,id=d0,file=r,,x.img,format=raw,cache=unsafe,discard=unmap,snapshot=on",
		"if=none,id=d1,file=d.img,format=raw,cache=unsafe,discard=unmap,snapshot=off",
	} {
		if !slices.Contains(args, want) {
			t.Errorf("no argument %q in %q", want, args)
		}
	}
}

func TestGoTest(t *testing.T) {
	t.Chdir(t.TempDir())
	self, err := os.Executable() // any test binary will do
	if err != nil {
		t.Fatal(err)
	}
	o, err := parseOptions([]string{"-exec", self, "-test.v", "-test.coverprofile=c.out", "-test.outputdir=/out"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRequest(o)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(r.cfg.Cmd[0], "/vmtest/") || r.files[0] != (hostFile{self, r.cfg.Cmd[0]}) {
		t.Errorf("the binary is %s of %v", r.cfg.Cmd[0], r.files)
	}
	if want := []string{r.cfg.Dir + "/c.out", "/out"}; !slices.Equal(r.cfg.Fetch, want) {
		t.Errorf("fetched are %q, want %q", r.cfg.Fetch, want)
	}
}
