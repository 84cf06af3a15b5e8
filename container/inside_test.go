package container_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// TestInside is what a user sees inside: a container, a line of shell, what it prints.
func TestInside(t *testing.T) {
	nstest.Root(t)
	root, host := nstest.RootFS(t), t.TempDir()
	fillInside(t, root, host)
	for _, row := range insideRows(host) {
		t.Run(row.name, func(t *testing.T) {
			spec := with(root, sh(row.script))
			if row.change != nil {
				row.change(&spec)
			}
			if out, _ := run(t, spec); lines(out) != lines(row.want) {
				t.Errorf("the script\n%s\nprinted\n%s\nwant\n%s", row.script, lines(out), lines(row.want))
			}
		})
	}
}

// fillInside puts into the root file system and beside it what the rows look at.
func fillInside(t *testing.T, root, host string) {
	t.Helper()
	makeFile(t, root, "etc/secret")
	makeFile(t, makeDir(t, root, "home/private"), "key")
	makeFile(t, makeDir(t, host, "tree"), "outer")
	makeFile(t, makeDir(t, host, "tree/below"), "inner")
	if err := unix.Mount("tmpfs", filepath.Join(host, "tree/below"), "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(filepath.Join(host, "tree/below"), 0); err != nil {
			t.Error(err)
		}
	})
	makeFile(t, host, "tree/below/mounted")
	if err := os.Chmod(makeFile(t, root, "bin/plain"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "bin/lost"), []byte("#!/no/interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	symlink(t, "/proc/self/fd/3", filepath.Join(root, "way-out"))
}

type insideRow struct {
	name   string
	change func(s *container.Spec)
	script string
	want   string
}

func insideRows(host string) []insideRow {
	bind := func(to, from string, options ...string) func(*container.Spec) {
		return func(s *container.Spec) {
			s.Mounts = append(s.Mounts, mounts.Mount{Destination: to, Source: filepath.Join(host, from), Options: options})
		}
	}
	user := func(s *container.Spec) {
		s.Process.User = container.User{UID: 1000, GID: 1001, AdditionalGIDs: []uint32{5, 77}}
	}
	umask := func(mask uint32) func(*container.Spec) {
		return func(s *container.Spec) { s.Process.User.Umask = &mask }
	}
	// CAP_AUDIT_WRITE is bit 29, CAP_NET_BIND_SERVICE 10, CAP_KILL 5.
	const capabilities = `grep -e ^Cap -e ^NoNew /proc/self/status | tr '\t' ' '`
	return []insideRow{
		// Files.
		{"the root is read-only where it is asked for, and what is mounted in it is not",
			func(s *container.Spec) { s.Root.Readonly = true },
			"touch /x; touch /etc/x; touch /dev/shm/x && echo but not here",
			"touch: /x: Read-only file system\ntouch: /etc/x: Read-only file system\nbut not here"},
		{"the root is writable otherwise", nil, "echo one >/x && cat /x && rm /x", "one"},
		{"a masked file is empty", func(s *container.Spec) { s.MaskedPaths = []string{"/etc/secret"} },
			"cat /etc/secret; echo end; echo more >/etc/secret; cat /etc/secret", "end"},
		{"a masked directory is empty and read-only", func(s *container.Spec) { s.MaskedPaths = []string{"/home"} },
			"ls -A /home; touch /home/x; stat -c %a /home", "touch: /home/x: Read-only file system\n555"},
		{"a read-only path can be read", func(s *container.Spec) { s.ReadonlyPaths = []string{"/home"} },
			"cat /home/private/key; touch /home/private/x", "of the host\ntouch: /home/private/x: Read-only file system"},
		{"/proc/sys is read-only", nil, "echo 1 >/proc/sys/kernel/msgmax", "/bin/sh: can't create /proc/sys/kernel/msgmax: Read-only file system\n"},
		{"nothing of the host is mounted", nil,
			`while read a b c root point rest; do echo $point; done </proc/self/mountinfo | sort | uniq | grep -v -e ^/proc/ -e ^/sys/firmware`,
			"/\n/dev\n/dev/mqueue\n/dev/pts\n/dev/shm\n/proc\n/sys\n/sys/fs/cgroup"},
		{"a bind mount has what was mounted below it if it is recursive", bind("/mnt", "tree", "rbind"), "cd /mnt; ls -R | grep -v :", "below\nouter\n\nmounted"},
		{"and has not otherwise", bind("/mnt", "tree", "bind"), "cd /mnt; ls -R | grep -v :", "below\nouter\n\ninner"},
		{"ro is about the mount itself", bind("/mnt", "tree", "rbind", "ro"), "touch /mnt/x; touch /mnt/below/x && rm /mnt/below/x && echo but not here", "touch: /mnt/x: Read-only file system\nbut not here"},
		{"rro is about what is below it too", bind("/mnt", "tree", "rbind", "rro"), "touch /mnt/x; touch /mnt/below/x", "touch: /mnt/x: Read-only file system\ntouch: /mnt/below/x: Read-only file system"},
		{"a file can be bound where there is none", bind("/opt/a/file", "tree/outer", "bind", "ro"), "cat /opt/a/file; echo >/opt/a/file", "of the host\n/bin/sh: can't create /opt/a/file: Read-only file system"},

		// Devices.
		{"the default devices", nil, "cd /dev; stat -c '%n %F %t:%T %a %u:%g' null zero full random urandom tty", `
			null character special file 1:3 666 0:0
			zero character special file 1:5 666 0:0
			full character special file 1:7 666 0:0
			random character special file 1:8 666 0:0
			urandom character special file 1:9 666 0:0
			tty character special file 5:0 666 0:0`},
		{"they work", nil, "head -c 2 /dev/zero | od -An -tx1; echo x >/dev/full; head -c 9 /dev/urandom | wc -c; cat /dev/null",
			"00 00\nsh: write error: No space left on device\n9"},
		{"the links of /dev", nil, "cd /dev; for l in fd stdin stdout stderr ptmx; do echo $l $(readlink $l); done",
			"fd /proc/self/fd\nstdin /proc/self/fd/0\nstdout /proc/self/fd/1\nstderr /proc/self/fd/2\nptmx pts/ptmx"},
		{"the terminals are the container's own", nil, "ls /dev/pts; : <>/dev/ptmx && echo opened", "ptmx\nopened"},
		{"devices with a mode and an owner", func(s *container.Spec) {
			s.Devices = []mounts.Device{{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229, FileMode: 0o640, UID: 7, GID: 8}, {Path: "/dev/a/pipe", Type: "p", FileMode: 0o1007}}
		}, "cd /dev; stat -c '%n %F %t:%T %a %u:%g' fuse a/pipe", "fuse character special file a:e5 640 7:8\na/pipe fifo 0:0 1007 0:0"},

		// Who and where.
		{"an ordinary user", user, "id -u; id -g; id -G; whoami 2>&1; touch /x", "1000\n1001\n1001 5 77\nwhoami: unknown uid 1000\ntouch: /x: Permission denied"},
		{"root, and no group beside its own", nil, "id -u; id -G", "0\n0"},
		{"all ids are changed", user, "grep -e ^[UG]id -e ^Groups /proc/self/status | tr '\t' ' '", "Uid: 1000 1000 1000 1000\nGid: 1001 1001 1001 1001\nGroups: 5 77"},
		{"the usual umask", nil, "umask", "0022"},
		{"another umask", umask(0o7), "umask; touch /dev/shm/x; stat -c %a /dev/shm/x", "0007\n660"},
		{"no umask", umask(0), "umask", "0000"},
		{"the working directory", func(s *container.Spec) { s.Process.Cwd = "/etc/../etc/." }, "pwd", "/etc"},
		{"it is made, with every directory above it", func(s *container.Spec) { s.Process.Cwd = "/dev/shm/deep/er"; umask(0o77)(s) },
			"pwd; stat -c '%a %u:%g' . ..", "/dev/shm/deep/er\n755 0:0\n755 0:0"},
		{"a user need not be allowed to search the way to it", func(s *container.Spec) { user(s); s.Process.Cwd = "/dev/shm" }, "pwd; touch x && echo made", "/dev/shm\nmade"},
		{"it is a session of its own", nil, "cut -d ' ' -f 5,6,7 /proc/1/stat", "1 1 0"},

		// Rights.
		{"root has the capabilities that are asked for", nil, capabilities,
			"CapInh: 0000000000000000\nCapPrm: 0000000020000420\nCapEff: 0000000020000420\nCapBnd: 0000000020000420\nCapAmb: 0000000000000000\nNoNewPrivs: 1"},
		{"and none if none are", func(s *container.Spec) { s.Process.Capabilities, s.Process.NoNewPrivileges = nil, false }, capabilities,
			"CapInh: 0000000000000000\nCapPrm: 0000000000000000\nCapEff: 0000000000000000\nCapBnd: 0000000000000000\nCapAmb: 0000000000000000\nNoNewPrivs: 0"},
		{"a user has the ambient ones", func(s *container.Spec) {
			user(s)
			c := s.Process.Capabilities
			c.Inheritable, c.Ambient = c.Permitted, caps.Of(caps.KILL)
		}, capabilities,
			"CapInh: 0000000020000420\nCapPrm: 0000000000000020\nCapEff: 0000000000000020\nCapBnd: 0000000020000420\nCapAmb: 0000000000000020\nNoNewPrivs: 1"},
		{"a user has none otherwise", user, capabilities,
			"CapInh: 0000000000000000\nCapPrm: 0000000000000000\nCapEff: 0000000000000000\nCapBnd: 0000000020000420\nCapAmb: 0000000000000000\nNoNewPrivs: 1"},
		{"root cannot mount", nil, "mount -t tmpfs x /tmp; umount /proc", "mount: permission denied (are you root?)\numount: can't unmount /proc: Operation not permitted"},
		{"a process can be looked into by its own", nil, "ls /proc/1/fd >/dev/null && echo yes", "yes"},
		{"signals are as they are at first", nil, "grep -e ^SigBlk -e ^SigIgn -e ^SigCgt /proc/self/status | tr '\t' ' '",
			"SigBlk: 0000000000000000\nSigIgn: 0000000000000000\nSigCgt: 0000000000000000"},

		// Limits, names, parameters.
		{"resource limits", func(s *container.Spec) {
			s.Process.Rlimits = []container.Rlimit{{Type: "RLIMIT_NOFILE", Soft: 100, Hard: 200}, {Type: "RLIMIT_CORE", Soft: 0, Hard: 0}, {Type: "RLIMIT_FSIZE", Soft: 4096, Hard: unix.RLIM_INFINITY}}
		}, "ulimit -Sn; ulimit -Hn; ulimit -Hc; ulimit -Sf; ulimit -Hf", "100\n200\n0\n8\nunlimited"},
		{"the OOM score", func(s *container.Spec) { score := 321; s.Process.OOMScoreAdj = &score }, "cat /proc/self/oom_score_adj", "321"},
		{"kernel parameters", func(s *container.Spec) {
			s.Sysctl = map[string]string{"net.ipv4.ip_forward": "1", "kernel.msgmax": "7777", "net/ipv4/conf/lo/log_martians": "1", "fs.mqueue.msg_max": "5"}
		}, "cd /proc/sys; cat net/ipv4/ip_forward kernel/msgmax net/ipv4/conf/lo/log_martians fs/mqueue/msg_max", "1\n7777\n1\n5"},
		{"names", func(s *container.Spec) { s.Hostname, s.Domainname = "box", "some.where" }, "hostname; cat /proc/sys/kernel/domainname", "box\nsome.where"},
		{"lo is up", nil, "ip addr show lo | grep -o -e '<.*>' -e 'inet 127.0.0.1/8'", "<LOOPBACK,UP,LOWER_UP>\ninet 127.0.0.1/8"},
		{"with its second address, where the kernel has IPv6", nil, "test ! -f /proc/net/if_inet6 || grep -q '^0*1 .* lo$' /proc/net/if_inet6 || echo missing", ""},
		{"the first process is the program", nil, "echo $$; tr '\\0' ' ' </proc/1/cmdline | cut -c 1-11", "1\n/bin/sh -c"},
		{"a program along PATH", func(s *container.Spec) { s.Process.Args[0], s.Process.Env = "sh", []string{"PATH=/none::/bin", "B=2"} }, "echo $0 $B", "sh 2"},
		{"a program along the usual PATH, if there is none", func(s *container.Spec) { s.Process.Args[0], s.Process.Env = "sh", nil }, "echo $0", "sh"},
	}
}

// TestNamespacesAreItsOwn compares each namespace of a container with the host's.
func TestNamespacesAreItsOwn(t *testing.T) {
	nstest.Root(t)
	root := nstest.RootFS(t)
	links := func(s *container.Spec) []string {
		var script []string
		for _, typ := range clone.NamespaceTypes() {
			script = append(script, "readlink /proc/self/ns/"+clone.NsName(typ))
		}
		sh(strings.Join(script, "; "))(s)
		out, _ := run(t, *s)
		return strings.Fields(out)
	}
	host := func() (list []string) {
		for _, typ := range clone.NamespaceTypes() {
			link, err := os.Readlink("/proc/self/ns/" + clone.NsName(typ))
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, link)
		}
		return list
	}()
	other := inNamespaces(t, unix.CLONE_NEWNET|unix.CLONE_NEWIPC|unix.CLONE_NEWUTS|unix.CLONE_NEWCGROUP)
	all, some, joined := with(root), with(root), with(root)
	for _, typ := range []clone.NamespaceType{clone.NEWNET, clone.NEWIPC, clone.NEWCGROUP, clone.NEWUTS} {
		some.Namespaces.Remove(typ)
		joined.Namespaces.Add(typ, other+clone.NsName(typ))
	}
	some.Hostname = ""
	allLinks, someLinks, joinedLinks := links(&all), links(&some), links(&joined)
	for i, typ := range clone.NamespaceTypes() {
		name := clone.NsName(typ)
		if own := allLinks[i] != host[i]; own != all.Namespaces.Contains(typ) {
			t.Errorf("%s: inside %s, outside %s, asked for: %t", name, allLinks[i], host[i], all.Namespaces.Contains(typ))
		}
		if own := someLinks[i] != host[i]; own != some.Namespaces.Contains(typ) {
			t.Errorf("%s: inside %s, outside %s, asked for: %t", name, someLinks[i], host[i], some.Namespaces.Contains(typ))
		}
		if path := joined.Namespaces.PathOf(typ); path != "" {
			if link, err := os.Readlink(path); err != nil || link != joinedLinks[i] {
				t.Errorf("%s: inside %s, want that of %s, %s (%v)", name, joinedLinks[i], path, link, err)
			}
		}
	}
}
