package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/container"
)

// mountsOf reads lines of "id parent path type".
func mountsOf(lines ...string) (list []container.MountPoint) {
	number := func(text string) (n int) {
		for _, c := range text {
			n = n*10 + int(c-'0')
		}
		return n
	}
	for _, line := range lines {
		f := strings.Fields(line)
		list = append(list, container.MountPoint{ID: number(f[0]), Parent: number(f[1]), Path: f[2], Type: f[3]})
	}
	return list
}

func TestVisible(t *testing.T) {
	for _, row := range []struct {
		about string
		lines []string
		want  string
	}{
		{"nothing but /", []string{"1 0 / ext4"}, ""},
		{"listed before /", []string{"2 1 /proc proc", "1 0 / ext4"}, "/proc"},
		{"one in another", []string{"1 0 / ext4", "2 1 /home ext4", "3 2 /home/a/data xfs"}, "/home /home/a/data"},
		{"one on another", []string{"1 0 / ext4", "2 1 /home ext4", "3 2 /home xfs"}, "/home"},
		{"covered from above", []string{"1 0 / ext4", "2 1 /a/b ext4", "3 1 /a xfs"}, "/a"},
		{"in one that is covered", []string{"1 0 / ext4", "2 1 /a/b ext4", "3 2 /a/b/c ext4", "4 1 /a xfs"}, "/a"},
		{"in the one that covers", []string{"1 0 / ext4", "2 1 /a ext4", "3 2 /a xfs", "4 3 /a/b ext4", "5 2 /a/c ext4"}, "/a /a/b"},
		{"a name that another begins with", []string{"1 0 / ext4", "2 1 /ab ext4", "3 1 /a ext4"}, "/a /ab"},
		{"a loop, which the kernel never makes", []string{"1 2 /a ext4", "2 1 /b ext4"}, "/a /b"},
	} {
		var got []string
		for _, m := range container.Visible(mountsOf(row.lines...)) {
			got = append(got, m.Path)
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%s: %q, want %q", row.about, got, row.want)
		}
	}
}

func TestRootLayout(t *testing.T) {
	m := machine{Mounts: mountsOf(
		"20 1 /sys sysfs", "21 1 /proc proc", "22 1 /dev devtmpfs", "23 22 /dev/pts devpts", "24 1 /run tmpfs", "1 0 / ext4",
		"30 1 /home xfs", "31 1 /boot ext4", "32 31 /boot/efi vfat", "33 1 /tmp tmpfs", "34 1 /srv/chroot/proc proc",
		"35 24 /run/user/1000 tmpfs", "36 1 /tmpfiles ext4",
	)}
	var got []string
	for _, at := range container.MachineMounts(m.Mounts, "box") {
		got = append(got, at.Destination)
		if at.Source != at.Destination || !slices.Contains(at.Options, "ro") || slices.Contains(at.Options, "rbind") {
			t.Errorf("%+v", at)
		}
	}
	if want := "/boot /boot/efi /home /tmpfiles"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestResolver(t *testing.T) {
	for file, want := range map[string]int{
		"": 0, "/run/systemd/resolve/stub-resolv.conf": 1, "/etc/resolvconf/run/resolv.conf": 0, "/running": 0,
	} {
		if got := len(resolver(machine{ResolvConf: file})); got != want {
			t.Errorf("%s: %d mounts, want %d", file, got, want)
		}
	}
}
