package container_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// damage is what may have become of a file.
type damage struct {
	about string
	do    func(name string, text []byte) error
}

func damages(size int, every int) (list []damage) {
	add := func(about string, do func(name string, text []byte) error) { list = append(list, damage{about, do}) }
	for n := 0; n < size; n += every {
		add(fmt.Sprintf("cut short at byte %d", n), func(name string, text []byte) error { return os.WriteFile(name, text[:n], 0o600) })
		add(fmt.Sprintf("a bit flipped in byte %d", n), func(name string, text []byte) error {
			text[n] ^= 1 << (n % 8)
			return os.WriteFile(name, text, 0o600)
		})
	}
	instead := func(make func(name string) error) func(string, []byte) error {
		return func(name string, _ []byte) error { return errors.Join(os.Remove(name), make(name)) }
	}
	add("gone", func(name string, _ []byte) error { return os.Remove(name) })
	add("a directory that is not empty", instead(func(name string) error { return os.MkdirAll(name+"/deep/er", 0o700) }))
	add("a FIFO", instead(func(name string) error { return unix.Mkfifo(name, 0o600) }))
	add("a link to a file of the host's", instead(func(name string) error { return os.Symlink("/etc/passwd", name) }))
	add("a device", instead(func(name string) error { return unix.Mknod(name, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))) }))
	add("100 MB", func(name string, _ []byte) error { return os.Truncate(name, 100<<20) })
	add("written twice", func(name string, text []byte) error { return os.WriteFile(name, append(text, text...), 0o600) })
	return list
}

// TestDamagedState damages each file of containers that live, in every way, and looks
// that they are listed, that nobody else is signalled, and that they can be destroyed.
func TestDamagedState(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	bystander := exec.Command("sleep", "1000")
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bystander.Process.Kill(); _ = bystander.Wait() }()
	root := filepath.Join(t.TempDir(), "state")
	spec := bare(nstest.RootFS(t), "/bin/sleep", "1000")
	for _, file := range []string{"intent", "state", "report", "gate"} {
		t.Run(file, func(t *testing.T) {
			spec := spec
			if file == "intent" { // which says what hooks there are
				spec.Bundle = t.TempDir()
				spec.Hooks.Poststop = []container.Hook{container.CommandHook{Path: "/bin/true"}}
			}
			all := damages(1, 1)
			if file == "intent" || file == "state" {
				all = damages(300, 97)
				if os.Getenv("NSTEST_SOAK") != "" {
					all = damages(300, 1)
				}
			}
			for _, damage := range all {
				c, err := container.Create(root, "c", spec, container.CreateOptions{})
				if err != nil {
					t.Fatal(err)
				}
				s, err := c.State()
				if err != nil {
					t.Fatal(err)
				}
				name := filepath.Join(root, "c", file)
				text, err := os.ReadFile(name)
				if file == "gate" {
					text, err = []byte{0}, nil
				}
				if err == nil {
					err = damage.do(name, text)
				}
				if err != nil && file != "gate" { // which cannot be written
					t.Fatal(err)
				}
				list, err := container.List(root)
				if len(list) != 1 || err != nil {
					t.Errorf("%s: list %v (%v)", damage.about, list, err)
				}
				got, err := list[0].State()
				if err != nil || got.ID != "c" || file == "intent" && damage.about != "gone" && got.Damaged == "" {
					t.Errorf("%s: state %+v (%v)", damage.about, got, err)
				}
				if file != "report" && got.Pid != s.Pid {
					t.Errorf("%s: its process is %d, and it says %d", damage.about, s.Pid, got.Pid)
				}
				if file == "intent" {
					if err := list[0].Exec(); err == nil {
						t.Errorf("%s: it starts, and nobody knows without which hooks", damage.about)
					}
				}
				began := time.Now()
				if err := list[0].Destroy(true); err != nil || time.Since(began) > nstest.Slower(5*time.Second) {
					t.Errorf("%s: destroyed after %v: %v", damage.about, time.Since(began), err)
				}
				if left, err := os.ReadDir(root); len(left) > 0 || err != nil {
					t.Fatalf("%s: left %v (%v)", damage.about, left, err)
				}
				if _, err := c.Wait(); err != nil {
					t.Errorf("%s: wait: %v", damage.about, err)
				}
			}
		})
	}
	if err := bystander.Process.Signal(unix.Signal(0)); err != nil {
		t.Errorf("somebody else has been ended: %v", err)
	}
}

