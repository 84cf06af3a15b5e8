package mounts_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

func TestTmpCopyUp(t *testing.T) {
	nstest.Module(t, "overlay")
	usual := func(t *testing.T, user bool) {
		root := nstest.RootFS(t)
		write(t, filepath.Join(root, "var/old/deep/file"), "old")
		symlink(t, "/var/old", filepath.Join(root, "link"))
		for path, mode := range map[string]os.FileMode{"tmp": 0o777 | os.ModeSticky, "root": 0o700, "var/old": 0o755} {
			if err := os.Chmod(filepath.Join(root, path), mode); err != nil {
				t.Fatal(err)
			}
		}
		up := func(path string, options ...string) mounts.Mount {
			return mounts.Mount{Destination: path, Type: "tmpfs", Options: append(options, "tmpcopyup")}
		}
		tree := mounts.Tree{
			RootPath: root, UserXattr: user,
			Mounts: []mounts.Mount{
				proc, up("/link", "size=64k", "nosuid"), up("/tmp"), up("/root", "mode=0711"), up("/etc", "ro", "noexec"), up("/made"),
				{Destination: "/etc/inner", Type: "tmpfs"},
			},
		}
		prints(t, tree, `
			cd /var/old; cat deep/file; echo; echo new >deep/file; cat deep/file; rm deep/file; ls -A deep
			stat -c "%n %a %u:%g" . /tmp /root /etc /made; df -k . | tail -n 1 | awk '{print $2}'
			ls /etc; echo >/etc/group
			sed -n 's/.* \(\/[a-z/]*\) \([a-z,]*\) .*- \(overlay [a-z]*\) .*/\1 \2 \3/p' /proc/self/mountinfo`, `
old
new
. 755 0:0
/tmp 1777 0:0
/root 711 0:0
/etc 755 0:0
/made 755 0:0
64
group
inner
passwd
sh: can't create /etc/group: Read-only file system
/var/old rw,nosuid,relatime overlay tmpfs
/tmp rw,relatime overlay tmpfs
/root rw,relatime overlay tmpfs
/etc ro,noexec,relatime overlay tmpfs
/made rw,relatime overlay tmpfs`)
		text, err := os.ReadFile(filepath.Join(root, "var/old/deep/file"))
		if err != nil || string(text) != "old" {
			t.Errorf("what was covered has %q, error %v", text, err)
		}
	}
	t.Run("as root", func(t *testing.T) { nstest.Root(t); usual(t, false) })
	t.Run("as a user", func(t *testing.T) {
		if asUser(t) {
			usual(t, true)
		}
	})
	t.Run("a directory that was there is removed, as a user", func(t *testing.T) {
		nstest.Kernel(t, 6, 6, "a tmpfs with extended attributes of users, without which this is EIO,")
		if !asUser(t) {
			return
		}
		root := nstest.RootFS(t)
		write(t, filepath.Join(root, "var/deep/file"), "old")
		prints(t, mounts.Tree{
			RootPath: root, UserXattr: true, Mounts: []mounts.Mount{{Destination: "/var", Type: "tmpfs", Options: []string{"tmpcopyup"}}},
		}, "cd /var && rm -r deep && mkdir deep && ls -A . deep", ".:\ndeep\n\ndeep:")
	})
	t.Run("somebody else's", func(t *testing.T) {
		nstest.Root(t)
		root := nstest.RootFS(t)
		up := mounts.Mount{Destination: "/var", Type: "tmpfs", Options: []string{"tmpcopyup"}}
		if err := os.Chown(filepath.Join(root, "var"), 7, 8); err != nil {
			t.Fatal(err)
		}
		tree := mounts.Tree{Mounts: []mounts.Mount{up}}
		refused(t, root, tree, "/var belongs to another user; say uid=")
		tree.Mounts[0].Options = []string{"tmpcopyup", "uid=7"}
		refused(t, root, tree, "/var belongs to another group; say gid=")
		tree.Mounts[0].Options = []string{"tmpcopyup", "uid=7", "gid=9"}
		expect(t, root, tree, "stat -c '%a %u:%g' /var", "755 7:9")
		if err := os.Chmod(filepath.Join(root, "var"), 0o707); err != nil {
			t.Fatal(err)
		}
		refused(t, root, tree, "the mode of /var is none of 0755, 1777, 0700, 0750, 0777, 0555, 0711; say mode=")
		tree.Mounts[0].Options = []string{"tmpcopyup", "uid=7", "gid=9", "mode=0707"}
		expect(t, root, tree, "stat -c '%a %u:%g' /var", "707 7:9")
	})
}
