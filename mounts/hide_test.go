package mounts_test

import (
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

func TestMaskedPaths(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	write(t, root+"/home/secret", "secret")
	write(t, root+"/etc/secret", "secret")
	write(t, root+"/etc/target", "secret")
	symlink(t, "/etc/target", root+"/link")
	symlink(t, "/etc", root+"/slashed")
	write(t, root+"/etc/behind", "secret")
	tree := mounts.Tree{
		Mounts: usual(), DefaultDevices: true,
		Masked: []string{
			"/proc/cpuinfo", "/proc/irq", "/proc/sys/kernel/random", "/sys/kernel", "/proc/nothing", "/sys/nothing",
			"/home", "/etc/secret", "/link", "/slashed/behind", "/nothing", "/etc/nothing/at/all", "/dev/null",
		},
	}
	expect(t, root, tree, `
for f in /proc/cpuinfo /etc/secret /etc/target /link /etc/behind; do wc -c <$f; done
for d in /proc/irq /proc/sys/kernel/random /sys/kernel /home; do
	ls -A $d | wc -l; touch $d/x 2>&1 | grep -o Read-only
done
echo lost >/etc/secret && wc -c </etc/secret; mknod /home/null c 1 3 2>&1 | grep -o Read-only
`, `
0
0
0
0
0
0
Read-only
0
Read-only
0
Read-only
0
Read-only
0
Read-only`)
}

func TestReadOnlyPaths(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	write(t, root+"/etc/deep/file", "readable")
	write(t, root+"/root/file", "")
	tree := mounts.Tree{
		Mounts: append(usual(), mounts.Mount{Destination: "/etc/inner", Type: "tmpfs"}),
		Masked: []string{"/proc/sys/kernel/random"}, ReadOnlyPaths: []string{"/proc/sys", "/etc", "/root/file", "/nothing", "/proc/nothing"},
	}
	expect(t, root, tree, `
cat /proc/sys/kernel/ostype /etc/deep/file; echo
ls /proc/sys/kernel/random | wc -l
for f in /proc/sys/kernel/domainname /etc/deep/file /etc/inner/x /etc/x /root/file; do echo y >>$f; done 2>&1 | sed 's/.*: //'
echo y >/usr/x && cat /usr/x
`, `
Linux
readable
0
Read-only file system
Read-only file system
Read-only file system
Read-only file system
Read-only file system
y`)
}
