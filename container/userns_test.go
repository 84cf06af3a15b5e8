package container_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

var (
	// nobody has one id, and nothing to map more with.
	nobody = nstest.User{Name: "nobody", ID: 65534}
	// subuser has subordinate ids.
	subuser = nstest.User{Name: "subuser", ID: 4100, SubID: 300000, SubIDs: 65536}
)

// inUser gives a container a user namespace: for root 65536 ids from 100000 on, and for
// an ordinary user those that it has.
func inUser(t testing.TB) func(*container.Spec) {
	t.Helper()
	host, err := container.Probe()
	if err != nil {
		t.Fatal(err)
	}
	return func(s *container.Spec) {
		s.Namespaces.Add(clone.NEWUSER, "")
		if s.UIDMappings, s.GIDMappings = container.IDMappings(host); os.Geteuid() == 0 {
			s.UIDMappings = clone.IDMaps{{ContainerID: 0, HostID: 100000, Size: 65536}}
			s.GIDMappings = s.UIDMappings
		}
	}
}

// rootFSFor is a root file system that belongs to the container's root.
func rootFSFor(t testing.TB) string {
	t.Helper()
	root := nstest.RootFS(t)
	if os.Geteuid() != 0 {
		return root
	}
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, 100000, 100000)
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// asEach runs a test as root, as a user with one id, and as one with more.
func asEach(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Run("root", test) // not in the subprocesses of the others
	for _, u := range []nstest.User{nobody, subuser} {
		t.Run(u.Name, func(t *testing.T) {
			if nstest.Subprocess(t, nstest.As(u)) {
				test(t)
			}
		})
	}
}

