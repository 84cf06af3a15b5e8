package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
)

// storedHost is a machine of the golden plans.
func storedHost(t *testing.T, name string) (host container.Host) {
	t.Helper()
	text, err := os.ReadFile("../../container/testdata/hosts/" + name + ".json")
	if err == nil {
		err = json.Unmarshal(text, &host)
	}
	if err != nil {
		t.Fatal(err)
	}
	return host
}

// parsed is a box's flags and arguments.
func parsed(t *testing.T, line string) (*boxFlags, []string) {
	t.Helper()
	var b boxFlags
	f := flagSet("box")
	b.declare(f)
	if err := f.Parse(strings.Fields(line)); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return &b, f.Args()
}

var here = machine{Cwd: "/home/a", Env: []string{"PATH=/bin"}, Mounts: mountsOf("1 0 / ext4", "2 1 /proc proc")}

func TestBoxNamespaces(t *testing.T) {
	root := storedHost(t, "6.1-root")
	for _, row := range []struct{ line, want string }{
		{"", "mnt pid uts ipc cgroup net"},
		{"--net host", "mnt pid uts ipc cgroup"},
		{"--pid host --ipc host --uts host --cgroupns host --net none", "mnt net"},
		{"--userns private", "mnt pid uts ipc cgroup net user"},
		{"--userns host", "mnt pid uts ipc cgroup net"},
	} {
		b, args := parsed(t, row.line)
		s, _, err := b.spec(args, root, here)
		var got []string
		for _, n := range s.Namespaces {
			got = append(got, clone.NsName(n.Type))
		}
		if err != nil || strings.Join(got, " ") != row.want {
			t.Errorf("%q: %q, %v", row.line, got, err)
		}
	}
	user := storedHost(t, "6.12-user")
	b, args := parsed(t, "")
	if s, _, err := b.spec(args, user, here); err != nil || !s.Namespaces.Contains(clone.NEWUSER) {
		t.Errorf("an ordinary user: %v, %v", s.Namespaces, err)
	}
}

func TestBoxSpec(t *testing.T) {
	b, args := parsed(t, "--hostname h -e A=b -w /w --read-only --tmpfs /t -v /x:/y:ro -t --init -- prog -v --help")
	s, warnings, err := b.spec(args, storedHost(t, "6.1-root"), here)
	if err != nil || len(warnings) != 0 {
		t.Fatal(err, warnings)
	}
	p := s.Process
	if s.Hostname != "h" || !slices.Contains(p.Env, "A=b") || p.Cwd != "/w" ||
		!s.Root.Readonly || !p.Terminal || !s.Init || !p.NoNewPrivileges || strings.Join(p.Args, " ") != "prog -v --help" {
		t.Errorf("%+v", s)
	}
	last := s.Mounts[len(s.Mounts)-2:]
	if last[0].Destination != "/t" || last[1].Destination != "/y" || last[1].Origin != "--bind /x:/y:ro" {
		t.Errorf("%+v", last)
	}
}

func TestBoxDefaults(t *testing.T) {
	b, args := parsed(t, "")
	s, _, err := b.spec(args, storedHost(t, "6.1-root"), here)
	if err != nil {
		t.Fatal(err)
	}
	if s.Hostname != "box" || s.Process.Cwd != "/home/a" || s.Root.Overlay == nil || s.Root.Overlay.Upper != "" ||
		s.Root.Path != "" || s.Root.Readonly || !slices.Equal(s.Process.Args, []string{"sh"}) || s.ParentDeathSignal != 9 {
		t.Errorf("%+v", s)
	}
}

// The working directory is kept where the box has it.
func TestBoxWorkingDirectory(t *testing.T) {
	for _, row := range []struct {
		cwd, line, want string
		inside, warns   bool
	}{
		{"/home/a", "", "/home/a", false, false},
		{"/tmp/a", "", "/", false, true},
		{"/tmp", "", "/tmp", false, false},
		{"/tmpfiles", "", "/tmpfiles", false, false},
		{"/tmp/a", "-v /tmp/a", "/tmp/a", false, false},
		{"/tmp/a/b", "-v /tmp/a", "/tmp/a/b", false, false},
		{"/tmp/a", "-v /x:/tmp/a", "/tmp/a", false, false},
		{"/tmp/a/b", "-v /x:/tmp/a", "/", false, true},
		{"/tmp/a", "-w /usr", "/usr", false, false},
		{"/home/a", "--tmpfs /home", "/", false, true},
		{"/home/a", "--rootfs /r", "/", false, false},
		{"/home/a", "--rootfs /r", "/home/a", true, false},
	} {
		m := here
		m.Cwd, m.CwdInside = row.cwd, row.inside
		b, args := parsed(t, row.line)
		s, warnings, err := b.spec(args, storedHost(t, "6.1-root"), m)
		if err != nil || s.Process.Cwd != row.want || (len(warnings) > 0) != row.warns {
			t.Errorf("in %s with %q: %s, %q, %v", row.cwd, row.line, s.Process.Cwd, warnings, err)
		}
	}
}

