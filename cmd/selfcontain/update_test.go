package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/internal/nstest"
)

func ptr[T any](v T) *T { return &v }

// Every flag that is a limit.
func TestUpdateFlags(t *testing.T) {
	for _, row := range []struct {
		args string
		want cgroupv2.Resources
	}{
		{"", cgroupv2.Resources{}},
		{"--memory 64m --memory-reservation=32M --memory-swap 1.5g", cgroupv2.Resources{Memory: cgroupv2.Memory{Limit: 64 << 20, Reservation: 32 << 20, Swap: 3 << 29}}},
		{"--memory -1 -memory-swap=-1", cgroupv2.Resources{Memory: cgroupv2.Memory{Limit: -1, Swap: -1}}},
		{"--kernel-memory 4k --kernel-memory-tcp 8k", cgroupv2.Resources{Memory: cgroupv2.Memory{Kernel: 4096, KernelTCP: 8192}}},
		{"--cpu-share 512 --cpu-quota -1 --cpu-period 50000 --cpu-burst 0", cgroupv2.Resources{CPU: cgroupv2.CPU{Shares: 512, Quota: -1, Period: 50000, Burst: ptr(uint64(0))}}},
		{"--cpu-idle 1 --cpuset-cpus 0-1,3 --cpuset-mems 0", cgroupv2.Resources{CPU: cgroupv2.CPU{Idle: ptr(int64(1)), Cpus: "0-1,3", Mems: "0"}}},
		{"--cpu-rt-period 1 --cpu-rt-runtime 2", cgroupv2.Resources{CPU: cgroupv2.CPU{RealtimePeriod: 1, RealtimeRuntime: 2}}},
		{"--pids-limit 0", cgroupv2.Resources{Pids: ptr(int64(0))}},
		{"--pids-limit -1 --blkio-weight 500", cgroupv2.Resources{Pids: ptr(int64(-1)), BlockIO: cgroupv2.BlockIO{Weight: 500}}},
		{"--memory= --cpu-share= --cpuset-cpus= --l3-cache-schema=", cgroupv2.Resources{}},
	} {
		var r resourceFlags
		f := flagSet("update")
		r.declare(f)
		if err := f.Parse(strings.Fields(row.args)); err != nil || !reflect.DeepEqual(r.Resources, row.want) {
			t.Errorf("%s: %+v (%v), want %+v", row.args, r.Resources, err, row.want)
		}
	}
	for args, want := range map[string]string{
		"--memory 64x":             `invalid value "64x" for flag -memory: want a number of bytes, or with a unit such as 512k, 64m or 1.5g, or -1 for no limit`,
		"--cpu-share -1":           `invalid value "-1" for flag -cpu-share: want a number that is not below 0`,
		"--cpu-quota 1.5":          `invalid value "1.5" for flag -cpu-quota: want a number`,
		"--blkio-weight 70000":     `invalid value "70000" for flag -blkio-weight: want 10 to 1000`,
		"--pids-limit many":        `invalid value "many" for flag -pids-limit: want a number`,
		"--l3-cache-schema L3:0=f": `invalid value "L3:0=f" for flag -l3-cache-schema: containers are in no group of resctrl (Intel RDT) here, so none can be changed`,
		"--mem-bw-schema MB:0=9":   `invalid value "MB:0=9" for flag -mem-bw-schema: containers are in no group of resctrl (Intel RDT) here, so none can be changed`,
	} {
		var r resourceFlags
		f := flagSet("update")
		r.declare(f)
		if err := f.Parse(strings.Fields(args)); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", args, err, want)
		}
	}
}

// groupOf is the directory of a container's cgroup.
func groupOf(t *testing.T, global []string) string {
	t.Helper()
	r := do(t, command(t, append(global, "ps", "-f", "json", "ctr")...))
	pid, _, _ := strings.Cut(strings.Trim(r.stdout, "[]\n"), ",")
	text, err := os.ReadFile("/proc/" + pid + "/cgroup")
	if err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	h, err := cgroupv2.Find()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return filepath.Join(h.Mountpoint(), strings.TrimSpace(path))
		}
	}
	t.Fatalf("%s", text)
	return ""
}

// fileIs looks at a file of a cgroup.
func fileIs(t *testing.T, about, group, name, want string) {
	t.Helper()
	if text, err := os.ReadFile(filepath.Join(group, name)); strings.TrimSpace(string(text)) != want || err != nil {
		t.Errorf("%s: %s is %q (%v), want %q", about, name, text, err, want)
	}
}

