package nstest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"
)

// testGroup returns a place for a cgroup of this test.
func testGroup(t *testing.T) string {
	t.Helper()
	infos, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup2"))
	if err != nil {
		t.Fatal(err)
	}
	if len(infos) == 0 {
		t.Skip("skipped: no cgroup2 is mounted")
	}
	return filepath.Join(infos[0].Mountpoint, fmt.Sprintf("nstest-%d", os.Getpid()))
}

func TestReleaseOlder(t *testing.T) {
	rows := []struct {
		release      string
		major, minor int
		want         bool
	}{
		{"6.1.0-40-cloud-amd64", 6, 1, false},
		{"6.1.0-40-cloud-amd64", 6, 2, true},
		{"6.1.0-40-cloud-amd64", 5, 12, false},
		{"5.10.0", 6, 1, true},
		{"5.10.0", 5, 9, false},
		{"6.12.43+deb13-cloud-amd64", 6, 3, false},
	}
	for _, r := range rows {
		got, err := releaseOlder(r.release, r.major, r.minor)
		if err != nil || got != r.want {
			t.Errorf("releaseOlder(%s, %d, %d) = %v, %v, want %v", r.release, r.major, r.minor, got, err, r.want)
		}
	}
	if _, err := releaseOlder("plan9", 6, 1); err == nil {
		t.Error("a release without numbers is accepted")
	}
}

func TestKernelSkipsOnlyBeforeTheFeature(t *testing.T) {
	t.Run("old enough", func(t *testing.T) {
		t.Cleanup(func() {
			if t.Skipped() {
				t.Error("skipped what Linux 2.6 has")
			}
		})
		Kernel(t, 2, 6, "nothing")
	})
	ran := false
	var skipped bool
	t.Run("too new", func(t *testing.T) {
		t.Cleanup(func() { skipped = t.Skipped() })
		Kernel(t, 999, 0, "everything")
		ran = true
	})
	if ran || !skipped {
		t.Errorf("a feature of Linux 999.0: test ran %v, skipped %v", ran, skipped)
	}
}

func TestBuiltin(t *testing.T) {
	list := "kernel/fs/overlayfs/overlay.ko\nkernel/drivers/net/ip-vlan.ko\n"
	for name, want := range map[string]bool{"overlay": true, "ip_vlan": true, "over": false} {
		if got := builtin(list, name); got != want {
			t.Errorf("builtin(%s) = %v, want %v", name, got, want)
		}
	}
}

func TestNeedsAsFlags(t *testing.T) {
	n := Needs{
		Tools:   map[string]string{"strace": "strace", "newuidmap": "uidmap", "newgidmap": "uidmap"},
		Files:   []string{"/etc/hostname", "../golden"},
		Users:   []User{{Name: "alice", ID: 1000, SubID: 100000, SubIDs: 65536}, {Name: "bob", ID: 1001}},
		Modules: []string{"overlay", "ipvlan"},
		Memory:  2048,
	}
	got, err := n.vmrun("/src/pkg")
	want := "-pkg strace -pkg uidmap -f /etc/hostname:/etc/hostname -f /src/golden:/src/golden " +
		"-user alice:1000:100000:65536 -user bob:1001 -modules +overlay,ipvlan -m 2048"
	if err != nil || strings.Join(got, " ") != want {
		t.Errorf("flags are %q, %v, want %q", got, err, want)
	}
	if got, err := (Needs{}).vmrun("/"); len(got) != 0 || err != nil {
		t.Errorf("no needs are %q, %v", got, err)
	}
	for _, bad := range []string{"/a b", "/a'b", `/a"b`} {
		if _, err := (Needs{Files: []string{bad}}).vmrun("/"); err == nil {
			t.Errorf("file %q is passed on", bad)
		}
	}
}

func TestNeedsAreChecked(t *testing.T) {
	err := Needs{
		Tools: map[string]string{"busybox": "busybox-static", "no-such-tool": "its-package"},
		Files: []string{"doc.go", "no-such-file"},
	}.check()
	want := "no-such-tool is not installed: apt-get install its-package\nno-such-file is missing"
	if err == nil || err.Error() != want {
		t.Errorf("the check says %v, want %s", err, want)
	}
}

func TestMainPrintsNeeds(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string]string{
		"vmrun":    "needs: -pkg busybox-static -f " + dir + "/doc.go:" + dir + "/doc.go -user nstester:1234:200000:65536\n",
		"packages": "needs: busybox-static\n",
	} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), needsEnv+"="+format)
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("%s: %q, %v, want %q", format, out, err, want)
		}
	}
}

func TestRootFS(t *testing.T) {
	root := RootFS(t)
	out, err := exec.Command(filepath.Join(root, "bin/busybox"), "echo", "hello").Output()
	if err != nil || string(out) != "hello\n" {
		t.Errorf("its busybox says %q, %v", out, err)
	}
	for _, link := range []string{"sh", "true", "cat", "mount"} {
		if got, err := os.Readlink(filepath.Join(root, "bin", link)); got != "busybox" {
			t.Errorf("/bin/%s -> %q, %v", link, got, err)
		}
	}
	// any user gets in
	for dir := root; dir != "/"; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode()&0o001 == 0 && dir != os.TempDir() {
			t.Errorf("%s is closed to others: %v", dir, info.Mode())
		}
	}
}