func TestBoxRefuses(t *testing.T) {
	root := storedHost(t, "6.1-root")
	user := storedHost(t, "6.12-user")
	for _, row := range []struct {
		line string
		host container.Host
		want string
	}{
		{"--userns host", user, "--userns host: only root can make a box without users of its own"},
		{"--uts host --hostname a", root, "--hostname and --uts host: the name would be the machine's"},
		{"--rootfs /", root, "--rootfs /: leave the flag away, and the machine's own files are there with changes going elsewhere"},
		{"-w here", root, "--workdir here: want a path that begins with /"},
		{"-e =x", root, "--env =x: want NAME or NAME=VALUE"},
		{"--cap-add FLY", root, `--cap-add: "FLY" is not a capability`},
		{"-v /a:b", root, `--bind /a:b: "b": want ro or rw, or a place inside that begins with /`},
		{"--tmpfs x", root, "--tmpfs x: want PATH[:OPTIONS], with a PATH that begins with / and is not /"},
	} {
		b, args := parsed(t, row.line)
		if _, _, err := b.spec(args, row.host, here); err == nil || err.Error() != row.want {
			t.Errorf("%q: %v\nwant %s", row.line, err, row.want)
		}
	}
}

// An ordinary user's root is put together of the directories of the machine's.
func TestUserLayout(t *testing.T) {
	m := here
	m.Mounts = mountsOf("1 0 / ext4", "2 1 /proc proc", "3 1 /boot ext4", "4 3 /boot/efi vfat", "5 1 /home xfs", "6 1 /win ntfs3", "7 1 /cgroup cgroup")
	m.Top = []entry{
		{Name: "bin", Link: "usr/bin"}, {Name: "boot", Dir: true, Mode: 0o755}, {Name: "cgroup", Dir: true}, {Name: "file"}, {Name: "home", Dir: true, Mode: 0o711},
		{Name: "proc", Dir: true}, {Name: "run", Dir: true}, {Name: "tmp", Dir: true}, {Name: "usr", Dir: true, Mode: 0o755}, {Name: "win", Dir: true},
	}
	m.Own = []entry{{Name: "usr/own", Dir: true, Mode: 0o700}, {Name: "boot/own", Dir: true}}
	for _, row := range []struct{ line, scratch, upper string }{
		{"", "", ""},
		{"--keep k", "", "/home/a/k/upper"},
		{"", "/s/1", "/s/1/upper"},
	} {
		m.Scratch = row.scratch
		b, args := parsed(t, row.line)
		s, _, err := b.spec(args, storedHost(t, "6.12-user"), m)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, at := range s.Mounts {
			switch {
			case at.Overlay != nil:
				got = append(got, at.Destination+" overlay")
				upper := ""
				if row.upper != "" {
					upper = row.upper + "/" + strings.ReplaceAll(at.Destination[1:], "/", "+")
				}
				if o := at.Overlay; o.Lower[0] != at.Destination || o.Upper != upper || !o.UserXattr {
					t.Errorf("%q: %+v", row.line, o)
				}
			case at.Type == "bind":
				got = append(got, at.Destination+" bind")
				if at.Source != at.Destination || !slices.Contains(at.Options, "rro") {
					t.Errorf("%+v", at)
				}
			}
		}
		want := "/boot bind, /file bind, /home overlay, /usr overlay, /win bind, /usr/own overlay"
		if strings.Join(got, ", ") != want {
			t.Errorf("%q: %s\nwant %s", row.line, got, want)
		}
		if len(s.Root.Links) != 1 || s.Root.Links[0].Path != "/bin" || s.Root.Links[0].Target != "usr/bin" || s.Root.Path != "" {
			t.Errorf("%+v", s.Root)
		}
	}
}