// TestUserNamespace is what a user sees inside, whoever has made the container.
func TestUserNamespace(t *testing.T) {
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		root, host := rootFSFor(t), t.TempDir()
		makeFile(t, makeDir(t, host, "tree"), "file")
		if err := os.Chmod(filepath.Join(host, "tree"), 0o755); err != nil {
			t.Fatal(err)
		}
		uids, gids := container.IDMappings(probe(t))
		if os.Geteuid() == 0 {
			uids, gids = ids(100000, 65536), ids(100000, 65536)
		}
		many := len(uids) > 1 || uids[0].Size > 1
		rows := []struct {
			name   string
			many   bool // takes more than one id
			change func(*container.Spec)
			script string
			want   string
		}{
			{"it is root there", false, nil, "id -u; id -g; touch /x /dev/shm/x; stat -c %u:%g /x /dev/shm/x /; rm /x", "0\n0\n0:0\n0:0\n0:0"},
			{"the ids are those that were asked for", false, nil, "tr -s ' ' </proc/self/uid_map; tr -s ' ' </proc/self/gid_map", shown(uids) + shown(gids)},
			{"the capabilities are those that were asked for", false, nil, "grep -e ^Cap -e ^NoNew /proc/self/status | tr '\t' ' '",
				"CapInh: 0000000000000000\nCapPrm: 0000000020000420\nCapEff: 0000000020000420\nCapBnd: 0000000020000420\nCapAmb: 0000000000000000\nNoNewPrivs: 1"},
			{"all can be had, inside", false, func(s *container.Spec) {
				all := caps.UpTo(probe(t).LastCapability)
				s.Process.Capabilities = &caps.Config{Bounding: all, Effective: all, Permitted: all}
			}, "mount -t tmpfs x /tmp && echo mounted; hostname other && hostname; echo 0 >/proc/sys/vm/drop_caches; mknod /tmp/sda b 8 0; chroot / id -u",
				"mounted\nother\n/bin/sh: can't create /proc/sys/vm/drop_caches: Read-only file system\nmknod: /tmp/sda: Operation not permitted\n0"},
			{"the devices are the host's, and work", false, nil, "cd /dev; stat -c '%n %t:%T' null zero full random urandom tty; echo x >full; head -c 9 zero | wc -c; echo x >null", `
				null 1:3
				zero 1:5
				full 1:7
				random 1:8
				urandom 1:9
				tty 5:0
				sh: write error: No space left on device
				9`},
			{"a named pipe can be made", false, func(s *container.Spec) {
				s.Devices = []mounts.Device{{Path: "/dev/a/pipe", Type: "p", FileMode: 0o600}}
			}, "stat -c '%F %a' /dev/a/pipe", "fifo 600"},
			{"masked paths are empty and read-only ones read-only", false, func(s *container.Spec) {
				s.MaskedPaths = append(s.MaskedPaths, "/etc/passwd", "/home")
				s.ReadonlyPaths = append(s.ReadonlyPaths, "/usr")
			}, "cat /etc/passwd; touch /home/x; touch /usr/x; echo 1 >/proc/sys/kernel/msgmax",
				"touch: /home/x: Read-only file system\ntouch: /usr/x: Read-only file system\n/bin/sh: can't create /proc/sys/kernel/msgmax: Read-only file system"},
			{"a read-only root", false, func(s *container.Spec) { s.Root.Readonly = true }, "touch /x", "touch: /x: Read-only file system"},
			{"a bind mount", false, func(s *container.Spec) { s.Mounts = append(s.Mounts, mountOf("/mnt", host+"/tree", "ro")) }, "cat /mnt/file; touch /mnt/x", "of the host\ntouch: /mnt/x: Read-only file system"},
			{"kernel parameters of its own namespaces", false, func(s *container.Spec) {
				s.Sysctl = map[string]string{"net.ipv4.ip_forward": "1", "user.max_mnt_namespaces": "7"}
			},
				"cd /proc/sys; cat net/ipv4/ip_forward user/max_mnt_namespaces", "1\n7"},
			{"the OOM score can be raised", false, func(s *container.Spec) { score := 500; s.Process.OOMScoreAdj = &score }, "cat /proc/self/oom_score_adj", "500"},
			{"lo is up", false, nil, "ip addr show lo | grep -o 'inet 127.0.0.1/8'", "inet 127.0.0.1/8"},
			{"names", false, func(s *container.Spec) { s.Hostname = "box" }, "hostname", "box"},
			{"the first process is the program", false, nil, "echo $$", "1"},
			{"a program that the caller's user does not see is nobody's", false, nil, "set -- /proc/[0-9]*; echo $#", "1"},
			{"the host's network", false, func(s *container.Spec) { s.Namespaces.Remove(clone.NEWNET) },
				"touch /sys/x; test -d /sys/kernel && echo there", "touch: /sys/x: Read-only file system\nthere"},
			{"the host's processes", false, func(s *container.Spec) { s.Namespaces.Remove(clone.NEWPID) }, "test -d /proc/1 && test $$ -gt 1 && echo there", "there"},
			{"the host's cgroups", false, func(s *container.Spec) { s.Namespaces.Remove(clone.NEWCGROUP) }, "touch /sys/fs/cgroup/x 2>/dev/null; test -f /sys/fs/cgroup/cgroup.controllers && echo there", "there"},

			{"other users and groups", true, func(s *container.Spec) {
				s.Process.User = container.User{UID: 1000, GID: 1001, AdditionalGIDs: []uint32{5, 77}}
			}, "id -u; id -G; touch /x; touch /dev/shm/x; stat -c %u:%g /dev/shm/x", "1000\n1001 5 77\ntouch: /x: Permission denied\n1000:1001"},
			{"files of many", true, func(s *container.Spec) {
				s.Process.Capabilities.Permitted.Add(caps.CHOWN)
				s.Process.Capabilities.Effective.Add(caps.CHOWN)
				s.Process.Capabilities.Bounding.Add(caps.CHOWN)
			}, "touch /dev/shm/x; chown 33:44 /dev/shm/x; stat -c %u:%g /dev/shm/x; chown 70000 /dev/shm/x", "33:44\nchown: /dev/shm/x: Invalid argument"},
			{"no setgroups where nobody may", false, nil, "cat /proc/self/setgroups", map[bool]string{true: "allow", false: "deny"}[many]},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				if row.many && !many {
					t.Skip("skipped: this user has one id")
				}
				spec := with(root, inUser(t), sh(row.script))
				if row.change != nil {
					row.change(&spec)
				}
				if out, _ := run(t, spec); lines(out) != lines(row.want) {
					t.Errorf("the script\n%s\nprinted\n%s\nwant\n%s", row.script, lines(out), lines(row.want))
				}
			})
		}
	})
}