func TestParseStat(t *testing.T) {
	p, parent, err := parseStat("42 (a) b (c)) Z 7 42 42 0 -1\n")
	if want := (process{42, "a) b (c)", "Z"}); p != want || parent != 7 || err != nil {
		t.Errorf("got %v, parent %d, %v", p, parent, err)
	}
	for _, bad := range []string{"", "42", "42 (a)", "42 (a) Z", "x (a) Z 7", "42 (a) Z x", ")("} {
		if _, _, err := parseStat(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestRunPattern(t *testing.T) {
	if got, want := runPattern("TestA/b.c"), `^TestA$/^b\.c$`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSubprocessAs(t *testing.T) {
	u := needs.Users[0]
	if !Subprocess(t, As(u), Environ("NSTEST_SEEN=yes")) {
		return
	}
	if os.Getuid() != u.ID || os.Getgid() != u.ID {
		t.Errorf("uid %d, gid %d, want %d", os.Getuid(), os.Getgid(), u.ID)
	}
	groups, err := os.Getgroups()
	if err != nil || len(groups) > 1 || len(groups) == 1 && groups[0] != u.ID {
		t.Errorf("groups %v, %v", groups, err)
	}
	if os.Getenv("NSTEST_SEEN") != "yes" || os.Getenv("USER") != u.Name {
		t.Error("the environment is not what was asked for")
	}
	for _, place := range []string{"/etc/passwd", "/etc/group", "/etc/subuid", "/etc/subgid"} {
		text, err := os.ReadFile(place)
		if err != nil {
			t.Fatal(err)
		}
		if !hasAccount(string(text), u.Name) {
			t.Errorf("%s does not know %s:\n%s", place, u.Name, text)
		}
	}
	if err := os.WriteFile(filepath.Join(os.Getenv("HOME"), "mine"), nil, 0o600); err != nil {
		t.Errorf("the home directory is not the user's: %v", err)
	}
	// dumpable: the process owns its files in /proc
	if _, err := os.ReadFile("/proc/self/environ"); err != nil {
		t.Error(err)
	}
}

func TestSubprocessWithPrivateMounts(t *testing.T) {
	if !Subprocess(t, PrivateMounts()) {
		return
	}
	infos, err := mountinfo.GetMounts(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range infos {
		if i.Optional != "" {
			t.Errorf("%s is not private: %s", i.Mountpoint, i.Optional)
		}
	}
}

func TestMountsAreShared(t *testing.T) {
	Root(t)
	if os.Getenv(stageEnv) != stageMounted {
		t.Skip("skipped: no supervisor")
	}
	infos, err := mountinfo.GetMounts(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range infos {
		if !strings.HasPrefix(i.Optional, "shared:") {
			t.Errorf("%s is not shared: %q", i.Mountpoint, i.Optional)
		}
	}
}

// inSubprocess says what the subprocess of TestSubprocessOutcome does.
var inSubprocess = map[string]func(t *testing.T){
	"passes": func(t *testing.T) {},
	"skips":  func(t *testing.T) { t.Skip("skipped: no reason") },
}

func TestSubprocessOutcome(t *testing.T) {
	for name, do := range inSubprocess {
		t.Run(name, func(t *testing.T) {
			if os.Getenv(stageEnv) == stageTests || os.Getenv(stageEnv) == stageMounted {
				t.Cleanup(func() {
					if want := name == "skips"; t.Skipped() != want || t.Failed() {
						t.Errorf("skipped %v, failed %v", t.Skipped(), t.Failed())
					}
				})
			}
			if Subprocess(t) {
				do(t)
			}
		})
	}
}

func TestOutcome(t *testing.T) {
	rows := []struct {
		out          string
		ran, skipped bool
	}{
		{"=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\n", true, false},
		{"=== RUN   TestA\n    a_test.go:1: no\n--- SKIP: TestA (0.00s)\nPASS\n", false, true},
		{"--- PASS: TestAB (0.00s)\n", false, false},
		{"testing: warning: no tests to run\nPASS\n", false, false},
	}
	for _, r := range rows {
		if ran, skipped := outcome(r.out, "TestA"); ran != r.ran || skipped != r.skipped {
			t.Errorf("outcome(%q) = %v, %v", r.out, ran, skipped)
		}
	}
}

func TestIsFuzzWorker(t *testing.T) {
	if !isFuzzWorker([]string{"x.test", "-test.fuzzworker", "-test.v"}) {
		t.Error("a worker is not recognised")
	}
	if isFuzzWorker(slices.Clone(os.Args)) {
		t.Error("this is no worker")
	}
}

func TestUserNS(t *testing.T) {
	UserNS(t)
	if !Subprocess(t, As(needs.Users[0])) {
		return
	}
	UserNS(t)
}
