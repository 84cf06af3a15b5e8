package mounts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// under are an upper and a work directory of the host, on a tmpfs of the test's own: the
// one with the temporary files may be an overlay itself, and that one cannot be used.
func under(t *testing.T) (upper, work string) {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	upper, work = filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	for _, d := range []string{upper, work} {
		if err := os.Mkdir(d, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	return upper, work
}

const change = `echo new >/etc/new; rm /etc/old; cat /etc/new; ls /etc; stat -c %a /; awk '{print $5, $8}' /proc/self/mountinfo; ls /.. | head -n 1`

func TestOverlayRoot(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Module(t, "overlay")
	inMemory := func(t *testing.T, root string, o mounts.Overlay) {
		write(t, filepath.Join(root, "etc/old"), "old")
		o.Lower = []string{root}
		prints(t, mounts.Tree{Overlay: &o, Mounts: []mounts.Mount{proc}}, change, "new\ngroup\nnew\npasswd\n700\n/ overlay\n/proc proc\nbin")
		if list, err := os.ReadDir(filepath.Join(root, "etc")); err != nil || len(list) != 3 || list[1].Name() != "old" {
			t.Errorf("the lower directory has %v, error %v", list, err)
		}
	}
	t.Run("changes go to memory", func(t *testing.T) {
		nstest.Root(t)
		inMemory(t, nstest.RootFS(t), mounts.Overlay{Mode: 0o700})
	})
	t.Run("as a user", func(t *testing.T) {
		if asUser(t) {
			inMemory(t, nstest.RootFS(t), mounts.Overlay{Mode: 0o700, UserXattr: true})
		}
	})
	t.Run("changes are kept", func(t *testing.T) {
		nstest.Root(t)
		root := nstest.RootFS(t)
		write(t, filepath.Join(root, "etc/old"), "old")
		upper, work := under(t)
		prints(t, mounts.Tree{
			Overlay: &mounts.Overlay{Lower: []string{root}, Upper: upper, Work: work}, Mounts: []mounts.Mount{proc},
		}, change, "new\ngroup\nnew\npasswd\n750\n/ overlay\n/proc proc\nbin")
		text, err := os.ReadFile(filepath.Join(upper, "etc/new"))
		if err != nil || string(text) != "new\n" {
			t.Errorf("the upper directory has %q, error %v", text, err)
		}
	})
}

// TestOverlayOfTheHost has the machine's own / as its lower layer.
func TestOverlayOfTheHost(t *testing.T) {
	nstest.Root(t)
	nstest.Module(t, "overlay")
	inside := fmt.Sprintf("/selfcontain-test-%d", os.Getpid())
	busybox, _ := filepath.EvalSymlinks("/bin/busybox")
	tree := mounts.Tree{
		Overlay: &mounts.Overlay{Lower: []string{"/"}},
		Mounts:  []mounts.Mount{proc, dev, {Destination: "/bin/busybox", Source: busybox, Options: []string{"bind"}}},
		Masked:  []string{"/proc/version"}, DefaultDevices: true,
	}
	prints(t, tree, "/bin/busybox mkdir "+inside+" && /bin/busybox ls -d "+inside+"; /bin/busybox stat -c %t:%T /proc/version", inside+"\n1:3")
	if _, err := os.Lstat(inside); !os.IsNotExist(err) {
		t.Errorf("%s on the host: %v", inside, err)
	}
}

// TestOverlayMounts makes a box as a user has it, for whom / is no lower layer: one
// overlay for each directory, in a root that is made of nothing.
func TestOverlayMounts(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Module(t, "overlay")
	box := func(t *testing.T, userXattr bool) {
		root := nstest.RootFS(t)
		symlink(t, "usr/lib", filepath.Join(root, "lib"))
		write(t, filepath.Join(root, "etc/old"), "old")
		layer := func(name string, mode uint32, options ...string) mounts.Mount {
			return mounts.Mount{
				Destination: "/" + name, Options: options,
				Overlay: &mounts.Overlay{Lower: []string{filepath.Join(root, name)}, Mode: mode},
			}
		}
		tree := mounts.Tree{
			Overlay: &mounts.Overlay{Mode: 0o711}, UserXattr: userXattr,
			Mounts: []mounts.Mount{{Destination: "/lib", Source: filepath.Join(root, "lib"), Options: []string{"bind", "copy-symlink"}}, layer("bin", 0, "ro", "nosuid"), {Destination: "/bin/made", Type: "tmpfs"}, layer("etc", 0o711), proc, layer("root", 0o700)},
		}
		prints(t, tree, `
			echo new >/etc/new; rm /etc/old; ls /etc; echo new >/bin/new
			stat -c "%n %a" / /bin /etc /root; ls /; readlink /lib
			sed -n 's/.* \(\/[a-z]*\) \([a-z,]*\) .*- \(overlay [a-z]*\) .*/\1 \2 \3/p' /proc/self/mountinfo`, `
group
new
passwd
sh: can't create /bin/new: Read-only file system
/ 711
/bin 755
/etc 711
/root 700
bin
etc
lib
proc
root
usr/lib
/bin ro,nosuid,relatime overlay overlay
/etc rw,relatime overlay overlay
/root rw,relatime overlay overlay`)
		if _, err := os.Stat(filepath.Join(root, "etc/old")); err != nil {
			t.Error(err)
		}
	}
	t.Run("as root", func(t *testing.T) { nstest.Root(t); box(t, false) })
	t.Run("as a user", func(t *testing.T) {
		if asUser(t) {
			box(t, true)
		}
	})
}

// TestOverlayOfManyLayers has names that mean something to overlayfs, and more of them
// than fsconfig takes.
func TestOverlayOfManyLayers(t *testing.T) {
	nstest.Root(t)
	nstest.Module(t, "overlay")
	for _, row := range []struct {
		sentence string
		names    []string
	}{
		{"names with a colon or a backslash", []string{"a:b", `c\d`, "e f"}},
		{"a comma", []string{"a,b", "c:d"}},
		{"more than 255 bytes", []string{strings.Repeat("l", 200), strings.Repeat("m", 100) + "," + strings.Repeat(":", 99)}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			dir := t.TempDir()
			lower := []string{nstest.RootFS(t)}
			for i, name := range row.names {
				d := filepath.Join(dir, name)
				write(t, filepath.Join(d, fmt.Sprintf("layer%d", i)), "text")
				lower = append(lower, d)
			}
			want := ""
			for i := range row.names {
				want += fmt.Sprintf("/layer%d\n", i)
			}
			const script = "ls -d /layer*; touch /new && ls /new"
			prints(t, mounts.Tree{Overlay: &mounts.Overlay{Lower: lower}}, script, want+"/new")

			// In one of the mounts, with words of its own, and through Options as they
			// come from a configuration.
			upper, work := under(t)
			var parts []string
			for _, l := range lower {
				parts = append(parts, strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(l))
			}
			expect(t, nstest.RootFS(t), mounts.Tree{Mounts: []mounts.Mount{
				{Destination: "/one", Overlay: &mounts.Overlay{Lower: lower}, Options: []string{"noatime"}},
				{Destination: "/two", Type: "overlay", Source: "two", Options: []string{
					"lowerdir=" + strings.Join(parts, ":"), "upperdir=" + upper, "workdir=" + work, "nodev", "sync",
				}},
				proc,
			}}, `
				ls -d /one/layer* /two/layer*; touch /one/new /two/new
				grep -o "/[ot][nw][oe] [a-z,]* - [a-z]* [a-z]* [a-z,]*,lower" /proc/self/mountinfo`,
				strings.ReplaceAll(want, "/l", "/one/l")+strings.ReplaceAll(want, "/l", "/two/l")+
					"/one rw,noatime - overlay overlay rw,lower\n/two rw,nodev,relatime - overlay two rw,sync,lower")
		})
	}
}

// TestRootLinks puts a root together: it is empty but for links and what is mounted.
func TestRootLinks(t *testing.T) {
	nstest.Module(t, "overlay")
	together := func(t *testing.T, user bool) {
		root := nstest.RootFS(t)
		prints(t, mounts.Tree{
			Overlay: &mounts.Overlay{Mode: 0o711, UserXattr: user}, BindDevices: user,
			Links: []mounts.Link{{Path: "/bin", Target: "usr/bin"}, {Path: "/a/b/c", Target: "/nowhere at all"}},
			Mounts: []mounts.Mount{
				{Destination: "/usr/bin", Overlay: &mounts.Overlay{Lower: []string{filepath.Join(root, "bin")}, UserXattr: user}},
				{Destination: "/there", Source: filepath.Join(root, "etc"), Options: []string{"bind", "ro"}},
			},
		}, "ls /; readlink /bin; readlink /a/b/c; stat -c %a /; echo x >/bin/new; cat /usr/bin/new; ls /there",
			"a\nbin\nthere\nusr\nusr/bin\n/nowhere at all\n711\nx\ngroup\npasswd")
		if _, err := os.Stat(filepath.Join(root, "bin/new")); err == nil {
			t.Error("it is in the lower directory")
		}
	}
	t.Run("as root", func(t *testing.T) {
		nstest.Root(t)
		together(t, false)
		fails(t, mounts.Tree{Overlay: &mounts.Overlay{}, Links: []mounts.Link{{Path: "/a", Target: "b"}, {Path: "/a", Target: "c"}}}, "file exists")
	})
	t.Run("as a user", func(t *testing.T) {
		if asUser(t) {
			together(t, true)
		}
	})
	for _, k := range []mounts.Link{{Path: "a", Target: "b"}, {Path: "/a"}, {Path: "/", Target: "b"}, {Path: "/a", Target: "b\x00"}} {
		if _, err := (mounts.Tree{Overlay: &mounts.Overlay{}, Links: []mounts.Link{k}}).Validate(); err == nil || !strings.HasPrefix(err.Error(), "links[0]: ") {
			t.Errorf("%+v: %v", k, err)
		}
	}
}