// TestUpdate is how limits come to a container, and what is said where they do not.
func TestUpdate(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	if os.Getenv("NSTEST_GUEST") != "" {
		t.Skip("skipped: this is about the command; in a guest limits are read back and felt")
	}
	dir := bundle(t, shell("exec sleep 1000 </dev/null >/dev/null 2>&1")...)
	global, end := alive(t, dir)
	defer end()
	group := groupOf(t, global)
	file := filepath.Join(t.TempDir(), "resources")
	if err := os.WriteFile(file, []byte(`{"unified": {"cgroup.max.descendants": "6"}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	has := func(about, depth, descendants string) {
		t.Helper()
		fileIs(t, about, group, "cgroup.max.depth", depth)
		fileIs(t, about, group, "cgroup.max.descendants", descendants)
	}
	for _, row := range []struct {
		about, args, in    string
		depth, descendants string
		wrong              string
	}{
		{"as containerd calls it", "update --resources - ctr", `{"unified": {"cgroup.max.depth": "5"}}`, "5", "max", ""},
		{"as podman calls it", "update --resources=" + file + " ctr", "", "5", "6", ""},
		{"nothing", "update ctr", "", "5", "6", ""},
		{"zeros that ask for nothing", "update -r - ctr", `{"memory": {"limit": 0}, "cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": ""}, "blockIO": {"weight": 0}}`, "5", "6", ""},
		{"the kernel refuses one", "update -r - ctr", `{"unified": {"cgroup.max.depth": "7", "cgroup.max.descendants": "x"}}`, "5", "6",
			`linux.resources.unified["cgroup.max.descendants"]: cgroup *: cgroup.max.descendants = "x": invalid argument`},
		{"what cgroup v2 does not have", "update --kernel-memory 5m ctr", "", "5", "6", "linux.resources.memory.kernel: cgroup v2 has no limit of its own for this: it is part of memory.limit"},
		{"no real-time", "update --cpu-rt-runtime 5 ctr", "", "5", "6", "linux.resources.cpu.realtimeRuntime: cgroup v2 has no limit of real-time processes"},
		{"swap without memory", "update --memory-swap 5m ctr", "", "5", "6", "linux.resources.memory.swap: it is memory and swap together, and memory.limit is not set: set both"},
		{"a share out of range", "update --blkio-weight 9 ctr", "", "5", "6", "linux.resources.blockIO.weight: 9: want 10 to 1000"},
		{"half a document", "update -r - ctr", `{"memory": {"limit": 5`, "5", "6", "update: --resources -: *"},
		{"no document", "update -r /none ctr", "", "5", "6", "update: --resources /none: no such file or directory"},
		{"a file and a flag", "update -r - --memory 5m ctr", "{}", "5", "6", "update: --memory and --resources: only one of them is possible"},
		{"an unknown flag", "update --none 5 ctr", "", "5", "6", "update: flag provided but not defined: -none"},
		{"no id", "update --memory 5m", "", "5", "6", "update: the id of the container is missing"},
		{"no container", "update --memory 5m other", "", "5", "6", "other: container does not exist"},
	} {
		c := command(t, append(global, strings.Fields(row.args)...)...)
		c.Stdin = strings.NewReader(row.in)
		r := do(t, c)
		if row.wrong == "" && r != (result{}) || row.wrong != "" && (r.status != 1 || !like(strings.TrimSuffix(r.stderr, "\n"), "selfcontain: "+row.wrong)) {
			t.Errorf("%s: %+v", row.about, r)
		}
		has(row.about, row.depth, row.descendants)
	}
	if r := do(t, command(t, append(global, "kill", "--all", "ctr", "KILL")...)); r != (result{}) {
		t.Errorf("%+v", r)
	}
	stopped(t, global)
	if r := do(t, command(t, append(global, "update", "--pids-limit", "5", "ctr")...)); (r != result{status: 1, stderr: "selfcontain: ctr: container not running\n"}) {
		t.Errorf("stopped: %+v", r)
	}
}

// like reports whether a text is a pattern, in which a star is anything.
func like(text, pattern string) bool {
	begin, end, star := strings.Cut(pattern, "*")
	if !star {
		return text == pattern
	}
	return strings.HasPrefix(text, begin) && strings.HasSuffix(text, end)
}

// stopped waits for the end of a container.
func stopped(t *testing.T, global []string) {
	t.Helper()
	for {
		r := do(t, command(t, append(global, "state", "ctr")...))
		if r.status != 0 {
			t.Fatalf("%+v", r)
		}
		if strings.Contains(r.stdout, `"status": "stopped"`) {
			return
		}
	}
}

// guest skips where controllers would have to be enabled in groups of others.
func guest(t *testing.T) {
	t.Helper()
	nstest.Root(t)
	if os.Getenv("NSTEST_GUEST") == "" {
		t.Skip("skipped: to enable controllers in the groups of others is for a guest of the test bed")
	}
}

// TestUpdateOfAnOlderVersion is what no processes means in the container's own configuration.
func TestUpdateOfAnOlderVersion(t *testing.T) {
	guest(t)
	for version, want := range map[string]string{"1.2.0": "max", "1.3.0": "0"} {
		dir := bundle(t, append(shell("exec sleep 1000 </dev/null >/dev/null 2>&1"), `"ociVersion": "1.3.0"`, `"ociVersion": "`+version+`"`)...)
		global, end := alive(t, dir)
		group := groupOf(t, global)
		for args, in := range map[string]string{"--pids-limit 0": "", "-r -": `{"pids": {"limit": 0}}`} {
			for _, args := range []string{"--pids-limit 50", args} {
				c := command(t, append(append(global, "update"), append(strings.Fields(args), "ctr")...)...)
				c.Stdin = strings.NewReader(in)
				if r := do(t, c); r != (result{}) {
					t.Errorf("%s: %s: %+v", version, args, r)
				}
			}
			fileIs(t, version+": "+args, group, "pids.max", want)
		}
		end()
	}
}

// TestUpdateIsReadBack gives every limit that is a flag, one at a time, and looks that the
// others stay.
func TestUpdateIsReadBack(t *testing.T) {
	guest(t)
	dir := bundle(t, shell("exec sleep 1000 </dev/null >/dev/null 2>&1")...)
	global, end := alive(t, dir)
	defer end()
	group := groupOf(t, global)
	now := map[string]string{}
	for _, row := range []struct {
		args, in string
		changes  []string
		wrong    string
	}{
		{"--memory 64m --memory-swap 96m", "", []string{"memory.max", "67108864", "memory.swap.max", "33554432"}, ""},
		{"--memory-reservation 32m", "", []string{"memory.low", "33554432"}, ""},
		{"--memory 80m", "", []string{"memory.max", "83886080", "memory.swap.max", "16777216"}, ""},
		{"--cpu-share 2048", "", []string{"cpu.weight", "174"}, ""},
		{"--cpu-period 50000", "", []string{"cpu.max", "max 50000"}, ""},
		{"--cpu-quota 20000", "", []string{"cpu.max", "20000 50000"}, ""},
		{"--cpu-period 100000", "", []string{"cpu.max", "20000 100000"}, ""},
		{"--cpu-burst 5000", "", []string{"cpu.max.burst", "5000"}, ""},
		{"--cpuset-cpus 0 --cpuset-mems 0", "", []string{"cpuset.cpus", "0", "cpuset.mems", "0"}, ""},
		{"--pids-limit 100", "", []string{"pids.max", "100"}, ""},
		{"--pids-limit 7 --memory 200m", "", nil, "linux.resources.memory.swap: *"},
		{"--pids-limit 7 --cpuset-cpus 999", "", nil, "linux.resources.cpu.cpus: *"},
		{"--blkio-weight 20", "", []string{"io.weight", "default 102"}, ""},
		{"--cpu-idle 1", "", []string{"cpu.idle", "1", "cpu.weight", ""}, ""},
		{"-r -", `{"pids": {"limit": -1}, "hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}`, []string{"pids.max", "max", "hugetlb.2MB.max", "4194304"}, ""},
		{"--memory -1", "", []string{"memory.max", "max", "memory.swap.max", "max"}, ""},
	} {
		c := command(t, append(append(global, "update"), append(strings.Fields(row.args), "ctr")...)...)
		c.Stdin = strings.NewReader(row.in)
		r := do(t, c)
		if row.wrong == "" && r != (result{}) || row.wrong != "" && !like(strings.TrimSuffix(r.stderr, "\n"), "selfcontain: "+row.wrong) {
			t.Errorf("%s: %+v", row.args, r)
		}
		for i := 0; i < len(row.changes); i += 2 {
			if now[row.changes[i]] = row.changes[i+1]; row.changes[i+1] == "" { // what an idle group's is the kernel's releases see differently
				delete(now, row.changes[i])
			}
		}
		for name, want := range now {
			if _, err := os.Stat(filepath.Join(group, "io.bfq.weight")); err == nil && name == "io.weight" {
				name, want = "io.bfq.weight", "default 20" // where BFQ is loaded
			}
			fileIs(t, row.args, group, name, want)
		}
	}
	if len(now) != 11 {
		t.Errorf("%d files: %v", len(now), now)
	}
}