// shown is a map as /proc/self/uid_map shows it, with single spaces.
func shown(m clone.IDMaps) string {
	return " " + strings.ReplaceAll(strings.TrimSuffix(m.Format(), "\n"), "\n", "\n ") + "\n"
}

// probe asks this machine.
func probe(t testing.TB) container.Host {
	t.Helper()
	host, err := container.Probe()
	if err != nil {
		t.Fatal(err)
	}
	return host
}

// TestUserNamespacesAreOwned looks from outside: the container's user namespace is a
// child of the caller's, and all of its other namespaces belong to it.
func TestUserNamespacesAreOwned(t *testing.T) {
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		spec := with(rootFSFor(t), inUser(t), sh("exec sleep 1000"))
		spec.Namespaces.Add(clone.NEWTIME, "")
		p, _, err := begin(t, compile(t, spec))
		if err != nil {
			t.Fatal(err)
		}
		dir := fmt.Sprintf("/proc/%d/ns/", p.Pid())
		user := namespace(t, dir+"user", 0)
		if parent, own := namespace(t, dir+"user", unix.NS_GET_PARENT), namespace(t, "/proc/self/ns/user", 0); parent != own {
			t.Errorf("the parent of its user namespace is %d, the caller's is %d", parent, own)
		}
		for _, typ := range clone.NamespaceTypes() {
			name := clone.NsName(typ)
			if typ == clone.NEWUSER {
				continue
			}
			if own := namespace(t, "/proc/self/ns/"+name, 0); own == namespace(t, dir+name, 0) {
				t.Errorf("%s: the container has the caller's", name)
			}
			if owner := namespace(t, dir+name, unix.NS_GET_USERNS); owner != user {
				t.Errorf("%s: it belongs to %d, the container's user namespace is %d", name, owner, user)
			}
		}
	})
}

// namespace is the inode of a namespace, or of the one that an ioctl leads to.
func namespace(t *testing.T, path string, request uint) uint64 {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd := int(file.Fd())
	if request != 0 {
		if fd, err = unix.IoctlRetInt(fd, request); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		defer unix.Close(fd)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

// TestClocks shifts the clocks of a time namespace, with and without a user namespace.
func TestClocks(t *testing.T) {
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		var st unix.Sysinfo_t
		if err := unix.Sysinfo(&st); err != nil {
			t.Fatal(err)
		}
		root := rootFSFor(t)
		for _, user := range []bool{true, false} {
			spec := with(root, sh("cut -d . -f 1 /proc/uptime; cat /proc/self/timens_offsets | tr -s ' '"))
			if user {
				inUser(t)(&spec)
			} else if os.Geteuid() != 0 {
				continue
			}
			spec.Namespaces.Add(clone.NEWTIME, "")
			spec.TimeOffsets = map[string]container.TimeOffset{"monotonic": {Secs: 77, Nanosecs: 5}, "boottime": {Secs: 1000000}}
			out, _ := run(t, spec)
			up, rest, _ := strings.Cut(out, "\n")
			seconds, err := strconv.ParseInt(up, 10, 64)
			if err != nil {
				t.Fatalf("it says %q", out)
			}
			if d := seconds - st.Uptime - 1000000; d < -1 || d > 600 {
				t.Errorf("inside it is up for %d seconds, outside for %d: want a million more", seconds, st.Uptime)
			}
			if rest != "monotonic 77 5\nboottime 1000000 0\n" {
				t.Errorf("the offsets are %q", rest)
			}
		}
	})
}

