package oci_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/oci"
)

// document is the smallest configuration, with members added to one of its objects:
// "" is the document itself, "process", "user", "root", "linux".
func document(object, members string) string {
	add := func(name string) string {
		if name == object && members != "" {
			return ", " + members
		}
		return ""
	}
	return `{"ociVersion": "1.3.0", "root": {"path": "rootfs"` + add("root") + `}, ` +
		`"process": {"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0` + add("user") + `}` + add("process") + `}, ` +
		`"linux": {"namespaces": [{"type": "mount"}]` + add("linux") + `}` + add("") + `}`
}

// smallest is what the document without additions asks for.
func smallest() container.Spec {
	return container.Spec{
		Bundle:     "/bundle",
		Version:    "1.3.0",
		Root:       container.Root{Path: "/bundle/rootfs"},
		Namespaces: clone.Namespaces{{Type: clone.NEWNS}},
		Process:    container.Process{Args: []string{"true"}, Cwd: "/"},
	}
}

func TestPropertyToSpec(t *testing.T) {
	pointer := func(n int) *int { return &n }
	mask := func(n uint32) *uint32 { return &n }
	for _, row := range []struct {
		name, object, members string
		want                  func(*container.Spec)
		warnings              string
	}{
		{"nothing is added", "", ``, func(*container.Spec) {}, ""},

		{"a root may be read-only", "root", `"readonly": true`,
			func(s *container.Spec) { s.Root.Readonly = true }, ""},
		{"a host name", "", `"hostname": "box"`,
			func(s *container.Spec) { s.Hostname = "box" }, ""},
		{"a domain name", "", `"domainname": "example.org"`,
			func(s *container.Spec) { s.Domainname = "example.org" }, ""},
		{"annotations are kept", "", `"annotations": {"org.example.key": "value", "5": ""}`,
			func(s *container.Spec) { s.Annotations = map[string]string{"org.example.key": "value", "5": ""} }, ""},
		{"an escape in a string is what it stands for", "", `"hostname": "b\u00f6x\/\n"`,
			func(s *container.Spec) { s.Hostname = "böx/\n" }, ""},

		{"the environment keeps its order and its doubles", "process", `"env": ["B=2", "A=1", "B=", "C=x=y"]`,
			func(s *container.Spec) { s.Process.Env = []string{"B=2", "A=1", "B=", "C=x=y"} }, ""},
		{"an empty environment is one", "process", `"env": []`,
			func(s *container.Spec) { s.Process.Env = []string{} }, ""},
		{"no new privileges", "process", `"noNewPrivileges": true`,
			func(s *container.Spec) { s.Process.NoNewPrivileges = true }, ""},
		{"the OOM score may be set to 0, which is not the same as left alone", "process", `"oomScoreAdj": 0`,
			func(s *container.Spec) { s.Process.OOMScoreAdj = pointer(0) }, ""},
		{"the OOM score may be negative", "process", `"oomScoreAdj": -1000`,
			func(s *container.Spec) { s.Process.OOMScoreAdj = pointer(-1000) }, ""},
		{"a user with groups", "process", `"user": {"uid": 1000, "gid": 4294967294, "additionalGids": [5, 6]}`,
			func(s *container.Spec) {
				s.Process.User = container.User{UID: 1000, GID: 4294967294, AdditionalGIDs: []uint32{5, 6}}
			}, ""},
		{"a umask is a decimal number", "user", `"umask": 63`,
			func(s *container.Spec) { s.Process.User.Umask = mask(0o77) }, ""},
		{"a umask of 0 is not the same as none", "user", `"umask": 0`,
			func(s *container.Spec) { s.Process.User.Umask = mask(0) }, ""},
		{"a limit may be the highest number", "process", `"rlimits": [{"type": "RLIMIT_CORE", "hard": 18446744073709551615, "soft": 0}]`,
			func(s *container.Spec) {
				s.Process.Rlimits = []container.Rlimit{{Type: "RLIMIT_CORE", Hard: ^uint64(0)}}
			}, ""},
		{"a scheduling policy", "process", `"scheduler": {"policy": "SCHED_DEADLINE", "flags": ["SCHED_FLAG_RECLAIM"], "runtime": 1, "deadline": 2, "period": 18446744073709551615}`,
			func(s *container.Spec) {
				s.Process.Scheduler = &container.Scheduler{Policy: "SCHED_DEADLINE", Flags: []string{"SCHED_FLAG_RECLAIM"}, Runtime: 1, Deadline: 2, Period: ^uint64(0)}
			}, ""},
		{"a nice value and a priority", "process", `"scheduler": {"policy": "x", "nice": -20, "priority": 2147483647}`,
			func(s *container.Spec) {
				s.Process.Scheduler = &container.Scheduler{Policy: "x", Nice: -20, Priority: 1<<31 - 1}
			}, ""},
		{"an I/O priority", "process", `"ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 0}`,
			func(s *container.Spec) { s.Process.IOPriority = &container.IOPriority{Class: "IOPRIO_CLASS_BE"} }, ""},
		{"processors for what is executed later", "process", `"execCPUAffinity": {"initial": "7", "final": "0-3,7"}`,
			func(s *container.Spec) { s.Process.CPUAffinity = container.CPUAffinity{Initial: "7", Final: "0-3,7"} }, ""},
		{"an execution domain", "linux", `"personality": {"domain": "LINUX32", "flags": []}`,
			func(s *container.Spec) { s.Process.Personality = &container.Personality{Domain: "LINUX32"} }, ""},
		{"a memory policy", "linux", `"memoryPolicy": {"mode": "MPOL_INTERLEAVE", "nodes": "2-3", "flags": ["MPOL_F_STATIC_NODES"]}`,
			func(s *container.Spec) {
				s.Process.MemoryPolicy = &container.MemoryPolicy{Mode: "MPOL_INTERLEAVE", Nodes: "2-3", Flags: []string{"MPOL_F_STATIC_NODES"}}
			}, ""},
		{"capabilities", "process", `"capabilities": {"bounding": ["CAP_KILL", "CAP_CHOWN"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"], "inheritable": ["CAP_CHOWN"], "ambient": []}`,
			func(s *container.Spec) {
				kill, chown := caps.Set(1)<<caps.KILL, caps.Set(1)<<caps.CHOWN
				s.Process.Capabilities = &caps.Config{Bounding: kill | chown, Effective: kill, Permitted: kill, Inheritable: chown}
			}, ""},
		{"a capability that nobody knows is a warning", "process", `"capabilities": {"bounding": ["CAP_FLY"]}`,
			func(s *container.Spec) { s.Process.Capabilities = &caps.Config{} },
			`process.capabilities: bounding capabilities: "CAP_FLY" is not a capability`},

		{"mounts keep their order", "", `"mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}, {"destination": "dev", "type": "tmpfs", "source": "a/b", "options": ["nosuid", "size=65536k"]}]`,
			func(s *container.Spec) {
				s.Mounts = []mounts.Mount{
					{Destination: "/proc", Type: "proc", Source: "proc", Origin: "mounts[0]"},
					{Destination: "dev", Type: "tmpfs", Source: "a/b", Options: []string{"nosuid", "size=65536k"}, Origin: "mounts[1]"},
				}
			}, ""},
		{"the source of a bind mount is relative to the bundle", "", `"mounts": [{"destination": "/a", "type": "bind", "source": "a"}, {"destination": "/b", "source": "../b/.", "options": ["rbind"]}, {"destination": "/c", "type": "none", "source": "/c/../c", "options": ["ro", "bind"]}]`,
			func(s *container.Spec) {
				s.Mounts = []mounts.Mount{
					{Destination: "/a", Type: "bind", Source: "/bundle/a", Origin: "mounts[0]"},
					{Destination: "/b", Source: "/b", Options: []string{"rbind"}, Origin: "mounts[1]"},
					{Destination: "/c", Type: "none", Source: "/c/../c", Options: []string{"ro", "bind"}, Origin: "mounts[2]"},
				}
			}, ""},

		{"devices", "linux", `"devices": [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 438, "uid": 1, "gid": 2}, {"path": "/p", "type": "p", "major": 5, "minor": 1}]`,
			func(s *container.Spec) {
				s.Devices = []mounts.Device{
					{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229, FileMode: 0o666, UID: 1, GID: 2, Origin: "linux.devices[0]"},
					{Path: "/p", Type: "p", Origin: "linux.devices[1]"},
				}
			}, ""},
		{"a mode may have the bits of the file type", "linux", `"devices": [{"path": "/d", "type": "b", "major": 4095, "minor": 1048575, "fileMode": 25008}]`,
			func(s *container.Spec) {
				s.Devices = []mounts.Device{{Path: "/d", Type: "b", Major: 4095, Minor: 1048575, FileMode: 0o60660, Origin: "linux.devices[0]"}}
			}, ""},
		{"the ids of a user namespace", "linux", `"uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}, {"containerID": 1, "hostID": 100000, "size": 65536}], "gidMappings": [{"size": 4294967294, "x": 1}]`,
			func(s *container.Spec) {
				s.UIDMappings = clone.IDMaps{{ContainerID: 0, HostID: 1000, Size: 1}, {ContainerID: 1, HostID: 100000, Size: 65536}}
				s.GIDMappings = clone.IDMaps{{Size: 4294967294}}
			}, ""},
		{"the clocks of a time namespace", "linux", `"timeOffsets": {"monotonic": {"secs": -5, "nanosecs": 999999999}, "boottime": {"secs": 86400}}`,
			func(s *container.Spec) {
				s.TimeOffsets = map[string]container.TimeOffset{"monotonic": {Secs: -5, Nanosecs: 999999999}, "boottime": {Secs: 86400}}
			}, ""},
		{"an id-mapped mount", "", `"mounts": [{"destination": "/a", "type": "tmpfs"}, {"destination": "/b", "source": "/b", "options": ["rbind", "ridmap"], "uidMappings": [{"containerID": 0, "hostID": 5, "size": 2}], "gidMappings": []}]`,
			func(s *container.Spec) {
				s.Mounts = []mounts.Mount{{Destination: "/a", Type: "tmpfs", Origin: "mounts[0]"}, {Destination: "/b", Source: "/b", Options: []string{"rbind", "ridmap"}, Origin: "mounts[1]"}}
				s.MountIDs = map[int]container.MountIDs{1: {UIDs: clone.IDMaps{{HostID: 5, Size: 2}}}}
			}, ""},
		{"sysctls", "linux", `"sysctl": {"net.ipv4.ip_forward": "1"}`,
			func(s *container.Spec) { s.Sysctl = map[string]string{"net.ipv4.ip_forward": "1"} }, ""},
		{"masked and read-only paths", "linux", `"maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys", "/proc/bus"]`,
			func(s *container.Spec) {
				s.MaskedPaths, s.ReadonlyPaths = []string{"/proc/kcore"}, []string{"/proc/sys", "/proc/bus"}
			}, ""},
		{"the propagation of the root", "linux", `"rootfsPropagation": "rslave"`,
			func(s *container.Spec) { s.Root.Propagation = "rslave" }, ""},

		{"a path of a cgroup", "linux", `"cgroupsPath": "/a"`, func(s *container.Spec) { s.Cgroup = &container.Cgroup{Path: "/a"} }, ""},
		{"no path of a cgroup", "linux", `"cgroupsPath": ""`, func(*container.Spec) {}, ""},
		{"limits that ask for nothing are nothing", "linux",
			`"resources": {"devices": [], "memory": {}, "cpu": {"shares": 0, "cpus": ""}, "pids": {"limit": -1}, "blockIO": {"weight": 0, "weightDevice": []}, "hugepageLimits": [], "unified": {}, "rdma": null}`,
			func(*container.Spec) {}, ""},
		{"sections that ask for nothing are nothing", "linux", `"seccomp": null, "uidMappings": [], "gidMappings": null, "timeOffsets": {}, "netDevices": {}, "mountLabel": "", "intelRdt": {}`,
			func(*container.Spec) {}, ""},
		{"hooks of all kinds", "", `"hooks": {"prestart": [{"path": "/a"}], "createRuntime": [{"path": "/b", "args": ["b", ""], "env": ["A=", "B=1"], "timeout": 7}, {"path": "/b2", "x": {}}],
			"createContainer": [{"path": "/c", "timeout": null}], "startContainer": [{"path": "/d"}], "poststart": [{"path": "/e"}], "poststop": [{"path": "/f"}], "startup": 1}`,
			func(s *container.Spec) {
				s.Hooks = container.Hooks{
					Prestart: []container.Hook{container.CommandHook{Path: "/a"}},
					CreateRuntime: []container.Hook{
						container.CommandHook{Path: "/b", Args: []string{"b", ""}, Env: []string{"A=", "B=1"}, Timeout: 7 * time.Second},
						container.CommandHook{Path: "/b2"},
					},
					CreateContainer: []container.Hook{container.CommandHook{Path: "/c"}},
					StartContainer:  []container.Hook{container.CommandHook{Path: "/d"}},
					Poststart:       []container.Hook{container.CommandHook{Path: "/e"}},
					Poststop:        []container.Hook{container.CommandHook{Path: "/f"}},
				}
			}, ""},
		{"hooks that are empty are none", "", `"hooks": {"prestart": [], "poststop": null}`, func(*container.Spec) {}, ""},
		{"without a terminal its size means nothing", "process", `"terminal": false, "consoleSize": {"height": 24, "width": 80}`, func(*container.Spec) {}, ""},
		{"a terminal", "process", `"terminal": true`, func(s *container.Spec) { s.Process.Terminal = true }, ""},
		{"a terminal and its size", "process", `"consoleSize": {"width": 80, "height": 24, "depth": 1}, "terminal": true`,
			func(s *container.Spec) {
				s.Process.Terminal, s.Process.ConsoleSize = true, container.WindowSize{Height: 24, Width: 80}
			}, ""},
		{"labels", "process", `"apparmorProfile": "x", "selinuxLabel": "a:b:c:s0:c1,c2"`,
			func(s *container.Spec) { s.Process.AppArmorProfile, s.Process.SELinuxLabel = "x", "a:b:c:s0:c1,c2" }, ""},
		{"a label of mounts", "linux", `"mountLabel": "a:b:c:s0:c1,c2"`,
			func(s *container.Spec) { s.MountLabel = "a:b:c:s0:c1,c2" }, ""},
		{"empty labels are none", "process", `"apparmorProfile": "", "selinuxLabel": ""`, func(*container.Spec) {}, ""},

		{"a property that nobody knows is ignored", "", `"future": {"deep": [1, {"x": null}]}, "Hostname": "no"`, func(*container.Spec) {}, ""},
		{"and so it is in every object", "linux", `"future": [[[]]], "devices": [{"path": "/p", "type": "p", "x": 1}], "namespaces2": 1`,
			func(s *container.Spec) {
				s.Devices = []mounts.Device{{Path: "/p", Type: "p", Origin: "linux.devices[0]"}}
			}, ""},
		{"sections of other systems are ignored", "", `"windows": {"layerFolders": ["x"]}, "solaris": {}, "vm": {"kernel": {"path": "/k"}}, "zos": {}, "freebsd": {}`, func(*container.Spec) {}, ""},
		{"null is as if it were not there", "process", `"env": null, "rlimits": null, "oomScoreAdj": null, "capabilities": null, "terminal": null, "noNewPrivileges": null`, func(*container.Spec) {}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			text := document(row.object, row.members)
			if row.object == "process" && strings.HasPrefix(row.members, `"user"`) {
				text = strings.Replace(text, `"user": {"uid": 0, "gid": 0}, `, "", 1)
			}
			got, warnings, err := oci.Decode([]byte(text), "/bundle")
			if err != nil {
				t.Fatal(err)
			}
			want := smallest()
			row.want(&want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s\n got %+v\nwant %+v", text, got, want)
			}
			if s := lines(warnings); s != row.warnings {
				t.Errorf("%s\n warned %q\n   want %q", text, s, row.warnings)
			}
		})
	}
}

