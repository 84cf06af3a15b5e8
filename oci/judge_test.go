package oci_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/oci"
)

// The specification's own Go types, filled by encoding/json, judge what was decoded:
// other code, of other people, and no line of it in common with ours.

func TestJudge(t *testing.T) {
	files, err := filepath.Glob("testdata/corpus/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := oci.Decode(data, "/bundle")
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		for _, difference := range judge(t, data, got) {
			t.Errorf("%s: %s", file, difference)
		}
	}
}

// judge lists the differences between a Spec and what the specification's types say.
func judge(t *testing.T, data []byte, got container.Spec) []string {
	var judged specs.Spec
	if err := json.Unmarshal(withoutUnread(t, data), &judged); err != nil {
		return []string{fmt.Sprintf("encoding/json does not accept it: %v", err)}
	}
	var list []string
	same := func(what string, got, want any) {
		if !reflect.DeepEqual(got, want) && !(isEmpty(got) && isEmpty(want)) {
			list = append(list, fmt.Sprintf("%s: got %#v, want %#v", what, got, want))
		}
	}
	same("root.path", got.Root.Path, onHost(judged.Root.Path))
	same("root.readonly", got.Root.Readonly, judged.Root.Readonly)
	same("hostname", got.Hostname, judged.Hostname)
	same("domainname", got.Domainname, judged.Domainname)
	same("annotations", got.Annotations, judged.Annotations)

	same("mounts", len(got.Mounts), len(judged.Mounts))
	for i, m := range judged.Mounts {
		g, name := got.Mounts[i], fmt.Sprintf("mounts[%d].", i)
		source := m.Source
		if m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind") {
			source = onHost(source)
		}
		same(name+"destination", g.Destination, m.Destination)
		same(name+"type", g.Type, m.Type)
		same(name+"source", g.Source, source)
		same(name+"options", g.Options, m.Options)
		same(name+"origin", g.Origin+".", name)
	}
	if judged.Hooks != nil {
		judgeHooks(same, got.Hooks, judged.Hooks)
	}
	if judged.Process != nil {
		judgeProcess(same, got.Process, judged.Process)
	}
	if judged.Linux != nil {
		judgeLinux(same, got, judged.Linux)
		judgeResources(same, got.Cgroup, judged.Linux, older(judged.Version))
	}
	return list
}

// older than 1.3.
func older(version string) bool {
	minor := 0
	_, err := fmt.Sscanf(version, "1.%d", &minor)
	return err == nil && minor < 3
}

func judgeHooks(same func(string, any, any), got container.Hooks, h *specs.Hooks) {
	for _, kind := range []struct {
		name string
		got  []container.Hook
		want []specs.Hook
	}{
		//lint:ignore SA1019 deprecated, and engines still use them
		{"prestart", got.Prestart, h.Prestart},
		{"createRuntime", got.CreateRuntime, h.CreateRuntime},
		{"createContainer", got.CreateContainer, h.CreateContainer},
		{"startContainer", got.StartContainer, h.StartContainer},
		{"poststart", got.Poststart, h.Poststart},
		{"poststop", got.Poststop, h.Poststop},
	} {
		same("hooks."+kind.name, len(kind.got), len(kind.want))
		for i, w := range kind.want {
			g, name := kind.got[i].(container.CommandHook), fmt.Sprintf("hooks.%s[%d].", kind.name, i)
			same(name+"path", g.Path, w.Path)
			same(name+"args", g.Args, w.Args)
			same(name+"env", g.Env, w.Env)
			seconds := 0
			if w.Timeout != nil {
				seconds = *w.Timeout
			}
			same(name+"timeout", g.Timeout, time.Duration(seconds)*time.Second)
		}
	}
}

