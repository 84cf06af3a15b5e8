package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

// depot is what these tests bring along, made by root before a test becomes somebody
// else: a directory for everybody with a repository of two packages, one whose files
// are all root's and one that has a file of games:man, and for a user a Debian in a tar.
const depotEnv = "SELFCONTAIN_TEST_DEPOT"

func depot(t *testing.T, system bool) string {
	t.Helper()
	if dir := os.Getenv(depotEnv); dir != "" {
		return dir
	}
	nstest.Root(t)
	dir := onDisk(t)
	makeRepository(t, filepath.Join(dir, "repository"))
	if system {
		makeSystem(t, filepath.Join(dir, "debian.tar"))
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// makeRepository makes a flat repository. apt-get(8), deb(5)
func makeRepository(t *testing.T, dir string) {
	t.Helper()
	var index strings.Builder
	for _, p := range []struct {
		name     string
		uid, gid int
	}{{"oneowner", 0, 0}, {"manyowners", 5, 12}} {
		tree := filepath.Join(t.TempDir(), p.name)
		file := filepath.Join(tree, "usr/share", p.name, "file")
		control := fmt.Sprintf("Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: test\nDescription: for a test\n", p.name)
		for name, text := range map[string]string{
			file:                        "a file\n",
			tree + "/usr/bin/" + p.name: "#!/bin/sh\necho this is " + p.name + "\n",
			tree + "/DEBIAN/control":    control,
			// A script of a maintainer's, as many packages have one.
			tree + "/DEBIAN/postinst": "#!/bin/sh\nset -e\ncp /usr/share/" + p.name + "/file /var/lib/" + p.name + "\n",
		} {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chown(file, p.uid, p.gid); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		deb := filepath.Join(dir, p.name+".deb")
		outside(t, "dpkg-deb", "--build", tree, deb)
		content, err := os.ReadFile(deb)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&index, "%sFilename: ./%s.deb\nSize: %d\nSHA256: %x\n\n", control, p.name, len(content), sha256.Sum256(content))
	}
	if err := os.WriteFile(filepath.Join(dir, "Packages"), []byte(index.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// makeSystem packs a Debian. A guest is one itself, as small as can be, and what its
// other tests need is left out.
func makeSystem(t *testing.T, file string) {
	t.Helper()
	root, parts := "/", []string{"usr", "etc", "var", "bin", "sbin", "lib"}
	args := []string{"-cf", file, "--exclude=var/tmp/*"}
	if os.Getenv("NSTEST_GUEST") == "" {
		root = nstest.Debian(t)
	} else {
		args = append(args, "--exclude=usr/lib/modules", "--exclude=gconv", "--exclude=perl*", "--exclude=zoneinfo")
	}
	if _, err := os.Lstat(filepath.Join(root, "lib64")); err == nil {
		parts = append(parts, "lib64")
	}
	outside(t, "tar", append(append(args, "-C", root), parts...)...)
}

func outside(t *testing.T, name string, args ...string) {
	t.Helper()
	tool, err := nstest.Tool(name)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// offline makes apt know the repository and nothing else. What a guest lacks of a
// Debian that has been set up is added: links to programs that dpkg calls, apt's user, a
// list of packages.
const offline = `set -e
export DEBIAN_FRONTEND=noninteractive
for p in rm diff chown cp cat stat; do test -e /bin/$p || ln -s busybox /bin/$p; done
grep -q ^_apt: /etc/passwd || echo _apt:x:42:65534::/nonexistent:/usr/sbin/nologin >>/etc/passwd
touch /var/lib/dpkg/status
rm -rf /etc/apt/sources.list.d /etc/apt/apt.conf.d; mkdir -p /etc/apt/apt.conf.d
echo 'deb [trusted=yes] file:DEPOT/repository ./' >/etc/apt/sources.list
`

// aptScript is a script with it, and without what apt and dpkg print when all is well.
func aptScript(dir, script string) []string {
	return []string{"sh", "-c", strings.ReplaceAll(offline+script, "DEPOT", dir)}
}

const apt = "apt-get -qq -o Dpkg::Use-Pty=0 "

// installed says what became of the packages.
const installed = `manyowners
stat -c %u:%g /usr/share/manyowners/file
cat /var/lib/manyowners
rm -r /usr/share/manyowners; test ! -e /usr/share/manyowners
dpkg -r manyowners >/dev/null 2>&1; test ! -e /usr/bin/manyowners
oneowner
`

const installedOutput = "this is manyowners\n5:12\na file\nthis is oneowner\n"

// Root installs and removes packages in the machine's own Debian, and it is as it was.
func TestBoxAptOfTheMachine(t *testing.T) {
	nstest.AnyProcessor(t)
	dir := depot(t, false)
	nstest.Module(t, "overlay")
	before := packageState(t)
	r := do(t, box(t, append([]string{"--"}, aptScript(dir, apt+"update\n"+apt+"install manyowners oneowner >/dev/null\n"+installed)...)...))
	if r.status != 0 || r.stdout != installedOutput {
		t.Errorf("got %+v", r)
	}
	if packageState(t) != before {
		t.Error("the machine's packages are others now")
	}
}

// packageState is the machine's list of packages and configuration of apt.
func packageState(t *testing.T) (state string) {
	t.Helper()
	for _, name := range []string{"/var/lib/dpkg/status", "/etc/apt/sources.list", "/etc/passwd", "/usr/bin/oneowner", "/usr/share/manyowners/file"} {
		text, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		state += fmt.Sprintf("%s %v %x\n", name, err, sha256.Sum256(text))
	}
	return state
}

// Users make a Debian of their own, install packages in it and remove it.
func TestBoxDebian(t *testing.T) {
	nstest.AnyProcessor(t)
	dir := depot(t, true)
	t.Run("with subordinate ids", func(t *testing.T) { testDebianWithSubIDs(t, dir) })
	t.Run("with one id", func(t *testing.T) { testDebianWithOneID(t, dir) })
}

// A user with subordinate ids unpacks one whose files belong to many users, and has a
// root there to whom nothing is impossible.
func testDebianWithSubIDs(t *testing.T, depot string) {
	d := atHome(t, boxer, depot)
	if d == nil {
		return
	}
	d.unpack("")
	r := d.box(apt + "update\n" + apt + "install manyowners oneowner >/dev/null\nstat -c %u:%g /usr/share/manyowners/file >/owners; " + installed)
	if r.status != 0 || r.stdout != installedOutput {
		t.Errorf("got %+v", r)
	}
	// What is 5 inside is the fifth of the ids that the user has besides his own, here.
	d.owned("var/lib/oneowner", boxer.ID, boxer.ID)
	if r := d.box(apt + "install --reinstall manyowners >/dev/null\n"); r.status != 0 {
		t.Errorf("got %+v", r)
	}
	d.owned("usr/share/manyowners/file", boxer.SubID+4, boxer.SubID+11)
	d.remove()
}

// A user with his own id alone has a Debian whose files are all his. apt may not become
// another user there, and packages with files of others cannot be unpacked.
func testDebianWithOneID(t *testing.T, depot string) {
	d := atHome(t, nobody, depot)
	if d == nil {
		return
	}
	d.unpack("--no-same-owner")
	alone := apt + "-o APT::Sandbox::User=root "
	if r := d.box(alone + "update\n" + alone + "install oneowner >/dev/null; oneowner; stat -c %u:%g /usr/share/oneowner/file"); r.status != 0 || r.stdout != "this is oneowner\n0:0\n" {
		t.Errorf("got %+v", r)
	}
	d.owned("usr/share/oneowner/file", nobody.ID, nobody.ID)
	if r := d.box(apt + "update"); r.status != 100 || !strings.Contains(r.stderr, "setgroups") {
		t.Errorf("apt as another user: %+v", r)
	}
	if r := d.box(alone + "install manyowners"); r.status != 100 || !strings.Contains(r.stdout+r.stderr, "error setting ownership of './usr/share/manyowners/file'") {
		t.Errorf("a file of another user: %+v", r)
	}
	d.remove()
}

// debian is one that a user has made for himself.
type debian struct {
	t           *testing.T
	depot, root string
	machine     string // state of the machine's packages
}

// atHome becomes a user. It returns nil in the process that is not him.
func atHome(t *testing.T, u nstest.User, depot string) *debian {
	t.Helper()
	if os.Geteuid() == 0 && os.Getenv("NSTEST_GUEST") != "" {
		if err := os.Chmod(varTmp, 0o777|os.ModeSticky); err != nil {
			t.Fatal(err)
		}
	}
	if !nstest.Subprocess(t, nstest.As(u), nstest.Environ(depotEnv+"="+depot)) {
		return nil
	}
	nstest.UserNS(t)
	return &debian{t, depot, filepath.Join(depot, u.Name), packageState(t)}
}

// unpack unpacks it, in a box with this directory.
func (d *debian) unpack(flags string) {
	d.t.Helper()
	if err := os.Mkdir(d.root, 0o755); err != nil {
		d.t.Fatal(err)
	}
	script := "tar -xf ../debian.tar " + flags + " && mkdir -p dev proc sys run tmp root && chmod 1777 tmp && chmod 755 ."
	c := box(d.t, "-v", d.depot, "-w", d.root, "--", "sh", "-c", script)
	if r := doBox(d.t, c); (r != result{}) {
		d.t.Fatalf("unpack: %+v", r)
	}
	d.changes()
}

// changes looks whether the user can change what is his in a directory of root's, and
// in a box alone: to copy that of root's is what he cannot do.
func (d *debian) changes() {
	d.t.Helper()
	c := box(d.t, "--", "sh", "-c", "echo changed >etc/debian_version; echo new >new; cat etc/debian_version new")
	c.Dir = d.root
	if r := doBox(d.t, c); (r != result{stdout: "changed\nnew\n"}) {
		d.t.Errorf("a change of what is his: %+v", r)
	}
	if text, err := os.ReadFile(filepath.Join(d.root, "etc/debian_version")); err == nil && string(text) == "changed\n" {
		d.t.Error("it is one outside too")
	}
	if _, err := os.Lstat(filepath.Join(d.root, "new")); err == nil {
		d.t.Error("there is a new file outside")
	}
}

// box runs a script in it, with the repository.
func (d *debian) box(script string) result {
	d.t.Helper()
	flags := []string{"--rootfs", d.root, "-v", d.depot + "/repository:" + d.depot + "/repository:ro", "--"}
	return do(d.t, box(d.t, append(flags, aptScript(d.depot, script)...)...))
}

// owned looks at a file from outside.
func (d *debian) owned(name string, uid, gid int) {
	d.t.Helper()
	var st syscall.Stat_t
	if err := syscall.Lstat(filepath.Join(d.root, name), &st); err != nil {
		d.t.Error(err)
	} else if int(st.Uid) != uid || int(st.Gid) != gid {
		d.t.Errorf("%s belongs to %d:%d, want %d:%d", name, st.Uid, st.Gid, uid, gid)
	}
}

// remove removes it again, which takes a box too, and looks whether it was all.
func (d *debian) remove() {
	d.t.Helper()
	if r := doBox(d.t, box(d.t, "-v", d.depot, "--", "rm", "-rf", d.root)); (r != result{}) {
		d.t.Errorf("remove: %+v", r)
	}
	if _, err := os.Lstat(d.root); err == nil {
		d.t.Error("the directory is there")
	}
	if packageState(d.t) != d.machine {
		d.t.Error("the machine's packages are others now")
	}
}
