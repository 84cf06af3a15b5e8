package container_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// ownerMark and madeMark are what stands on groups.
const (
	ownerMark = "user.selfcontain.container"
	madeMark  = "user.selfcontain.made"
)

// group makes a group of this test's, which is not there any more in the end.
func group(t *testing.T, at string) string {
	t.Helper()
	dir := filepath.Join(hierarchy(t), at)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
	return dir
}

func exists(dir string) bool {
	_, err := os.Lstat(dir)
	return err == nil
}

// TestCgroupOfAStoppedContainer is another's until that is deleted: it would end who is in the group.
func TestCgroupOfAStoppedContainer(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	spec := with(rootFSFor(t), grouped(t), sh("exit 3"))
	for _, row := range []struct {
		about string
		there bool
	}{{"that it has made", false}, {"that was there", true}} {
		t.Run(row.about, func(t *testing.T) {
			if row.there {
				top := filepath.Dir(filepath.Dir(spec.Cgroup.Path))
				group(t, top)
				group(t, top+"/deep")
				group(t, spec.Cgroup.Path)
			}
			first := create(t, spec, container.CreateOptions{})
			if err := first.Exec(); err != nil {
				t.Fatal(err)
			}
			if status, err := first.Wait(); err != nil || status.ExitStatus() != 3 {
				t.Fatalf("status %#x (%v)", int(status), err)
			}
			statusIs(t, first, container.Stopped)
			root := filepath.Join(t.TempDir(), "state")
			_, err := container.Create(root, "second", spec, container.CreateOptions{})
			if err == nil || !strings.Contains(err.Error(), "linux.cgroupsPath") || !strings.Contains(err.Error(), `/state/c", which has not been deleted`) {
				t.Fatalf("it says %v", err)
			}
			if !exists(filepath.Join(hierarchy(t), spec.Cgroup.Path)) {
				t.Error("the group of the first is gone")
			}
			if err := first.Destroy(false); err != nil {
				t.Fatal(err)
			}
			second, err := container.Create(root, "second", spec, container.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := first.Destroy(true); err != nil {
				t.Error(err)
			}
			statusIs(t, second, container.Created)
			if err := second.Destroy(true); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWordsThatAreLeft are on a group of which nobody knows any more.
func TestWordsThatAreLeft(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	spec := with(rootFSFor(t), grouped(t), sh(aliveFor))
	root := t.TempDir()
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(root, "other")
	link := func(at string) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			if err := os.Mkdir(other, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(strings.TrimSpace(string(boot))+" 0 "+at, filepath.Join(other, "cgroup")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, row := range []struct {
		about, owner string
		begin        func(*testing.T)
		refused      bool
	}{
		{"of a container whose state was removed by hand", other, func(*testing.T) {}, false},
		{"of one whose id is that of another by now", other, link("/elsewhere"), false},
		{"of its own", filepath.Join(root, "c"), func(*testing.T) {}, false},
		{"not a path", "other", func(*testing.T) {}, false},
		{"of a creation that was killed", other, link(spec.Cgroup.Path), true},
	} {
		t.Run(row.about, func(t *testing.T) {
			top := filepath.Dir(filepath.Dir(spec.Cgroup.Path))
			group(t, top)
			group(t, top+"/deep")
			dir := group(t, spec.Cgroup.Path)
			if err := unix.Setxattr(dir, ownerMark, []byte(row.owner), 0); err != nil {
				t.Fatal(err)
			}
			row.begin(t)
			defer os.RemoveAll(other)
			c, err := container.Create(root, "c", spec, container.CreateOptions{})
			if row.refused {
				if err == nil || !strings.Contains(err.Error(), "has not been deleted") {
					t.Errorf("it says %v", err)
				}
				// A forced deletion clears it, also where somebody has made a group in it since.
				if err := os.Mkdir(dir+"/inner", 0o755); err != nil {
					t.Fatal(err)
				}
				killed, err := container.Load(root, "other")
				if err != nil {
					t.Fatal(err)
				}
				if err := killed.Destroy(true); err != nil {
					t.Fatal(err)
				}
				if !exists(dir + "/inner") {
					t.Error("what somebody has made is gone")
				}
				if err := os.Remove(dir + "/inner"); err != nil {
					t.Error(err)
				}
				c, err = container.Create(root, "c", spec, container.CreateOptions{})
				if err != nil {
					t.Fatal(err)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if err := c.Destroy(true); err != nil {
				t.Error(err)
			}
			if exists(dir) || !exists(filepath.Dir(dir)) {
				t.Error("the group is left, or the one above is gone, which was there")
			}
		})
	}
}

// TestCgroupBelowAFrozenOne is refused: who is born there never runs.
func TestCgroupBelowAFrozenOne(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	spec := with(rootFSFor(t), grouped(t), sh(aliveFor))
	top := filepath.Dir(filepath.Dir(spec.Cgroup.Path))
	dir := group(t, top)
	if err := os.WriteFile(dir+"/cgroup.freeze", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	for _, there := range []bool{false, true} {
		if there {
			group(t, top+"/deep")
			group(t, spec.Cgroup.Path)
		}
		done := make(chan error, 1)
		root := t.TempDir()
		go func() {
			_, err := container.Create(root, "c", spec, container.CreateOptions{})
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), "cgroup "+top+": it is frozen") {
				t.Errorf("there %v: it says %v", there, err)
			}
		case <-time.After(nstest.Slower(10 * time.Second)):
			_ = os.WriteFile(dir+"/cgroup.freeze", []byte("0"), 0)
			<-done
			t.Fatal("it hangs")
		}
		if exists(filepath.Join(hierarchy(t), spec.Cgroup.Path)) != there {
			t.Errorf("the group is there: %v", !there)
		}
	}
}

// TestThreadedCgroup is refused: one write would not end who is in it.
func TestThreadedCgroup(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	spec := with(rootFSFor(t), grouped(t), sh(aliveFor))
	top := filepath.Dir(filepath.Dir(spec.Cgroup.Path))
	group(t, top)
	dir := group(t, top+"/deep")
	if err := os.WriteFile(dir+"/cgroup.type", []byte("threaded"), 0); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ at, want string }{
		{top + "/deep", "it is threaded"},
		{top + "/deep/new", "the group above is threaded"},
	} {
		spec.Cgroup.Path = row.at
		_, err := container.Create(t.TempDir(), "c", spec, container.CreateOptions{})
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: it says %v", row.at, err)
		}
	}
	if exists(dir+"/new") || !exists(dir) {
		t.Error("a group is left, or one is gone that was there")
	}
}

// TestGroupsAbove are removed by the last container that needs them, if they were made for one.
func TestGroupsAbove(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	spec := with(rootFSFor(t), grouped(t), sh(aliveFor))
	path := spec.Cgroup.Path
	top := filepath.Dir(filepath.Dir(path))
	at := func(name string) container.Spec {
		s := spec
		g := *spec.Cgroup
		g.Path = top + "/" + name
		s.Cgroup = &g
		return s
	}
	dir := filepath.Join(hierarchy(t), top)

	a, b := create(t, at("deep/a"), container.CreateOptions{}), create(t, at("deep/b"), container.CreateOptions{})
	if err := a.Destroy(true); err != nil {
		t.Error(err)
	}
	if !exists(dir + "/deep/b") {
		t.Error("the group of the second is gone with the first")
	}
	if err := b.Destroy(true); err != nil {
		t.Error(err)
	}
	if exists(dir) {
		t.Error("the groups above are left by the last")
	}

	// What somebody else has made stays, whatever it is called.
	group(t, top)
	other := group(t, top+"/selfcontain")
	c := create(t, at("selfcontain/c"), container.CreateOptions{})
	if err := c.Destroy(true); err != nil {
		t.Error(err)
	}
	if !exists(other) || exists(other+"/c") {
		t.Error("what somebody else has made is gone, or the group is left")
	}
	if n, err := unix.Getxattr(other, madeMark, nil); err == nil {
		t.Errorf("it has a word of %d bytes", n)
	}
}
