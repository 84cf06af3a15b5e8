package mounts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// hostTree makes a tmpfs of the host with a file, and another one mounted below it.
func hostTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	mountTmpfs(t, dir)
	write(t, dir+"/file", "of the host\n")
	if err := os.Mkdir(dir+"/inner", 0o755); err != nil {
		t.Fatal(err)
	}
	mountTmpfs(t, dir+"/inner")
	write(t, dir+"/inner/file", "mounted\n")
	return dir
}

func mountTmpfs(t *testing.T, at string) {
	t.Helper()
	if err := unix.Mount("host", at, "tmpfs", 0, "mode=755"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, 0); err != nil {
			t.Error(err)
		}
	})
}

// bind is a bind mount at /data.
func bind(source string, options ...string) mounts.Mount {
	return mounts.Mount{Destination: "/data", Type: "bind", Source: source, Options: options}
}

// attributes prints the attributes of what is mounted at /data and below.
const attributes = `grep -oE ' /data[^ ]* [^ ]*' /proc/self/mountinfo | sed 's/^ //'`

func TestBind(t *testing.T) {
	nstest.Root(t)
	root, source := nstest.RootFS(t), hostTree(t)
	for _, row := range []struct {
		sentence string
		options  []string
		script   string
		want     string
	}{
		{"bind takes the mount alone", []string{"bind"}, "cat /data/file; ls /data/inner; " + attributes, "of the host\n/data rw,relatime"},
		{"rbind takes what is mounted below", []string{"rbind"}, "cat /data/inner/file; " + attributes, "mounted\n/data rw,relatime\n/data/inner rw,relatime"},
		{"ro is for the mount itself", []string{"rbind", "ro"}, attributes, "/data ro,relatime\n/data/inner rw,relatime"},
		{"rro is for all", []string{"rbind", "rro"}, attributes, "/data ro,relatime\n/data/inner ro,relatime"},
		{"rw after rro is for the mount itself", []string{"rbind", "rro", "rw"}, attributes, "/data rw,relatime\n/data/inner ro,relatime"},
		{"a read-only bind cannot be written", []string{"bind", "ro"}, "touch /data/x 2>&1", "touch: /data/x: Read-only file system"},
		{"nosuid, nodev, noexec", []string{"bind", "nosuid", "nodev", "noexec"}, attributes, "/data rw,nosuid,nodev,noexec,relatime"},
		{"access times", []string{"rbind", "noatime", "nodiratime", "rnosymfollow"}, attributes, "/data rw,noatime,nodiratime,nosymfollow\n/data/inner rw,nosymfollow,relatime"},
		{"access times of all, and others at the top", []string{"rbind", "rnoatime", "strictatime"}, attributes, "/data rw\n/data/inner rw,noatime"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			tree := mounts.Tree{Mounts: []mounts.Mount{proc, bind(source, row.options...)}}
			got, err := look(t, root, tree, row.script)
			if err != nil {
				t.Fatal(err)
			}
			// The order of the flags in mountinfo differs between kernels.
			if want := row.want; sorted(got) != sorted(want) {
				t.Errorf("%v: got\n%s\nwant\n%s", row.options, got, want)
			}
		})
	}
}

// sorted sorts the attributes of each line.
func sorted(text string) string {
	var lines []string
	for line := range strings.Lines(strings.TrimSpace(text)) {
		lines = append(lines, strings.Join(sortedFields(line), ","))
	}
	return strings.Join(lines, "\n")
}

func TestBindOfAReadOnlyMountStaysReadOnly(t *testing.T) {
	nstest.Root(t)
	source := hostTree(t)
	if err := unix.MountSetattr(unix.AT_FDCWD, source+"/inner", 0, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
		t.Fatal(err)
	}
	root := nstest.RootFS(t)
	for options, want := range map[string]string{"rbind,rw": "/data rw,relatime\n/data/inner ro,relatime", "rbind,rrw": "/data rw,relatime\n/data/inner rw,relatime"} {
		tree := mounts.Tree{Mounts: []mounts.Mount{proc, bind(source, strings.Split(options, ",")...)}}
		expect(t, root, tree, attributes, want)
	}
	tree := mounts.Tree{Mounts: []mounts.Mount{proc, bind(source+"/inner", "bind", "rw")}}
	expect(t, root, tree, attributes, "/data ro,relatime")
}

