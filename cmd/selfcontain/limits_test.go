package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// limitedBundle is a bundle with limits that runs a script.
func limitedBundle(t *testing.T, resources, script string, changes ...string) string {
	t.Helper()
	return bundle(t, append(append(changes, `"linux": {`, `"linux": { "resources": { `+resources+` },`), shell(script)...)...)
}

// mayMakeNodes is the change that gives the container CAP_MKNOD.
var mayMakeNodes = []string{`"CAP_KILL"`, `"CAP_KILL", "CAP_MKNOD"`, `"destination": "/dev/shm"`, `"destination": "/tmp"`,
	`"nodev", "mode=1777", "size=65536k"`, `"mode=1777"`}

// TestLimitsAreFelt has programs of containers take more than the configuration gives them. The
// controllers are to be had where all of them are version 2's: in a guest of the test bed.
func TestLimitsAreFelt(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	if os.Getenv("NSTEST_GUEST") == "" {
		t.Skip("skipped: to enable controllers in the groups of others is for a guest of the test bed")
	}
	number, err := os.ReadFile("/sys/block/nullb0/dev") // a disk that forgets
	if err != nil {
		t.Fatal(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(number), "%d:%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	device := fmt.Sprintf(`"major": %d, "minor": %d`, major, minor)
	node := fmt.Sprintf("mknod /tmp/disk b %d %d; ", major, minor)
	const uptime = `t() { sed 's/[. ].*//' /proc/uptime; }; a=$(t); `
	for _, row := range []struct {
		about, resources, script string
		good                     func(said string) bool
	}{
		{"too much memory is the end", `"memory": { "limit": 16777216, "swap": 16777216 }`,
			`dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null; echo $?; grep -c 'oom_kill [1-9]' /sys/fs/cgroup/memory.events`,
			func(said string) bool { return said == "137\n1\n" }},
		{"a fork bomb stops", `"pids": { "limit": 20 }`,
			`(i=0; while [ $i -lt 40 ]; do sleep 100 & i=$((i+1)); done) 2>&1; cat /sys/fs/cgroup/pids.current`,
			func(said string) bool {
				lines := strings.Split(strings.TrimSpace(said), "\n")
				n, err := strconv.Atoi(lines[len(lines)-1])
				return err == nil && n >= 19 && n <= 20 && strings.Contains(said, "can't fork: Resource temporarily unavailable")
			}},
		{"a spinner has half of the time", `"cpu": { "quota": 10000, "period": 20000 }`,
			`while :; do :; done & while ! grep -q 'nr_throttled [1-9][0-9]' /sys/fs/cgroup/cpu.stat; do sleep 0.1; done; sed -n 's/^\\(usage_usec\\|nr_periods\\) //p' /sys/fs/cgroup/cpu.stat; kill $!`,
			func(said string) bool {
				var usage, periods int
				n, err := fmt.Sscan(said, &usage, &periods)
				// Half of each period, and a slice of 5 ms more, at which the kernel hands it out.
				return err == nil && n == 2 && usage > 0 && usage <= (periods+2)*15000
			}},
		{"no disk opens", `"devices": [{ "allow": false, "access": "rwm" }, { "allow": true, "type": "b", "access": "m" }]`,
			node + `dd if=/tmp/disk of=/dev/null count=1 2>&1; true`,
			func(said string) bool { return said == "dd: can't open '/tmp/disk': Operation not permitted\n" }},
		{"a writer is slow", `"devices": [{ "allow": true, "type": "b", ` + device + `, "access": "rw" }], "blockIO": { "throttleWriteBpsDevice": [{ ` + device + `, "rate": 1048576 }] }`,
			node + uptime + `dd if=/dev/zero of=/tmp/disk bs=64k count=48 oflag=direct 2>/dev/null && echo $(($(t) - a))`,
			func(said string) bool {
				seconds, err := strconv.Atoi(strings.TrimSpace(said)) // 3 MiB, and the clock counts whole seconds
				return err == nil && seconds >= 2
			}},
	} {
		t.Run(row.about, func(t *testing.T) {
			r := do(t, command(t, "run", "-b", limitedBundle(t, row.resources, row.script, mayMakeNodes...), "felt"))
			if r.status != 0 || r.stderr != "" || !row.good(r.stdout) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestDiskIsClosed: nobody has asked for a filter, and a container that makes the node of a disk
// cannot open it.
func TestDiskIsClosed(t *testing.T) {
	nstest.Root(t)
	dir := bundle(t, append(shell(`mknod /tmp/disk b 7 0 && dd if=/tmp/disk of=/dev/null count=1`), mayMakeNodes...)...)
	if r, want := do(t, command(t, "run", "-b", dir, "closed")), "dd: can't open '/tmp/disk': Operation not permitted\n"; r.stderr != want || r.status != 1 {
		t.Errorf("%+v, want %s", r, want)
	}
}

// TestLimitsThatCannotBeSet: an error says which line asks and what to do, and nothing is left.
func TestLimitsThatCannotBeSet(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	missing := ""
	host, err := container.Probe()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(host.Cgroup2 + "/cgroup.controllers"); err != nil {
		t.Fatal(err)
	} else if !strings.Contains(" "+strings.TrimSpace(string(text))+" ", " memory ") {
		missing = "linux.resources.memory.limit: cgroup /: no controller memory: the kernel has none, or a hierarchy of version 1 has taken it (/proc/cgroups; cgroup_no_v1=all on the kernel's command line)\n"
	}
	for _, row := range []struct {
		about     string
		global    []string
		resources string
		want      string
	}{
		{"a controller that is not there", nil, `"memory": { "limit": 16777216 }`, missing},
		{"no cgroup", []string{"--cgroup-manager", "disabled"}, `"pids": { "limit": 16 }`, "linux.resources: limits take a cgroup, and --cgroup-manager is disabled\n"},
		{"a limit of version 1", nil, `"memory": { "swappiness": 5 }`, "config.json: linux.resources.memory.swappiness: cgroup v2 has no swappiness of a group: set memory.swap, or vm.swappiness of the host\n"},
	} {
		if row.want == "" {
			continue // here it can be set
		}
		args := append(append([]string{"--root", t.TempDir()}, row.global...), "run", "-b", limitedBundle(t, row.resources, "true"), "refused")
		if r := do(t, command(t, args...)); r.status != 1 || r.stdout != "" || r.stderr != "selfcontain: "+row.want {
			t.Errorf("%s:\n got %+v\nwant %s", row.about, r, row.want)
		}
	}
}

// TestLimitsOfUsers: who may make no cgroup cannot limit, and is told; rules for devices that
// nobody enforces are a warning.
func TestLimitsOfUsers(t *testing.T) {
	nstest.UserNS(t)
	if !nstest.Subprocess(t, nstest.As(nstest.User{Name: "nobody", ID: 65534})) {
		return
	}
	rootless := []string{`"linux": {`, `"linux": { "uidMappings": [{ "containerID": 0, "hostID": 65534, "size": 1 }], "gidMappings": [{ "containerID": 0, "hostID": 65534, "size": 1 }],`,
		`{ "type": "network" },`, `{ "type": "network" }, { "type": "user" },`}
	change := func(resources string) []string {
		c := append([]string(nil), rootless...)
		c[1] += ` "resources": { ` + resources + ` },`
		return append(c, shell("echo lives")...)
	}
	r := do(t, command(t, "run", "-b", bundle(t, change(`"devices": [{ "allow": false, "access": "rwm" }], "pids": { "limit": -1 }, "cpu": { "shares": 0 }`)...), "a"))
	if r.status != 0 || r.stdout != "lives\n" || !strings.Contains(r.stderr, "selfcontain: warning: linux.resources.devices: not enforced: to load a filter takes CAP_SYS_ADMIN on the host") {
		t.Errorf("rules alone: %+v", r)
	}
	r = do(t, command(t, "run", "-b", bundle(t, change(`"pids": { "limit": 9 }`)...), "b"))
	if r.status != 1 || r.stdout != "" || !strings.Contains(r.stderr, "linux.cgroupsPath: ") || !strings.Contains(r.stderr, "it has to be delegated to this user") {
		t.Errorf("a limit: %+v", r)
	}
}

// TestDiskIsClosedInBox: root's box has CAP_MKNOD, and can make the node of any device.
func TestDiskIsClosedInBox(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	r := do(t, command(t, "--root", t.TempDir(), "box", "--", "sh", "-c", "mknod /disk b 7 0 && mknod /none c 1 3 && echo x >/none && echo made; cat /disk"))
	if r.stdout != "made\n" || !strings.Contains(r.stderr, "Operation not permitted") || r.status != 1 {
		t.Errorf("%+v", r)
	}
	// What is traced has no cgroup, and starts at once.
	if r := do(t, command(t, "trace", "box", "--", "true")); r.status != 0 || strings.Contains(r.stderr, "mkdirat(cgroup2") {
		t.Errorf("%+v", r)
	}
}
