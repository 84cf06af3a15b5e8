package mounts_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// victim makes a directory of the host that must stay as it is, and a function that
// says how it looks.
func victim(t *testing.T) (dir string, looks func() string) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir+"/file", "of the host")
	return dir, func() string {
		var names []string
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			names = append(names, path+" "+d.Type().String())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(dir + "/file")
		return strings.Join(append(names, string(text)), "\n")
	}
}

// Every row is a root file system that somebody has prepared. Either the container is
// refused, or everything happens inside; the host's directory stays as it is.
func TestLinksOfTheRootNeverLeadOut(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	tmpfs := func(at string) mounts.Mount {
		return mounts.Mount{Destination: at, Type: "tmpfs", Options: []string{"mode=700"}}
	}
	source := t.TempDir()
	write(t, source+"/payload", "payload")
	data := func(at string) mounts.Mount {
		return mounts.Mount{Destination: at, Type: "bind", Source: source}
	}
	up := strings.Repeat("../", 20)
	for _, row := range []struct {
		sentence string
		link     string // in the root file system
		to       string // HOST is the host's directory
		tree     mounts.Tree
		script   string
		want     string // of the script
		refused  string // or what the error says
	}{
		{"proc is a link to etc", "proc", "/etc", mounts.Tree{Mounts: []mounts.Mount{proc}}, "", "", "a symbolic link stands where"},
		{"proc is a link to the host", "proc", "HOST", mounts.Tree{Mounts: []mounts.Mount{proc}}, "", "", "a symbolic link stands where"},
		{"sys is a link to the host", "sys", "HOST", mounts.Tree{Mounts: []mounts.Mount{sysfs}}, "", "", "a symbolic link stands where"},
		{"dev is a link to the host", "dev", "HOST", mounts.Tree{Mounts: []mounts.Mount{dev}, DefaultDevices: true}, "", "", "a symbolic link stands where"},
		{"dev is a link and nothing is mounted on it", "dev", "HOST", mounts.Tree{DefaultDevices: true}, "", "", "a symbolic link in the root file system leads nowhere"},
		{"dev is a relative link and nothing is mounted on it", "dev", up + "tmp", mounts.Tree{DefaultDevices: true}, "test -c /tmp/null && echo inside", "inside", ""},
		{"a mount point is a link to the host", "data", "HOST", mounts.Tree{Mounts: []mounts.Mount{tmpfs("/data")}}, "", "", "leads nowhere"},
		{"a mount point is a link up and out", "data", up + "HOST", mounts.Tree{Mounts: []mounts.Mount{tmpfs("/data")}}, "", "", "leads nowhere"},
		{"a mount point is a link up that stays inside", "data", up + "home", mounts.Tree{Mounts: []mounts.Mount{tmpfs("/data")}}, "stat -c %a /home", "700", ""},
		{"a mount point is an absolute link", "data", "/home", mounts.Tree{Mounts: []mounts.Mount{data("/data")}}, "cat /home/payload", "payload", ""},
		{"a directory above is a link to the host", "data", "HOST", mounts.Tree{Mounts: []mounts.Mount{tmpfs("/data/new")}}, "", "", "leads nowhere"},
		{"a directory above is a link up", "data", up, mounts.Tree{Mounts: []mounts.Mount{data("/data/new")}}, "cat /new/payload", "payload", ""},
		{"a bind on a link that leads out is a bind on the link", "data", "HOST/file", mounts.Tree{Mounts: []mounts.Mount{{Destination: "/data", Type: "bind", Source: source + "/payload"}}}, "cat /data", "payload", ""},
		{"a link leads into proc", "data", "/proc", mounts.Tree{Mounts: []mounts.Mount{proc, data("/data/sys")}}, "", "", "leads the mount point into a procfs"},
		{"a link leads into proc by a detour", "data", "/proc/self/../sys/../sys/kernel", mounts.Tree{Mounts: []mounts.Mount{proc, tmpfs("/data")}}, "", "", "leads the mount point into a procfs"},
		{"a magic link leads to the host's root", "data", "/proc/1/root", mounts.Tree{Mounts: []mounts.Mount{proc, data("/data/tmp")}}, "", "", "too many levels of symbolic links"},
		{"a magic link leads to a descriptor", "data", "/proc/self/fd/3", mounts.Tree{Mounts: []mounts.Mount{proc, data("/data/tmp")}}, "", "", "too many levels of symbolic links"},
		{"a device's directory is a link to the host", "data", "HOST", mounts.Tree{Devices: []mounts.Device{{Path: "/data/null", Type: "c", Major: 1, Minor: 3}}}, "", "", "leads nowhere"},
		{"a device's place is a link to the host", "data", "HOST/new", mounts.Tree{Devices: []mounts.Device{{Path: "/data", Type: "c", Major: 1, Minor: 3}}}, "", "", "file exists"},
		{"the working directory is a link to the host", "data", "HOST", mounts.Tree{Cwd: "/data/work"}, "", "", "leads nowhere"},
		{"a masked path is a link to the host", "data", "HOST", mounts.Tree{Masked: []string{"/data/file", "/data"}}, "echo runs", "runs", ""},
		{"a masked path is a link inside", "data", up + "etc/passwd", mounts.Tree{Masked: []string{"/data"}}, "wc -c </etc/passwd", "0", ""},
		{"a read-only path is a link to the host", "data", "HOST", mounts.Tree{ReadOnlyPaths: []string{"/data"}}, "echo runs", "runs", ""},
		{"a masked path is a loop", "data", "data", mounts.Tree{Masked: []string{"/data"}}, "", "", "too many levels of symbolic links"},
		{"a masked path of a link into proc is not taken for missing", "data", "/proc/1/root", mounts.Tree{Mounts: []mounts.Mount{proc}, Masked: []string{"/data/etc"}}, "", "", "too many levels of symbolic links"},
		{"a link in what is bound leads to the host", "", "", mounts.Tree{Mounts: []mounts.Mount{data("/data"), tmpfs("/data/out/new")}}, "", "", "leads nowhere"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			host, looks := victim(t)
			before := looks()
			root := nstest.RootFS(t)
			if row.link != "" {
				symlink(t, strings.ReplaceAll(row.to, "HOST", host), filepath.Join(root, row.link))
			}
			symlink(t, host, source+"/out")
			if row.refused != "" {
				refused(t, root, row.tree, row.refused)
			} else {
				expect(t, root, row.tree, row.script, row.want)
			}
			if after := looks(); after != before {
				t.Errorf("the host's directory was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

// Somebody exchanges a directory of the root file system for a link to the host, over
// and over, while containers are made in it. The mount point is made inside or not at
// all.
func TestExchangedLinksNeverLeadOut(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	host, looks := victim(t)
	before := looks()
	root := nstest.RootFS(t)
	if err := os.MkdirAll(root+"/a/b", 0o755); err != nil {
		t.Fatal(err)
	}
	symlink(t, host, root+"/a/link")
	var stop atomic.Bool
	exchanged := make(chan int)
	go func() {
		n := 0
		for ; !stop.Load(); n++ {
			_ = unix.Renameat2(unix.AT_FDCWD, root+"/a/b", unix.AT_FDCWD, root+"/a/link", unix.RENAME_EXCHANGE)
		}
		exchanged <- n
	}()
	tree := mounts.Tree{Mounts: []mounts.Mount{
		{Destination: "/a/b/new/deep", Type: "tmpfs"}, {Destination: "/a/b/file", Type: "bind", Source: host + "/file"},
	}, Devices: []mounts.Device{{Path: "/a/b/null", Type: "p"}}, Masked: []string{"/a/b/new"}}
	rounds, made := 300, 0
	if testing.Short() {
		rounds = 50
	}
	for range rounds {
		if _, err := look(t, root, tree, "exit"); err == nil {
			made++
		}
		for _, d := range []string{"b", "link"} { // the device is new each time
			if p := filepath.Join(root, "a", d, "null"); !isInside(p, host) {
				_ = os.Remove(p)
			}
		}
	}
	stop.Store(true)
	n := <-exchanged
	if after := looks(); after != before {
		t.Errorf("the host's directory was\n%s\nand is\n%s", before, after)
	}
	t.Logf("%d containers of %d were made while a link was exchanged %d times", made, rounds, n)
	if n < rounds {
		t.Errorf("the link was exchanged %d times, want at least once for each of %d containers", n, rounds)
	}
}

// isInside reports whether a path leads to what lies in a directory.
func isInside(path, dir string) bool {
	real, err := filepath.EvalSymlinks(filepath.Dir(path))
	return err != nil || slices.Contains([]string{real}, dir)
}

func TestProcOfTheHostAsProc(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	over := func(source string) mounts.Tree {
		return mounts.Tree{Mounts: []mounts.Mount{{Destination: "/proc", Type: "bind", Source: source, Options: []string{"rbind"}}}}
	}
	expect(t, root, over("/proc"), "test -e /proc/self/status || test -e /proc/version && echo there", "there")
	refused(t, root, over("/etc"), "what is to be bound on /proc is not a procfs")
}