func TestMountPoints(t *testing.T) {
	nstest.Root(t)
	root, source := nstest.RootFS(t), hostTree(t)
	symlink(t, "../run/resolve/nowhere", root+"/etc/resolv.conf")
	at := func(destination, source string) mounts.Mount {
		return mounts.Mount{Destination: destination, Type: "bind", Source: source}
	}
	tree := mounts.Tree{DefaultDevices: true, Mounts: append(usual(),
		at("/srv/a/b/dir", source),
		at("/srv/a/b/file", source+"/file"),
		at("/srv/a/c/file", source+"/file"),
		at("/etc/resolv.conf", source+"/file"),
		at("/etc/passwd", source+"/file"),
		at("/dev/extra", source+"/file"),
		at("/dev/many/deep", source),
		at("/srv/a/b/dir/made", source+"/inner"),
		mounts.Mount{Destination: "/srv/a/tmp", Type: "tmpfs", Options: []string{"mode=700"}},
		at("/srv/a/tmp/x/y", source),
		mounts.Mount{Destination: "relative/tmp", Type: "tmpfs"},
	)}
	expect(t, root, tree, `
cat /srv/a/b/dir/file /srv/a/b/file /srv/a/c/file /etc/resolv.conf /etc/passwd /dev/extra /dev/many/deep/file /srv/a/tmp/x/y/file
cat /srv/a/b/dir/made/file
stat -c '%a %n' /srv /srv/a /srv/a/b /srv/a/tmp /srv/a/tmp/x /dev/many /relative/tmp
`, strings.Repeat("of the host\n", 8)+`mounted
755 /srv
755 /srv/a
755 /srv/a/b
700 /srv/a/tmp
755 /srv/a/tmp/x
755 /dev/many
1777 /relative/tmp`)
	if text, err := os.ReadFile(root + "/srv/a/b/file"); err != nil || len(text) != 0 {
		t.Errorf("the mount point of a file is %q (%v), want an empty file", text, err)
	}
	if fi, err := os.Stat(filepath.Join(root, "srv/a/b/file")); err != nil || fi.Mode() != 0o644 {
		t.Errorf("the mount point of a file has mode %v (%v), want 0644", fi.Mode(), err)
	}
	if link, err := os.Readlink(root + "/etc/resolv.conf"); err != nil || link != "../run/resolve/nowhere" {
		t.Errorf("the link in the root file system is %q (%v) afterwards", link, err)
	}
}

func TestMountsStandOnWhatCoversTheirDirectory(t *testing.T) {
	nstest.Root(t)
	source := hostTree(t)
	at := func(destination, source string) mounts.Mount {
		return mounts.Mount{Destination: destination, Type: "bind", Source: source}
	}
	tree := mounts.Tree{Mounts: []mounts.Mount{
		at("/srv/x/first", source+"/file"), at("/srv/x", t.TempDir()), at("/srv/x/second", source+"/file"),
		at("/srv/y/first", source+"/file"), {Destination: "/srv", Type: "tmpfs"}, at("/srv/y/second", source+"/file"),
		{Destination: "/srv/y", Type: "tmpfs"}, at("/srv/y/third", source+"/file"),
		at("/opt/first", source+"/file"), at("/opt", t.TempDir()), at("/opt/second", source+"/file"),
		{Destination: "/run", Type: "tmpfs"}, at("/run/z/first", source+"/file"), at("/run/z", t.TempDir()), at("/run/z/second", source+"/file"),
	}}
	expect(t, nstest.RootFS(t), tree, "ls /srv /srv/y; cat /opt/second /run/z/second; test -e /opt/first || test -e /run/z/first || echo covered",
		"/srv:\ny\n\n/srv/y:\nthird\nof the host\nof the host\ncovered")
}

func TestPropagationOfBinds(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	source := t.TempDir()
	if err := unix.Mount(source, source, "", unix.MS_BIND, ""); err != nil { // shared: so is everything here
		t.Fatal(err)
	}
	defer unix.Unmount(source, unix.MNT_DETACH)
	if err := os.Mkdir(source+"/in", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		sentence string
		options  []string
		tag      string
		escapes  bool
	}{
		{"a bind is private", []string{"rbind"}, "", false},
		{"rprivate", []string{"rbind", "rprivate"}, "", false},
		{"slave: what the host mounts appears inside, and not the other way", []string{"rbind", "rslave"}, "master", false},
		{"shared: what is mounted inside appears on the host", []string{"rbind", "rshared"}, "shared", true},
		{"unbindable", []string{"bind", "unbindable"}, "unbindable", false},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			tree := mounts.Tree{Mounts: []mounts.Mount{proc, bind(source, row.options...)}}
			got, err := look(t, root, tree, `cut -d ' ' -f 5,7 /proc/self/mountinfo | grep '^/data ' | grep -oE 'shared|master|unbindable'; mount -t tmpfs mine /data/in`)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(got); got != row.tag {
				t.Errorf("the mount is %q, want %q", got, row.tag)
			}
			escaped := unix.Unmount(source+"/in", 0) == nil
			if escaped != row.escapes {
				t.Errorf("a mount made inside appeared on the host: %v, want %v", escaped, row.escapes)
			}
		})
	}
}