func lines(warnings []oci.Warning) string {
	var s []string
	for _, w := range warnings {
		s = append(s, w.String())
	}
	return strings.Join(s, "\n")
}

func TestNamespaces(t *testing.T) {
	text := strings.Replace(document("", ""), `[{"type": "mount"}]`,
		`[{"type": "pid"}, {"type": "network", "path": "/run/netns/a"}, {"path": "", "type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "cgroup"}, {"type": "time"}]`, 1)
	got, _, err := oci.Decode([]byte(text), "/bundle")
	if err != nil {
		t.Fatal(err)
	}
	want := clone.Namespaces{
		{Type: clone.NEWPID}, {Type: clone.NEWNET, Path: "/run/netns/a"}, {Type: clone.NEWNS},
		{Type: clone.NEWIPC}, {Type: clone.NEWUTS}, {Type: clone.NEWCGROUP}, {Type: clone.NEWTIME},
	}
	if !reflect.DeepEqual(got.Namespaces, want) {
		t.Errorf("got %v\nwant %v", got.Namespaces, want)
	}
}

func TestRootPath(t *testing.T) {
	for path, want := range map[string]string{
		"rootfs":      "/bundle/rootfs",
		"./a/../b":    "/bundle/b",
		"..":          "/",
		"/abs//../fs": "/abs//../fs", // as it stands: .. after a link is not what it looks like
	} {
		text := strings.Replace(document("", ""), `"path": "rootfs"`, `"path": "`+path+`"`, 1)
		spec, _, err := oci.Decode([]byte(text), "/bundle")
		if err != nil || spec.Root.Path != want {
			t.Errorf("root.path %q: got %q, %v, want %q", path, spec.Root.Path, err, want)
		}
	}
}