// TestRefusalsInUserNamespaces is what a user reads.
func TestRefusalsInUserNamespaces(t *testing.T) {
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		root := rootFSFor(t)
		rows := []struct {
			name   string
			change func(*container.Spec)
			want   string
		}{
			{"ids of others", func(s *container.Spec) {
				if os.Geteuid() == subuser.ID {
					s.UIDMappings = append(s.UIDMappings, clone.IDMap{ContainerID: 70000, HostID: 10, Size: 1})
				}
			}, map[int]string{
				subuser.ID: "linux.uidMappings: /usr/bin/newuidmap: exit status 1: newuidmap: uid range [70000-70001) -> [10-11) not allowed: /etc/subuid and /etc/subgid must have a line for the user with all of these ids",
			}[os.Geteuid()]},
			{"a device that the host has not there", func(s *container.Spec) {
				s.Devices = []mounts.Device{{Path: "/dev/null2", Type: "c", Major: 1, Minor: 3}}
			}, "op N open_tree \"/dev/null2\" (linux.devices[0]): no such file or directory"},
			{"a lower OOM score", func(s *container.Spec) { score := -900; s.Process.OOMScoreAdj = &score }, map[bool]string{
				true: "op N write $file \"-900\" (process.oomScoreAdj): permission denied: a lower value than the caller's needs CAP_SYS_RESOURCE",
			}[os.Geteuid() != 0]},
			{"a clock before the beginning", func(s *container.Spec) {
				s.Namespaces.Add(clone.NEWTIME, "")
				s.TimeOffsets = map[string]container.TimeOffset{"boottime": {Secs: -1 << 40}}
			}, "op N write $file \"boottime -1099511627776 0\\n\" (linux.timeOffsets): numerical result out of range: the clock would stand before 0, or later than 146 years from now"},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				if row.want == "" {
					t.Skip("skipped: this user may")
				}
				if got := refusalOf(t, compile(t, with(root, inUser(t), row.change))); !strings.HasPrefix(got, row.want) {
					t.Errorf("got  %s\nwant %s", got, row.want)
				}
			})
		}
	})
}

// TestUserNamespaceWithoutAnyRights has a user without a user namespace read what to do.
func TestUserNamespaceWithoutAnyRights(t *testing.T) {
	if !nstest.Subprocess(t, nstest.As(nobody)) {
		return
	}
	root := nstest.RootFS(t)
	want := "root.path: " + root + ": operation not permitted: copying a mount needs CAP_SYS_ADMIN; an ordinary user's container needs a user namespace (see spec --rootless)"
	if got := refusalOf(t, compile(t, with(root))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestCallerInAUserNamespace has a caller that is root of a user namespace, and not more:
// its mount namespace is the host's. It makes containers with and without another one.
func TestCallerInAUserNamespace(t *testing.T) {
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		root := nstest.RootFS(t)
		for _, shared := range []clone.NamespaceType{"", clone.NEWNET, clone.NEWPID, clone.NEWCGROUP} {
			again := shared == ""
			spec := with(root, sh("id -u; touch /x /dev/shm/x && echo made >/dev/null; stat -c %t:%T /dev/null; tr -s ' ' </proc/self/uid_map"))
			spec.Mounts[2].Options = []string{"newinstance", "ptmxmode=0666"}
			if again {
				mapped(ids(0, 1), ids(0, 1))(&spec)
			} else {
				spec.Namespaces.Remove(shared)
				spec.Sysctl = map[string]string{"kernel.shm_rmid_forced": "1"}
			}
			cmd := driver(t, "run", spec)
			cmd.Path = "/proc/self/exe" // go test's directories are closed to other users
			one := []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: one, GidMappings: one}
			out, err := cmd.CombinedOutput()
			want := fmt.Sprintf("0\n1:3\n 0 %d 1\n", os.Geteuid())
			if again {
				want = "0\n1:3\n 0 0 1\n"
			}
			if err != nil || !strings.HasSuffix(string(out), want) {
				t.Errorf("another user namespace %t, without %q: %v, printed\n%s\nwant\n%s", again, shared, err, out, want)
			}
		}
	})
}

// TestSourcesThatTheContainerMayNotReach are bound all the same, for a caller who may.
func TestSourcesThatTheContainerMayNotReach(t *testing.T) {
	nstest.Root(t)
	root, host := rootFSFor(t), t.TempDir()
	makeFile(t, makeDir(t, host, "closed", "open"), "file")
	if err := os.Chmod(filepath.Join(host, "closed"), 0o700); err != nil {
		t.Fatal(err)
	}
	out, _ := run(t, with(root, inUser(t), sh("cat /mnt/file; cat /etc/passwd"), func(s *container.Spec) {
		s.Mounts = append(s.Mounts, mountOf("/mnt", host+"/closed/open"), mountOf("/etc/passwd", host+"/closed/open/file"))
	}))
	if want := "of the host\nof the host\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}
