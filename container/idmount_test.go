package container_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// TestIDMappedMounts: files that belong to the host's root belong to the container's, and
// what the container makes belongs to the host's root, or to whom the map says.
func TestIDMappedMounts(t *testing.T) {
	nstest.Root(t)
	nstest.Kernel(t, 6, 3, "a tmpfs with other ids")
	root, host := rootFSFor(t), t.TempDir()
	if err := unix.Mount("tmpfs", host, "tmpfs", 0, "mode=755"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(host, 0); err != nil {
			t.Error(err)
		}
	})
	makeFile(t, host, "file")
	tree := makeDir(t, host, "below")
	if err := unix.Mount("tmpfs", tree, "tmpfs", 0, "mode=755"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(tree, 0); err != nil {
			t.Error(err)
		}
	})
	const script = "stat -c %u /mnt/file; touch /mnt/made; rm /mnt/made; stat -c %u /mnt/below"
	rows := []struct {
		name    string
		change  func(*container.Spec)
		options []string
		own     *container.MountIDs
		want    string
	}{
		{"without ids of its own", inUser(t), nil, nil, "65534\ntouch: /mnt/made: Permission denied\nrm: can't remove '/mnt/made': No such file or directory\n65534"},
		{"with those of the user namespace", inUser(t), []string{"idmap"}, nil, "0\n65534"},
		{"and all that is mounted below", inUser(t), []string{"ridmap"}, nil, "0\n0"},
		{"with its own", inUser(t), []string{"rw"}, &container.MountIDs{UIDs: ids(100033, 10), GIDs: ids(100033, 10)}, "33\ntouch: /mnt/made: Value too large for defined data type\nrm: can't remove '/mnt/made': No such file or directory\n65534"},
		{"without a user namespace", func(*container.Spec) {}, []string{"idmap"}, &container.MountIDs{UIDs: ids(0, 1), GIDs: ids(0, 1)}, "0\n0"},
		{"and with other ids", func(*container.Spec) {}, []string{"idmap"}, &container.MountIDs{UIDs: ids(5, 1), GIDs: ids(5, 1)}, "5\ntouch: /mnt/made: Value too large for defined data type\nrm: can't remove '/mnt/made': No such file or directory\n0"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			spec := with(root, sh(script), row.change)
			spec.Mounts = append(spec.Mounts, mounts.Mount{Destination: "/mnt", Type: "bind", Source: host, Options: append([]string{"rbind"}, row.options...)})
			if row.own != nil {
				spec.MountIDs = map[int]container.MountIDs{len(spec.Mounts) - 1: *row.own}
			}
			if out, _ := run(t, spec); lines(out) != lines(row.want) {
				t.Errorf("printed\n%s\nwant\n%s", lines(out), lines(row.want))
			}
		})
	}
}
