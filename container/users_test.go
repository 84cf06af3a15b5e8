package container_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
)

const somePasswd = `root:x:0:0:root:/root:/bin/sh
# a comment:x:7:7::/comment:
bob:x:1000:1001:Bob,,,:/home/bob:/bin/sh
bob:x:2000:2001::/second:
0:x:3000:3001::/zero:
1234:x:3002:3003::/digits:
short:x:5:6
broken:x:-1:6::/broken:
high:x:4294967295:6::/high:
empty:x:8:9:::
relative:x:10:11::home:
twin:x:1000:1002::/home/twin:
ünïcode:x:12:13::/home/ü:
`

const someGroup = `root:x:0:
adm:x:4:bob,alice
bob:x:1001:
audio:x:29:alice,bob
again:x:29:bob
0:x:77:bob
prefix:x:30:bobby
broken:x:z:bob
none:x
high:x:4294967295:bob
`

// rootOf is a directory with these accounts.
func rootOf(t testing.TB, passwd, group string) *os.File {
	t.Helper()
	dir := t.TempDir()
	makeRoot(t, dir, passwd, group)
	return openRoot(t, dir)
}

func makeRoot(t testing.TB, dir, passwd, group string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"passwd": passwd, "group": group} {
		if err := os.WriteFile(filepath.Join(dir, "etc", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func openRoot(t testing.TB, dir string) *os.File {
	t.Helper()
	root, err := os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// TestLookupUser is what becomes of what people write.
func TestLookupUser(t *testing.T) {
	root := rootOf(t, somePasswd, someGroup)
	for _, row := range []struct{ user, want string }{
		{"root", "0:0 [] /root"},
		{"bob", "1000:1001 [4 29 77] /home/bob"}, // the first line of the name, each group once
		{"twin", "1000:1002 [] /home/twin"},
		{"ünïcode", "12:13 [] /home/ü"},
		{"empty", "8:9 [] /"},
		{"relative", "10:11 [] /"},
		{"bob:audio", "1000:29 [] /home/bob"},
		{"bob:5", "1000:5 [] /home/bob"},
		{"bob:none-such", `user "bob:none-such": etc/group has no group none-such`},
		{"bob:none", `user "bob:none": etc/group has no group none`},
		{"bob:broken", `user "bob:broken": etc/group: the line of broken has "z" in the place of a number`},
		{"bob:high", `user "bob:high": etc/group: the line of high has "4294967295" in the place of a number`},
		{"1000", "1000:1001 [4 29 77] /home/bob"},
		{"1000:1000", "1000:1000 [] /home/bob"},
		{"1000:audio", "1000:29 [] /home/bob"},
		{"4711", "4711:0 [] /"},
		{"4711:4712", "4711:4712 [] /"},
		{"4294967294", "4294967294:0 [] /"},
		{"007", "7:0 [] /"}, // and not the account in the comment

		// Accounts that call themselves by a number are nobody's.
		{"0", "0:0 [] /root"},
		{"1234", "1234:0 [] /"},
		{"bob:0", "1000:0 [] /home/bob"},

		{"", `user "": the name is empty`},
		{":", `user ":": the name is empty`},
		{":0", `user ":0": the name is empty`},
		{"1:", `user "1:": group: the name is empty`},
		{"bob:", `user "bob:": group: the name is empty`},
		{"bob:audio:x", `user "bob:audio:x": group: "audio:x" has ':' in it, which no name has`},
		{"+1", `user "+1": "+1" is no number, and no name begins with '+'`},
		{"-1", `user "-1": "-1" is no number, and no name begins with '-'`},
		{"1 ", `user "1 ": "1 " is no number, and no name begins with '1'`},
		{" 1", `user " 1": " 1" has ' ' in it, which no name has`},
		{"1\n", `user "1\n": "1\n" is no number, and no name begins with '1'`},
		{"bob\n", `user "bob\n": "bob\n" has '\n' in it, which no name has`},
		{"bob\x00", `user "bob\x00": "bob\x00" has '\x00' in it, which no name has`},
		{"0x1", `user "0x1": "0x1" is no number, and no name begins with '0'`},
		{"1e3", `user "1e3": "1e3" is no number, and no name begins with '1'`},
		{"bob:+1", `user "bob:+1": group: "+1" is no number, and no name begins with '+'`},
		{"bob:0x1", `user "bob:0x1": group: "0x1" is no number, and no name begins with '0'`},
		{"bob,alice", `user "bob,alice": "bob,alice" has ',' in it, which no name has`},
		{"../bob", `user "../bob": "../bob" has '/' in it, which no name has`},
		{"#", `user "#": "#" is no number, and no name begins with '#'`},
		{"b\xffb", `user "b\xffb": "b\xffb" has '` + "\ufffd" + `' in it, which no name has`},
		{"4294967295", `user "4294967295": 4294967295 is no id: the kernel takes it for "leave unchanged"`},
		{"4294967296", `user "4294967296": 4294967296 is above the highest id, 4294967294`},
		{"0:4294967295", `user "0:4294967295": group: 4294967295 is no id: the kernel takes it for "leave unchanged"`},
		{"99999999999999999999", `user "99999999999999999999": 99999999999999999999 is above the highest id, 4294967294`},
		{"alice", `user "alice": etc/passwd has no such user`},
		{"Bob", `user "Bob": etc/passwd has no such user`},
		{"short", `user "short": etc/passwd: the line of short has 4 fields, and no home directory`},
		{"broken", `user "broken": etc/passwd: the line of broken has "-1" in the place of a number`},
		{"high", `user "high": etc/passwd: the line of high has "4294967295" in the place of a number`},
	} {
		if got := lookup(root, row.user); got != row.want {
			t.Errorf("%q: got  %s\n%q: want %s", row.user, got, row.user, row.want)
		}
	}
}

// lookup is the outcome of LookupUser on one line.
func lookup(root *os.File, user string) string {
	u, home, err := container.LookupUser(root, user)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d:%d %v %s", u.UID, u.GID, u.AdditionalGIDs, home)
}

// TestLookupUserInStrangeRoots is about root file systems of all sorts, for a name, a
// number, and the home directory of user 0.
func TestLookupUserInStrangeRoots(t *testing.T) {
	outside := t.TempDir()
	makeRoot(t, outside, "root:x:66:66::/outside:\nbob:x:66:66::/outside:\n", "adm:x:66:bob\n")
	const noPasswd = `user "bob": etc/passwd of the root file system: no such file or directory`
	for _, row := range []struct {
		name               string
		fill               func(dir string) error
		bob, zero, homeOf0 string
	}{
		{"nothing at all", func(string) error { return nil }, noPasswd, "0:0 [] /", "/"},
		{"a file in the place of etc", func(dir string) error { return os.WriteFile(dir+"/etc", nil, 0o644) }, noPasswd, "0:0 [] /", "/"},
		{"no groups", func(dir string) error {
			makeRoot(t, dir, somePasswd, "")
			return os.Remove(dir + "/etc/group")
		}, "1000:1001 [] /home/bob", "0:0 [] /root", "/root"},
		{"a link inside", func(dir string) error {
			makeRoot(t, dir+"/usr", somePasswd, someGroup)
			return os.Symlink("/usr/etc", dir+"/etc")
		}, "1000:1001 [4 29 77] /home/bob", "0:0 [] /root", "/root"},
		{"a link that goes further up than there is", func(dir string) error {
			makeRoot(t, dir+"/usr", somePasswd, someGroup)
			return os.Symlink("../../../../../../usr/etc", dir+"/etc")
		}, "1000:1001 [4 29 77] /home/bob", "0:0 [] /root", "/root"},
		{"a link to a directory of the host", func(dir string) error { return os.Symlink(outside+"/etc", dir+"/etc") }, noPasswd, "0:0 [] /", "/"},
		{"a link to a file of the host", func(dir string) error {
			makeRoot(t, dir, "", "")
			return replaceByLink(dir+"/etc/passwd", outside+"/etc/passwd")
		}, noPasswd, "0:0 [] /", "/"},
		{"a link to itself", func(dir string) error { return os.Symlink("etc", dir+"/etc") },
			`user "bob": etc/passwd of the root file system: too many levels of symbolic links`,
			`user "0": etc/passwd of the root file system: too many levels of symbolic links`,
			`etc/passwd of the root file system: too many levels of symbolic links`},
		{"a fifo that nobody writes to", func(dir string) error {
			makeRoot(t, dir, "", "")
			if err := os.Remove(dir + "/etc/passwd"); err != nil {
				return err
			}
			return unix.Mkfifo(dir+"/etc/passwd", 0o644)
		},
			`user "bob": etc/passwd of the root file system: it is not a regular file`,
			`user "0": etc/passwd of the root file system: it is not a regular file`,
			`etc/passwd of the root file system: it is not a regular file`},
		{"a directory", func(dir string) error { return os.MkdirAll(dir+"/etc/passwd", 0o755) },
			`user "bob": etc/passwd of the root file system: it is not a regular file`,
			`user "0": etc/passwd of the root file system: it is not a regular file`,
			`etc/passwd of the root file system: it is not a regular file`},
		{"a file without an end", func(dir string) error {
			makeRoot(t, dir, somePasswd, someGroup)
			return os.Truncate(dir+"/etc/passwd", 1<<40)
		},
			`user "bob": etc/passwd of the root file system: it is longer than 8388608 bytes`,
			`user "0": etc/passwd of the root file system: it is longer than 8388608 bytes`,
			`etc/passwd of the root file system: it is longer than 8388608 bytes`},
		{"a home with a NUL", func(dir string) error { makeRoot(t, dir, "bob:x:0:0::/a\x00b:\n", ""); return nil }, "0:0 [] /", "0:0 [] /", "/"},
		{"more groups than a process can have", func(dir string) error {
			var groups strings.Builder
			for i := range 65537 {
				fmt.Fprintf(&groups, "g%d:x:%d:bob\n", i, i)
			}
			makeRoot(t, dir, somePasswd, groups.String())
			return nil
		}, `user "bob": etc/group has 65537 groups with this user, the kernel takes at most 65536`, "0:0 [] /root", "/root"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := row.fill(dir); err != nil {
				t.Fatal(err)
			}
			root := openRoot(t, dir)
			if got := lookup(root, "bob"); got != row.bob {
				t.Errorf("bob: got  %s\nbob: want %s", got, row.bob)
			}
			if got := lookup(root, "0"); got != row.zero {
				t.Errorf("0: got  %s\n0: want %s", got, row.zero)
			}
			home, err := container.LookupHome(root, 0)
			if err != nil {
				home = err.Error()
			}
			if home != row.homeOf0 {
				t.Errorf("home: got  %s\nhome: want %s", home, row.homeOf0)
			}
		})
	}
}

// TestHomeBehindMounts: the passwd file that counts is the one that the program will see.
func TestHomeBehindMounts(t *testing.T) {
	dir := t.TempDir()
	for name, home := range map[string]string{"root": "/of/the/root", "other": "/of/another"} {
		makeRoot(t, filepath.Join(dir, name), "a:x:5:5::"+home+":\n", "")
	}
	root, other := filepath.Join(dir, "root"), filepath.Join(dir, "other")
	symlink(t, other+"/etc/passwd", filepath.Join(dir, "link"))
	tmpfs := func(to string, options ...string) mounts.Mount {
		return mounts.Mount{Destination: to, Type: "tmpfs", Options: options}
	}
	for _, row := range []struct {
		name   string
		root   string
		mounts []mounts.Mount
		want   string
	}{
		{"no mount", root, nil, "/of/the/root"},
		{"mounts elsewhere", root, []mounts.Mount{tmpfs("/etc2"), tmpfs("/etc/passwd2"), tmpfs("/et"), tmpfs("/etc/passwd/x"), mountOf("/var/etc", other+"/etc")}, "/of/the/root"},
		{"a file is bound", root, []mounts.Mount{mountOf("/etc/passwd", other+"/etc/passwd")}, "/of/another"},
		{"a file is bound, by the type", root, []mounts.Mount{{Destination: "/etc//./passwd", Type: "bind", Source: other + "/etc/passwd"}}, "/of/another"},
		{"a link to a file is bound", root, []mounts.Mount{mountOf("/etc/passwd", dir+"/link")}, "/of/another"},
		{"a directory is bound", root, []mounts.Mount{{Destination: "etc/", Source: other + "/etc", Options: []string{"ro", "rbind"}}}, "/of/another"},
		{"the last one counts", root, []mounts.Mount{tmpfs("/etc"), mountOf("/etc", other+"/etc")}, "/of/another"},
		{"a file system is mounted", root, []mounts.Mount{mountOf("/etc", other+"/etc"), tmpfs("/etc")}, "/"},
		{"a file system with a copy of what was there", root, []mounts.Mount{tmpfs("/etc", "tmpcopyup")}, "/of/the/root"},
		{"only the options change", root, []mounts.Mount{tmpfs("/etc", "remount", "ro")}, "/of/the/root"},
		{"what is bound is not there", root, []mounts.Mount{mountOf("/etc/passwd", dir+"/none")}, "/"},
		{"the root is not there", dir + "/none", nil, "/"},
		{"the root is no directory of the host", "", nil, "/"},
	} {
		spec := container.Spec{Root: container.Root{Path: row.root}, Mounts: row.mounts}
		spec.Process.User.UID = 5
		if home, err := spec.Home(); err != nil || home != row.want {
			t.Errorf("%s: %s, %v, want %s", row.name, home, err, row.want)
		}
	}
}

func replaceByLink(name, to string) error {
	if err := os.Remove(name); err != nil {
		return err
	}
	return os.Symlink(to, name)
}

// FuzzLookupUser looks any user up in any files.
func FuzzLookupUser(f *testing.F) {
	for _, user := range []string{"bob", "1000", "bob:audio", "0:0", "", ":", "1:", "+1", "1 ", "0x1", "4294967295", "none", "high"} {
		f.Add(somePasswd, someGroup, user)
	}
	f.Add("a:b:c\n::::::\na:x:1:2::/:", "g:x:3:a,a,,\n:", "a:g")
	f.Add("a:x:1:2::/\r\n", "g:x:\x00:a", "a")
	dir := f.TempDir()
	makeRoot(f, dir, "", "")
	root := openRoot(f, dir)
	f.Fuzz(func(t *testing.T, passwd, group, user string) {
		makeRoot(t, dir, passwd, group)
		u, home, err := container.LookupUser(root, user)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x00\x1b") {
				t.Errorf("not one plain line: %q", err)
			}
			return
		}
		const none = 1<<32 - 1
		if u.UID == none || u.GID == none || !strings.HasPrefix(home, "/") || strings.Contains(home, "\x00") {
			t.Errorf("%+v, home %q", u, home)
		}
		name, itsGroup, grouped := strings.Cut(user, ":")
		if n, digits := plainNumber(name); digits {
			if n != uint64(u.UID) {
				t.Errorf("user %q has the number %d", user, u.UID)
			}
		} else if !strings.Contains("\n"+passwd, fmt.Sprintf("\n%s:", name)) {
			t.Errorf("user %q is in no line", user)
		}
		if n, digits := plainNumber(itsGroup); grouped && digits && n != uint64(u.GID) {
			t.Errorf("group of %q has the number %d", user, u.GID)
		}
		if grouped && len(u.AdditionalGIDs) > 0 {
			t.Errorf("user %q has the groups %v", user, u.AdditionalGIDs)
		}
		for _, gid := range u.AdditionalGIDs {
			if gid == none || !strings.Contains(group, strconv.Itoa(int(gid))) && !strings.Contains(group, "0") {
				t.Errorf("group %d is in no line", gid)
			}
		}
	})
}

func plainNumber(s string) (uint64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}