func judgeProcess(same func(string, any, any), got container.Process, p *specs.Process) {
	same("process.args", got.Args, p.Args)
	same("process.env", got.Env, p.Env)
	same("process.cwd", got.Cwd, p.Cwd)
	same("process.user.uid", got.User.UID, p.User.UID)
	same("process.user.gid", got.User.GID, p.User.GID)
	same("process.user.umask", got.User.Umask, p.User.Umask)
	same("process.user.additionalGids", got.User.AdditionalGIDs, p.User.AdditionalGids)
	same("process.noNewPrivileges", got.NoNewPrivileges, p.NoNewPrivileges)
	same("process.terminal", got.Terminal, p.Terminal)
	var size container.WindowSize
	if p.Terminal && p.ConsoleSize != nil {
		size = container.WindowSize{Height: uint16(p.ConsoleSize.Height), Width: uint16(p.ConsoleSize.Width)}
	}
	same("process.consoleSize", got.ConsoleSize, size)
	same("process.oomScoreAdj", got.OOMScoreAdj, p.OOMScoreAdj)
	same("process.rlimits", len(got.Rlimits), len(p.Rlimits))
	for i, l := range p.Rlimits {
		same(fmt.Sprintf("process.rlimits[%d]", i), got.Rlimits[i], container.Rlimit{Type: l.Type, Soft: l.Soft, Hard: l.Hard})
	}
	same("process.scheduler", got.Scheduler != nil, p.Scheduler != nil)
	if s, g := p.Scheduler, got.Scheduler; s != nil && g != nil {
		same("process.scheduler", []any{g.Policy, g.Nice, g.Priority, g.Runtime, g.Deadline, g.Period},
			[]any{string(s.Policy), s.Nice, s.Priority, s.Runtime, s.Deadline, s.Period})
		same("process.scheduler.flags", fmt.Sprint(g.Flags), fmt.Sprint(s.Flags))
	}
	same("process.ioPriority", got.IOPriority != nil, p.IOPriority != nil)
	if i, g := p.IOPriority, got.IOPriority; i != nil && g != nil {
		same("process.ioPriority", *g, container.IOPriority{Class: string(i.Class), Priority: i.Priority})
	}
	affinity := container.CPUAffinity{}
	if a := p.ExecCPUAffinity; a != nil {
		affinity = container.CPUAffinity{Initial: a.Initial, Final: a.Final}
	}
	same("process.execCPUAffinity", got.CPUAffinity, affinity)
	same("process.capabilities", got.Capabilities != nil, p.Capabilities != nil)
	if c := p.Capabilities; c != nil && got.Capabilities != nil {
		for _, set := range []struct {
			name string
			got  caps.Set
			want []string
		}{
			{"bounding", got.Capabilities.Bounding, c.Bounding},
			{"effective", got.Capabilities.Effective, c.Effective},
			{"permitted", got.Capabilities.Permitted, c.Permitted},
			{"inheritable", got.Capabilities.Inheritable, c.Inheritable},
			{"ambient", got.Capabilities.Ambient, c.Ambient},
		} {
			for n := caps.Cap(0); n <= caps.LastKnown; n++ {
				// Names may be written in lower case and without CAP_.
				asked := slices.ContainsFunc(set.want, func(s string) bool {
					return "CAP_"+strings.TrimPrefix(strings.ToUpper(s), "CAP_") == n.String()
				})
				same("process.capabilities."+set.name+" "+n.String(), set.got&(1<<n) != 0, asked)
			}
		}
	}
}

func judgeLinux(same func(string, any, any), got container.Spec, l *specs.Linux) {
	types := map[specs.LinuxNamespaceType]clone.NamespaceType{
		specs.PIDNamespace: clone.NEWPID, specs.NetworkNamespace: clone.NEWNET, specs.MountNamespace: clone.NEWNS,
		specs.IPCNamespace: clone.NEWIPC, specs.UTSNamespace: clone.NEWUTS, specs.UserNamespace: clone.NEWUSER,
		specs.CgroupNamespace: clone.NEWCGROUP, specs.TimeNamespace: clone.NEWTIME,
	}
	var namespaces clone.Namespaces
	for _, ns := range l.Namespaces {
		namespaces = append(namespaces, clone.Namespace{Type: types[ns.Type], Path: ns.Path})
	}
	same("linux.namespaces", got.Namespaces, namespaces)
	same("linux.sysctl", got.Sysctl, l.Sysctl)
	same("linux.maskedPaths", got.MaskedPaths, l.MaskedPaths)
	same("linux.readonlyPaths", got.ReadonlyPaths, l.ReadonlyPaths)
	same("linux.rootfsPropagation", got.Root.Propagation, l.RootfsPropagation)
	same("linux.personality", got.Process.Personality != nil, l.Personality != nil)
	if p, g := l.Personality, got.Process.Personality; p != nil && g != nil {
		same("linux.personality.domain", g.Domain, string(p.Domain))
		same("linux.personality.flags", 0, len(p.Flags))
	}
	same("linux.memoryPolicy", got.Process.MemoryPolicy != nil, l.MemoryPolicy != nil)
	if p, g := l.MemoryPolicy, got.Process.MemoryPolicy; p != nil && g != nil {
		same("linux.memoryPolicy", []string{g.Mode, g.Nodes}, []string{string(p.Mode), p.Nodes})
		same("linux.memoryPolicy.flags", fmt.Sprint(g.Flags), fmt.Sprint(p.Flags))
	}
	same("linux.netDevices", len(got.Networks), len(l.NetDevices))
	for _, n := range got.Networks {
		same("linux.netDevices."+n.HostInterfaceName, n.Name, l.NetDevices[n.HostInterfaceName].Name)
		same("linux.netDevices."+n.HostInterfaceName, n.Type, "device")
	}
	same("linux.devices", len(got.Devices), len(l.Devices))
	for i, d := range l.Devices {
		g, name := got.Devices[i], fmt.Sprintf("linux.devices[%d].", i)
		same(name+"path", g.Path, d.Path)
		same(name+"type", g.Type, d.Type)
		if d.Type != "p" {
			same(name+"major", int64(g.Major), d.Major)
			same(name+"minor", int64(g.Minor), d.Minor)
		}
		number := func(p *uint32) uint32 {
			if p == nil {
				return 0
			}
			return *p
		}
		same(name+"fileMode", g.FileMode, number((*uint32)(d.FileMode)))
		same(name+"uid", g.UID, number(d.UID))
		same(name+"gid", g.GID, number(d.GID))
	}
}