// TestWithoutHooks damages what says which hooks there are of a container that has none. That
// it has none stands in its directory too, so it lives as if nothing had happened.
func TestWithoutHooks(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root := filepath.Join(t.TempDir(), "state")
	c, err := container.Create(root, "c", bare(nstest.RootFS(t), "/bin/true"), container.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "c", "intent"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Exec(); err != nil {
		t.Errorf("it has no hooks, and does not start: %v", err)
	}
	if _, err := c.Wait(); err != nil {
		t.Error(err)
	}
	c.Warn = func(texts []string) { t.Errorf("it has no hooks, and its end warns: %v", texts) }
	if err := c.Destroy(false); err != nil {
		t.Error(err)
	}
}

// TestDamagedLinks puts something else in the place of each link, which the kernel can
// neither cut short nor fill. The container is listed, is ended and removed; only its
// cgroup stays where nothing tells of that any more, or not surely.
func TestDamagedLinks(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root := filepath.Join(t.TempDir(), "state")
	spec := bare(nstest.RootFS(t), "/bin/sleep", "1000")
	grouped(t)(&spec)
	spec.Bundle, spec.Hooks.CreateRuntime = "/", []container.Hook{shHook("exit 0")}
	group := filepath.Join(hierarchy(t), spec.Cgroup.Path)
	for _, link := range []string{"process", "cgroup", "group", "hooked", "forced"} {
		for _, damage := range damages(0, 1) {
			where := link + " is " + damage.about
			if testing.Short() && damage.about != "gone" && damage.about != "a FIFO" {
				continue
			}
			c, err := container.Create(root, "c", spec, container.CreateOptions{})
			if err != nil {
				t.Fatal(where, err)
			}
			name := filepath.Join(root, "c", link)
			if link == "forced" {
				err = os.Symlink("x", name)
			}
			if damage.about == "100 MB" || damage.about == "written twice" { // of a file in its place
				err = errors.Join(err, os.Remove(name), os.WriteFile(name, []byte("x"), 0o600))
			}
			if err := errors.Join(err, damage.do(name, []byte("x"))); err != nil {
				t.Fatal(where, err)
			}
			if list, err := container.List(root); len(list) != 1 || err != nil {
				t.Errorf("%s: list %v (%v)", where, list, err)
			} else if s, err := list[0].State(); err != nil || s.ID != "c" || link != "process" && s.Pid == 0 {
				t.Errorf("%s: state %+v (%v)", where, s, err)
			}
			began := time.Now()
			if err := c.Destroy(true); err != nil || time.Since(began) > nstest.Slower(5*time.Second) {
				t.Errorf("%s: destroyed after %v: %v", where, time.Since(began), err)
			}
			if _, err := c.Wait(); err != nil {
				t.Errorf("%s: wait: %v", where, err)
			}
			if left, err := os.ReadDir(root); len(left) > 0 || err != nil {
				t.Fatalf("%s: left %v (%v)", where, left, err)
			}
			_, err = os.Stat(group)
			if stays := link == "cgroup" || link == "group"; err == nil && !stays || err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: the cgroup is left (%v)", where, err)
			}
			for dir := group; dir != hierarchy(t); dir = filepath.Dir(dir) {
				if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s: %v", where, err)
				}
			}
		}
	}
}

// TestNobodyElseIsSignalled changes the link that says who the first process is: a number
// that is another process's by now, as after many births, or after a reboot.
func TestNobodyElseIsSignalled(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	bystander := exec.Command("sleep", "1000")
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bystander.Process.Kill(); _ = bystander.Wait() }()
	c := create(t, bare(nstest.RootFS(t), "/bin/sleep", "1000"), container.CreateOptions{})
	link := filepath.Join(container.Place(c), "process")
	whole, err := os.Readlink(link)
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Split(whole, " ")
	their := fmt.Sprint(bystander.Process.Pid)
	change := func(i int, word string) string {
		w := append([]string{}, words...)
		w[i] = word
		return strings.Join(w, " ")
	}
	for about, text := range map[string]string{
		"another's number":                    change(1, their),
		"another's number, and no pidfs":      strings.Join([]string{words[0], their, words[2], "0"}, " "),
		"another boot":                        change(0, "00000000-0000-0000-0000-000000000000"),
		"another boot and somebody's number":  strings.Join([]string{"00000000-0000-0000-0000-000000000000", their, words[2], words[3]}, " "),
		"the caller's own number":             change(1, fmt.Sprint(os.Getpid())),
		"process 1":                           change(1, "1"),
		"process 0":                           change(1, "0"),
		"a negative number":                   change(1, "-1"),
		"a number with a zero in front":       change(1, "0"+words[1]),
		"the time of another start":           strings.Join([]string{words[0], words[1], words[2] + "0", "0"}, " "),
		"another inode":                       change(3, "1"),
		"nothing":                             " ",
		"a path":                              "/etc/passwd",
		"what it is, and something behind it": whole + " 1",
	} {
		if about == "another inode" && words[3] == "0" {
			continue // a kernel without pidfs
		}
		if err := errors.Join(os.Remove(link), os.Symlink(text, link)); err != nil {
			t.Fatal(err)
		}
		statusIs(t, c, container.Stopped)
		if err := c.Signal(unix.SIGKILL, false); !errors.Is(err, container.ContainerNotRunning) {
			t.Errorf("%s: signal: %v", about, err)
		}
		if err := c.Signal(unix.SIGKILL, true); !errors.Is(err, container.ContainerNotRunning) {
			t.Errorf("%s: signal to all: %v", about, err)
		}
		if err := bystander.Process.Signal(unix.Signal(0)); err != nil {
			t.Fatalf("%s: somebody else has been ended: %v", about, err)
		}
	}
	if err := errors.Join(os.Remove(link), os.Symlink(whole, link)); err != nil {
		t.Fatal(err)
	}
	statusIs(t, c, container.Created)
	if err := c.Exec(); err != nil {
		t.Error(err)
	}
}

// TestFullDisk creates a container where there is no room, and destroys one when there is
// none any more.
func TestFullDisk(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	if !nstest.Subprocess(t, nstest.PrivateMounts()) {
		return
	}
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	spec := bare(nstest.RootFS(t), "/bin/sleep", "1000")
	c, err := container.Create(disk, "c", spec, container.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fill := make([]byte, 1<<20)
	if err := os.WriteFile(filepath.Join(disk, "fill"), fill, 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if _, err := container.Create(disk, "second", spec, container.CreateOptions{}); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("create says %v", err)
	}
	if err := c.Exec(); err != nil {
		t.Errorf("start says %v", err)
	}
	statusIs(t, c, container.Running)
	if err := c.Destroy(true); err != nil {
		t.Errorf("destroy says %v", err)
	}
	left, err := os.ReadDir(disk)
	if len(left) != 1 || err != nil {
		t.Errorf("left %v (%v)", left, err)
	}
}