// A container without a process can be made, and only not be started.
func TestWithoutProcess(t *testing.T) {
	for _, text := range []string{
		`{"ociVersion": "1.0.0", "root": {"path": "/r"}}`,
		`{"ociVersion": "1.0.0", "root": {"path": "/r"}, "process": null}`,
	} {
		spec, _, err := oci.Decode([]byte(text), "/bundle")
		if want := (container.Spec{Bundle: "/bundle", Version: "1.0.0", Root: container.Root{Path: "/r"}}); err != nil || !reflect.DeepEqual(spec, want) {
			t.Errorf("%s: got %+v, %v", text, spec, err)
		}
	}
}

func TestVersion(t *testing.T) {
	for _, row := range []struct{ version, problem string }{
		{"1.0.0", ""}, {"1.0.2-dev", ""}, {"1.0.0-rc5", ""}, {"1.1.0+dev", ""}, {"1.2.1-rc.1+build.7", ""},
		{"1.3.0", ""}, {"1.3.9", ""}, {"1.0.0-a-b--c", ""},
		{"1.4.0", "warning: ociVersion: what 1.4.0 has beyond 1.3.0 is ignored"},
		{"2.0.0", `config.json: ociVersion: "2.0.0" is not a version 1.x`},
		{"0.9.0", `config.json: ociVersion: "0.9.0" is not a version 1.x`},
		{"invalid", `config.json: ociVersion: "invalid" is not a version such as "1.3.0"`},
		{"", `config.json: ociVersion: "" is not a version such as "1.3.0"`},
		{"1.0", `config.json: ociVersion: "1.0" is not a version such as "1.3.0"`},
		{"1.0.0.0", `config.json: ociVersion: "1.0.0.0" is not a version such as "1.3.0"`},
		{"v1.0.0", `config.json: ociVersion: "v1.0.0" is not a version such as "1.3.0"`},
		{"01.0.0", `config.json: ociVersion: "01.0.0" is not a version such as "1.3.0"`},
		{"1.0.0-", `config.json: ociVersion: "1.0.0-" is not a version such as "1.3.0"`},
		{"1.0.0-01", `config.json: ociVersion: "1.0.0-01" is not a version such as "1.3.0"`},
		{"1.0.0-a_b", `config.json: ociVersion: "1.0.0-a_b" is not a version such as "1.3.0"`},
		{"1.0.0+", `config.json: ociVersion: "1.0.0+" is not a version such as "1.3.0"`},
		{" 1.0.0", `config.json: ociVersion: " 1.0.0" is not a version such as "1.3.0"`},
		{"1.+1.0", `config.json: ociVersion: "1.+1.0" is not a version such as "1.3.0"`},
		{"1.99999999999999999999.0", `config.json: ociVersion: "1.99999999999999999999.0" is not a version such as "1.3.0"`},
	} {
		text := strings.Replace(document("", ""), "1.3.0", row.version, 1)
		_, warnings, err := oci.Decode([]byte(text), "/bundle")
		got := ""
		if err != nil {
			got = err.Error()
		} else if len(warnings) > 0 {
			got = "warning: " + lines(warnings)
		}
		if got != row.problem {
			t.Errorf("%q:\n got %s\nwant %s", row.version, got, row.problem)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, row := range []struct {
		name, text, want string
	}{
		{"no document", ``, `config.json: the document is empty`},
		{"a document that is no object", `[]`, `config.json: an object is wanted here, not an array`},
		{"null", `null`, `config.json: an object is wanted here, not null`},
		{"an empty object", `{}`, `config.json: ociVersion is missing`},
		{"no root", `{"ociVersion": "1.0.0"}`, `config.json: root is missing`},
		{"a root that is null", `{"ociVersion": "1.0.0", "root": null}`, `config.json: root is missing`},
		{"a root without a path", `{"ociVersion": "1.0.0", "root": {}}`, `config.json: root: path is missing`},
		{"two documents", document("", "") + `{}`, `config.json: something follows behind the end of the document`},
		{"a comma too many", "{\n\t\"hostname\": \"a\",\n}", `config.json: line 2, column 17: invalid character ',' at start of value`},
		{"a name that stands twice", document("", `"hostname": "a", "hostname": "b"`), `config.json: hostname: stands twice`},
		{"a name that stands twice in what is ignored", document("linux", `"x": {"y": 1, "y": 2}`), `config.json: linux.x.y: stands twice`},
		{"invalid UTF-8", document("", "\"hostname\": \"\xff\""), `config.json: hostname: line 1, column 185: invalid UTF-8`},
		{"half of a surrogate pair", document("", `"hostname": "\ud800"`), "config.json: hostname: line 1, column 185: invalid surrogate pair `\\ud800\"}` in string"},
		{"a NUL", document("process", `"env": ["A=\u0000"]`), `config.json: process.env[0]: "A=\x00" holds a NUL`},

		{"a hook without a path", document("", `"hooks": {"poststop": [{"args": ["x"]}]}`), `config.json: hooks.poststop[0]: path is missing`},
		{"a hook with a relative path", document("", `"hooks": {"createContainer": [{"path": "/a"}, {"path": "bin/x"}]}`), `config.json: hooks.createContainer[1].path: "bin/x" is not an absolute path`},
		{"a hook without time", document("", `"hooks": {"prestart": [{"path": "/a", "timeout": 0}]}`), `config.json: hooks.prestart[0].timeout: 0 is not above 0`},
		{"a hook with less than no time", document("", `"hooks": {"prestart": [{"path": "/a", "timeout": -1}]}`), `config.json: hooks.prestart[0].timeout: -1 is not above 0`},
		{"a hook with more time than there is", document("", `"hooks": {"prestart": [{"path": "/a", "timeout": 9223372037}]}`), `config.json: hooks.prestart[0].timeout: 9223372037 is above 9223372036`},
		{"a hook with a variable without a name", document("", `"hooks": {"poststart": [{"path": "/a", "env": ["A=1", "=x"]}]}`), `config.json: hooks.poststart[0].env[1]: "=x" is not of the form NAME=VALUE`},
		{"hooks that are no list", document("", `"hooks": {"poststart": {"path": "/a"}}`), `config.json: hooks.poststart: an array is wanted here, not an object`},

		{"a number that is too high", document("process", `"oomScoreAdj": 1001`), `config.json: process.oomScoreAdj: 1001 is above 1000`},
		{"a number that is too low", document("process", `"oomScoreAdj": -1001`), `config.json: process.oomScoreAdj: -1001 is below -1000`},
		{"a number beyond 64 bits", document("process", `"oomScoreAdj": 99999999999999999999`), `config.json: process.oomScoreAdj: 99999999999999999999 is above 1000`},
		{"2^32 is no group", document("user", `"additionalGids": [1, 4294967296]`), `config.json: process.user.additionalGids[1]: 4294967296 is above 4294967295`},
		{"-1 is no group", document("user", `"additionalGids": [-1]`), `config.json: process.user.additionalGids[0]: -1 is below 0`},
		{"2^32-1 is no group", document("user", `"additionalGids": [4294967295]`), `config.json: process.user.additionalGids[0]: 4294967295 is nobody's: the kernel takes it for "no change"`},
		{"an id map without a size", document("linux", `"uidMappings": [{"containerID": 0, "hostID": 0}]`), `config.json: linux.uidMappings[0]: size is missing`},
		{"a negative size", document("linux", `"gidMappings": [{"size": -1}]`), `config.json: linux.gidMappings[0].size: -1 is below 0`},
		{"2^32-1 can be mapped nowhere", document("linux", `"uidMappings": [{"hostID": 4294967295, "size": 1}]`), `config.json: linux.uidMappings[0].hostID: 4294967295 is nobody's: the kernel takes it for "no change"`},
		{"a second of nanoseconds", document("linux", `"timeOffsets": {"boottime": {"nanosecs": 1000000000}}`), `config.json: linux.timeOffsets.boottime.nanosecs: 1000000000 is above 999999999`},
		{"half a group", document("user", `"additionalGids": [1.5]`), `config.json: process.user.additionalGids[0]: 1.5 is not a whole number`},
		{"a group with an exponent", document("user", `"additionalGids": [1e3]`), `config.json: process.user.additionalGids[0]: 1e3 is not a whole number`},
		{"a group in quotes", document("user", `"additionalGids": ["1"]`), `config.json: process.user.additionalGids[0]: a number is wanted here, not a string`},
		{"a umask of more than nine bits", document("user", `"umask": 512`), `config.json: process.user.umask: 512 is above 511`},
		{"2^64 is no limit", document("process", `"rlimits": [{"type": "RLIMIT_CORE", "hard": 18446744073709551616, "soft": 0}]`), `config.json: process.rlimits[0].hard: 18446744073709551616 is above 18446744073709551615`},
		{"-1 is no limit", document("process", `"rlimits": [{"type": "RLIMIT_CORE", "soft": -1}]`), `config.json: process.rlimits[0].soft: -1 is below 0`},
		{"a limit that does not exist", document("process", `"rlimits": [{"type": "NOFILE", "hard": 1, "soft": 1}]`), `config.json: process.rlimits[0].type: "NOFILE" is not a resource limit`},
		{"a limit that stands twice", document("process", `"rlimits": [{"type": "RLIMIT_CPU", "hard": 1, "soft": 1}, {"type": "RLIMIT_CPU", "hard": 1, "soft": 1}]`), `config.json: process.rlimits[1].type: RLIMIT_CPU stands twice`},
		{"half a limit", document("process", `"rlimits": [{"type": "RLIMIT_CPU", "hard": 1}]`), `config.json: process.rlimits[0]: soft is missing`},
		{"a limit of nothing", document("process", `"rlimits": [{"soft": 1, "hard": 1}]`), `config.json: process.rlimits[0]: type is missing`},
		{"a window that is too wide", document("process", `"terminal": true, "consoleSize": {"height": 24, "width": 65536}`), `config.json: process.consoleSize.width: 65536 is above 65535`},
		{"a yes for true", document("process", `"noNewPrivileges": "yes"`), `config.json: process.noNewPrivileges: true or false is wanted here, not a string`},
		{"a variable without a value", document("process", `"env": ["A"]`), `config.json: process.env[0]: "A" is not of the form NAME=VALUE`},
		{"a variable without a name", document("process", `"env": ["A=1", "=1"]`), `config.json: process.env[1]: "=1" is not of the form NAME=VALUE`},
		{"a null among strings", document("process", `"env": [null]`), `config.json: process.env[0]: a string is wanted here, not null`},
		{"a string for strings", document("process", `"env": "A=1"`), `config.json: process.env: an array is wanted here, not a string`},
		{"capabilities of old", document("process", `"capabilities": ["CAP_KILL"]`), `config.json: process.capabilities: an object is wanted here, not an array`},
		{"a scheduler without a policy", document("process", `"scheduler": {"nice": 1}`), `config.json: process.scheduler: policy is missing`},
		{"a nice value beyond 32 bits", document("process", `"scheduler": {"policy": "SCHED_OTHER", "nice": -2147483649}`), `config.json: process.scheduler.nice: -2147483649 is below -2147483648`},
		{"a negative time", document("process", `"scheduler": {"runtime": -1}`), `config.json: process.scheduler.runtime: -1 is below 0`},
		{"an I/O priority of no class", document("process", `"ioPriority": {"priority": 1}`), `config.json: process.ioPriority: class is missing`},
		{"an I/O class without a priority", document("process", `"ioPriority": {"class": "IOPRIO_CLASS_BE"}`), `config.json: process.ioPriority: priority is missing`},
		{"processors as numbers", document("process", `"execCPUAffinity": {"initial": 0}`), `config.json: process.execCPUAffinity.initial: a string is wanted here, not a number`},
		{"a flag of an execution domain", document("linux", `"personality": {"domain": "LINUX", "flags": ["X"]}`), `config.json: linux.personality.flags[0]: "X": the specification defines no flags`},
		{"no execution domain", document("linux", `"personality": {}`), `config.json: linux.personality: domain is missing`},
		{"a memory policy without a mode", document("linux", `"memoryPolicy": {"nodes": "0"}`), `config.json: linux.memoryPolicy: mode is missing`},
		{"no command", `{"process": {"cwd": "/", "args": []}}`, `config.json: process: args is missing`},
		{"no working directory", `{"process": {"args": ["a"]}}`, `config.json: process: cwd is missing`},
		{"a relative working directory", `{"process": {"args": ["a"], "cwd": "tmp"}}`, `config.json: process.cwd: "tmp" is not an absolute path`},

		{"an annotation without a name", document("", `"annotations": {"": "x"}`), `config.json: annotations[""]: a name is empty`},
		{"a sysctl that is a number", document("linux", `"sysctl": {"net.core.somaxconn": 5}`), `config.json: linux.sysctl["net.core.somaxconn"]: a string is wanted here, not a number`},
		{"a mount on nothing", document("", `"mounts": [{"destination": "/proc", "type": "proc"}, {"type": "proc"}]`), `config.json: mounts[1]: destination is missing`},
		{"an option that is a number", document("", `"mounts": [{"destination": "/a", "options": ["ro", 1]}]`), `config.json: mounts[0].options[1]: a string is wanted here, not a number`},
		{"an unknown namespace", strings.Replace(document("", ""), `"mount"`, `"mnt"`, 1), `config.json: linux.namespaces[0].type: "mnt" is not a type of namespace`},
		{"a namespace that stands twice", strings.Replace(document("", ""), `{"type": "mount"}`, `{"type": "pid"}, {"type": "pid", "path": "/p"}`, 1), `config.json: linux.namespaces[1].type: pid stands twice`},
		{"a namespace of no type", strings.Replace(document("", ""), `{"type": "mount"}`, `{}`, 1), `config.json: linux.namespaces[0]: type is missing`},
		{"a namespace at a relative path", strings.Replace(document("", ""), `{"type": "mount"}`, `{"path": "ns", "type": "pid"}`, 1), `config.json: linux.namespaces[0].path: "ns" is not an absolute path`},
		{"an unknown device", document("linux", `"devices": [{"type": "x"}]`), `config.json: linux.devices[0].type: "x" is not a type of device: c, u, b or p`},
		{"a device without a number", document("linux", `"devices": [{"type": "c", "path": "/d", "major": 1}]`), `config.json: linux.devices[0]: minor is missing`},
		{"a device nowhere", document("linux", `"devices": [{"type": "p"}]`), `config.json: linux.devices[0]: path is missing`},
		{"a device of no type", document("linux", `"devices": [{"path": "/d"}]`), `config.json: linux.devices[0]: type is missing`},
		{"a device of another number", document("linux", `"devices": [{"type": "c", "path": "/d", "major": 4096, "minor": 1}]`), `config.json: linux.devices[0].major: 4096 is above 4095`},
		{"a device of a negative number", document("linux", `"devices": [{"minor": -1}]`), `config.json: linux.devices[0].minor: -1 is below 0`},
		{"a mode of too many bits", document("linux", `"devices": [{"fileMode": 65536}]`), `config.json: linux.devices[0].fileMode: 65536 is above 65535`},
		{"a relative mask", document("linux", `"maskedPaths": ["proc/kcore"]`), `config.json: linux.maskedPaths[0]: "proc/kcore" is not an absolute path`},
		{"an unknown propagation", document("linux", `"rootfsPropagation": "r"`), `config.json: linux.rootfsPropagation: "r" is not private, slave, shared or unbindable, or one of them with an r in front`},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, _, err := oci.Decode([]byte(row.text), "/bundle")
			if err == nil {
				t.Fatalf("%s\nno error", row.text)
			}
			if err.Error() != row.want {
				t.Errorf("%s\n got %v\nwant %s", row.text, err, row.want)
			}
			if errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%v is a mistake, not something unsupported", err)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, row := range []struct{ object, members, want string }{
		{"linux", `"seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}`, `linux.seccomp.defaultAction: seccomp is not supported`},
		{"linux", `"intelRdt": {"enableMonitoring": true}`, `linux.intelRdt.enableMonitoring: Intel RDT is not supported`},
		{"linux", `"devices": [{"fileMode": 0}]`, `linux.devices[0].fileMode: a device that nobody may open is not supported`},
	} {
		_, _, err := oci.Decode([]byte(document(row.object, row.members)), "/bundle")
		if err == nil || err.Error() != "config.json: "+row.want || !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s\n got %v\nwant %s", row.members, err, row.want)
		}
	}
}

// The type of a value is checked even where only its absence is supported.
func TestRefusedType(t *testing.T) {
	for members, want := range map[string]string{
		`"terminal": 0`:            "config.json: process.terminal: true or false is wanted here, not a number",
		`"apparmorProfile": false`: "config.json: process.apparmorProfile: a string is wanted here, not true or false",
		`"selinuxLabel": []`:       "config.json: process.selinuxLabel: a string is wanted here, not an array",
	} {
		_, _, err := oci.Decode([]byte(document("process", members)), "/bundle")
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", members, err, want)
		}
	}
}