func onHost(path string) string {
	if path == "" || path[0] == '/' {
		return path
	}
	return filepath.Join("/bundle", path)
}

// isEmpty: no list and an empty one are the same here.
func isEmpty(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Slice, reflect.Map:
		return r.Len() == 0
	}
	return false
}

// read are the properties that Decode reads, by their object.
var read = map[string][]string{
	"":                        {"ociVersion", "root", "hostname", "domainname", "process", "mounts", "annotations", "linux", "hooks"},
	"root":                    {"path", "readonly"},
	"hooks":                   {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"},
	"hooks.prestart":          {"path", "args", "env", "timeout"},
	"hooks.createRuntime":     {"path", "args", "env", "timeout"},
	"hooks.createContainer":   {"path", "args", "env", "timeout"},
	"hooks.startContainer":    {"path", "args", "env", "timeout"},
	"hooks.poststart":         {"path", "args", "env", "timeout"},
	"hooks.poststop":          {"path", "args", "env", "timeout"},
	"process":                 {"args", "env", "cwd", "user", "rlimits", "capabilities", "noNewPrivileges", "oomScoreAdj", "terminal", "consoleSize", "scheduler", "ioPriority", "execCPUAffinity"},
	"process.scheduler":       {"policy", "nice", "priority", "flags", "runtime", "deadline", "period"},
	"process.ioPriority":      {"class", "priority"},
	"process.execCPUAffinity": {"initial", "final"},
	"process.consoleSize":     {"height", "width"},
	"process.user":            {"uid", "gid", "umask", "additionalGids"},
	"process.rlimits":         {"type", "soft", "hard"},
	"process.capabilities":    {"bounding", "effective", "permitted", "inheritable", "ambient"},
	"mounts":                  {"destination", "type", "source", "options"},
	"linux":                   {"namespaces", "devices", "sysctl", "maskedPaths", "readonlyPaths", "rootfsPropagation", "cgroupsPath", "resources", "personality", "memoryPolicy", "netDevices"},
	"linux.netDevices.*":      {"name"},
	"linux.personality":       {"domain", "flags"},
	"linux.memoryPolicy":      {"mode", "nodes", "flags"},
	"linux.namespaces":        {"type", "path"},
	"linux.devices":           {"path", "type", "major", "minor", "fileMode", "uid", "gid"},

	"linux.resources":                                 {"devices", "memory", "cpu", "pids", "blockIO", "hugepageLimits", "network", "rdma", "unified"},
	"linux.resources.devices":                         {"allow", "type", "major", "minor", "access"},
	"linux.resources.memory":                          {"limit", "reservation", "swap", "kernel", "kernelTCP", "swappiness", "disableOOMKiller", "useHierarchy", "checkBeforeUpdate"},
	"linux.resources.cpu":                             {"shares", "quota", "burst", "period", "realtimeRuntime", "realtimePeriod", "cpus", "mems", "idle"},
	"linux.resources.pids":                            {"limit"},
	"linux.resources.blockIO":                         {"weight", "leafWeight", "weightDevice", "throttleReadBpsDevice", "throttleWriteBpsDevice", "throttleReadIOPSDevice", "throttleWriteIOPSDevice"},
	"linux.resources.blockIO.weightDevice":            {"major", "minor", "weight", "leafWeight"},
	"linux.resources.blockIO.throttleReadBpsDevice":   {"major", "minor", "rate"},
	"linux.resources.blockIO.throttleWriteBpsDevice":  {"major", "minor", "rate"},
	"linux.resources.blockIO.throttleReadIOPSDevice":  {"major", "minor", "rate"},
	"linux.resources.blockIO.throttleWriteIOPSDevice": {"major", "minor", "rate"},
	"linux.resources.hugepageLimits":                  {"pageSize", "limit"},
	"linux.resources.network":                         {"classID", "priorities"},
	"linux.resources.network.priorities":              {"name", "priority"},
	"linux.resources.rdma.*":                          {"hcaHandles", "hcaObjects"},
}

// withoutUnread takes away what Decode passes over: encoding/json takes a name in
// another case for the same, has other rules for null, and looks into sections of
// other systems.
func withoutUnread(t *testing.T, data []byte) []byte {
	var document any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&document); err != nil {
		t.Fatalf("encoding/json: %v\n%q", err, data)
	}
	prune(document, "")
	out, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func prune(v any, object string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			prune(e, object)
		}
	case map[string]any:
		maps.DeleteFunc(v, func(name string, e any) bool {
			names, known := read[object]
			return e == nil || known && !slices.Contains(names, name)
		})
		for name, e := range v {
			if object == "linux.resources.rdma" || object == "linux.netDevices" { // whose members are devices
				name = "*"
			}
			prune(e, strings.TrimPrefix(object+"."+name, "."))
		}
	}
}