func TestRemount(t *testing.T) {
	nstest.Root(t)
	root, source := nstest.RootFS(t), hostTree(t)
	remount := func(at string, options ...string) mounts.Mount {
		return mounts.Mount{Destination: at, Options: append(options, "bind", "remount")}
	}
	expect(t, root, mounts.Tree{Mounts: []mounts.Mount{
		proc, bind(source, "rbind", "nosuid"), remount("/data", "ro", "noatime"), remount("/data/inner", "nodev"),
	}}, attributes, "/data ro,nosuid,noatime\n/data/inner rw,nodev,relatime")
	expect(t, root, mounts.Tree{Mounts: []mounts.Mount{
		proc, bind(source, "rbind", "ro"), remount("/data", "rw"), remount("/data", "rnoexec"),
	}}, attributes, "/data rw,noexec,relatime\n/data/inner rw,noexec,relatime")
	refused(t, root, mounts.Tree{Mounts: []mounts.Mount{remount("/etc", "ro")}}, "nothing is mounted at this path")
}

func TestFileSystemOptions(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	super := func(options ...string) string {
		tree := mounts.Tree{Mounts: []mounts.Mount{proc, {Destination: "/data", Type: "tmpfs", Source: "mine", Options: options}}}
		got, err := look(t, root, tree, `grep ' /data ' /proc/self/mountinfo | sed 's/.* - //'`)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(got)
	}
	got := super("sync", "dirsync", "lazytime", "silent", "mode=1700", "size=64k", "defaults")
	for _, want := range []string{"tmpfs mine rw", "sync", "dirsync", "lazytime", "size=64k", "mode=1700"} {
		if !strings.Contains(got, want) {
			t.Errorf("the file system has %q, want %q in it", got, want)
		}
	}
	if got := super("sync", "async", "lazytime", "nolazytime"); strings.Contains(got, "sync") || strings.Contains(got, "lazytime") {
		t.Errorf("the file system has %q, want what was taken back to be gone", got)
	}
	long := strings.Repeat("s", 256) // more than fsconfig takes
	tree := mounts.Tree{Mounts: []mounts.Mount{proc, {
		Destination: "/data", Type: "tmpfs", Source: long,
		Options: []string{"mode=0700", "sync", "lazytime", "nodev", "strictatime", "shared", "size=64k"},
	}}}
	expect(t, root, tree, `sed -n 's/.* \(\/data [a-z,]*\) [a-z]*:[0-9]* - /\1 /p' /proc/self/mountinfo | sed 's/,inode64//'`,
		"/data rw,nodev tmpfs "+long+" rw,sync,lazytime,size=64k,mode=700")
	tree.Mounts[1].Options = append(tree.Mounts[1].Options, "bogus=1")
	refused(t, root, tree, "mount \""+long+"\" \"/\" \"tmpfs\" \"mode=0700,size=64k,bogus=1\" (mounts[1]): invalid argument")
	refused(t, root, mounts.Tree{Mounts: []mounts.Mount{{Destination: "/data", Type: "tmpfs", Options: []string{"bogus=1"}}}}, "the tmpfs has no option bogus")
	refused(t, root, mounts.Tree{Mounts: []mounts.Mount{{Destination: "/data", Type: "bogusfs"}}}, "the kernel does not know this file system")
	refused(t, root, mounts.Tree{Mounts: []mounts.Mount{{Destination: "/etc/passwd", Type: "tmpfs"}}}, "a file stands where a directory is needed")
	refused(t, root, mounts.Tree{Mounts: []mounts.Mount{bind("/nowhere/at/all")}}, "no such file")
}

func TestOverlay(t *testing.T) {
	nstest.Root(t)
	nstest.Module(t, "overlay")
	root, dir := nstest.RootFS(t), t.TempDir()
	if err := unix.Mount("overlay test", dir, "tmpfs", 0, ""); err != nil { // the disk may be an overlay itself
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	write(t, dir+"/lower/file", "from below\n")
	for _, d := range []string{"upper", "work"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tree := mounts.Tree{Mounts: []mounts.Mount{{
		Destination: "/data", Type: "overlay", Source: "overlay",
		Options: []string{"lowerdir=" + dir + "/lower", "upperdir=" + dir + "/upper", "workdir=" + dir + "/work"},
	}}}
	expect(t, root, tree, "cat /data/file; echo new >/data/file; cat /data/file", "from below\nnew")
	if text, _ := os.ReadFile(dir + "/lower/file"); string(text) != "from below\n" {
		t.Errorf("the lower directory has %q afterwards", text)
	}
}
