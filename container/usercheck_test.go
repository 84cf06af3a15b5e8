package container_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
)

// ids maps a run of ids from 0 on.
func ids(host, size uint32) clone.IDMaps {
	return clone.IDMaps{{ContainerID: 0, HostID: host, Size: size}}
}

// mapped gives a container a user namespace with these maps.
func mapped(uids, gids clone.IDMaps) func(*container.Spec) {
	return func(s *container.Spec) {
		s.Namespaces.Add(clone.NEWUSER, "")
		s.UIDMappings, s.GIDMappings = uids, gids
	}
}

// TestUserNamespaceRefusals is what cannot be had, on which host, and what Compile says.
func TestUserNamespaceRefusals(t *testing.T) {
	one := mapped(ids(1000, 1), ids(1000, 1))
	many := mapped(ids(100000, 65536), ids(100000, 65536))
	and := func(changes ...func(*container.Spec)) func(*container.Spec) {
		return func(s *container.Spec) {
			for _, change := range changes {
				change(s)
			}
		}
	}
	user := func(u container.User) func(*container.Spec) { return func(s *container.Spec) { s.Process.User = u } }
	offsets := func(clock string, o container.TimeOffset) func(*container.Spec) {
		return func(s *container.Spec) { s.TimeOffsets = map[string]container.TimeOffset{clock: o} }
	}
	namespace := func(typ clone.NamespaceType, path string) func(*container.Spec) {
		return func(s *container.Spec) { s.Namespaces.Add(typ, path) }
	}
	idMapped := func(m container.MountIDs) func(*container.Spec) {
		return func(s *container.Spec) {
			s.Mounts = append(s.Mounts, mountOf("/mnt", "/srv/data"))
			s.MountIDs = map[int]container.MountIDs{len(s.Mounts) - 1: m}
		}
	}
	const noGroups = "process.user.additionalGids: the kernel allows no setgroups(2) where an ordinary user has mapped its own group by itself: map more groups, by newgidmap(1)"
	rows := []struct {
		name, host string
		change     func(*container.Spec)
		want       string
	}{
		{"no maps", "6.18-root", namespace(clone.NEWUSER, ""), "linux.uidMappings: a new user namespace needs at least one id: {containerID: 0, hostID: 0, size: 1}\nlinux.gidMappings: a new user namespace needs at least one id: {containerID: 0, hostID: 0, size: 1}"},
		{"a map of users alone", "6.12-subuid", mapped(ids(1000, 1), nil), "linux.gidMappings: a new user namespace needs at least one id: {containerID: 0, hostID: 1000, size: 1}"},
		{"maps without a namespace", "6.18-root", func(s *container.Spec) { s.UIDMappings = ids(1, 1) }, "linux.uidMappings: there is no user namespace whose ids these could be"},
		{"maps that overlap", "6.18-root", mapped(append(ids(1000, 2), ids(2000, 2)...), ids(0, 1)), "linux.uidMappings: id map: lines 0 and 1: container ids overlap"},
		{"ids of others", "6.12-single", many, "linux.uidMappings: user 1000 may map its own id 1000 alone; for more install newuidmap (package uidmap), and give the user a line in /etc/subuid\n" +
			"linux.gidMappings: user 1000 may map its own id 1000 alone; for more install newgidmap (package uidmap), and give the user a line in /etc/subgid"},
		{"the id of another", "6.12-single", mapped(ids(1001, 1), ids(1000, 1)), "linux.uidMappings: user 1000 may map its own id 1000 alone; for more install newuidmap (package uidmap), and give the user a line in /etc/subuid"},
		{"a machine without", "6.12-forbidden", one, "linux.namespaces: this machine forbids user namespaces to ordinary users: user.max_user_namespaces=0"},
		{"a user that is not mapped", "6.12-single", and(one, user(container.User{UID: 5})), "process.user.uid: linux.uidMappings has no id 5"},
		{"a group that is not mapped", "6.12-single", and(one, user(container.User{GID: 6})), "process.user.gid: linux.gidMappings has no id 6"},
		{"groups where there are none", "6.12-single", and(one, user(container.User{AdditionalGIDs: []uint32{0}})), noGroups},
		{"a group behind the last", "6.18-root", and(many, user(container.User{AdditionalGIDs: []uint32{65536}})), "process.user.gid: linux.gidMappings has no id 65536"},

		{"offsets without a time namespace", "6.18-root", offsets("boottime", container.TimeOffset{Secs: 1}), "linux.timeOffsets: there is no new time namespace whose clocks these could be"},
		{"offsets of one that is joined", "6.18-root", and(offsets("boottime", container.TimeOffset{Secs: 1}), namespace(clone.NEWTIME, "/proc/1/ns/time")), "linux.timeOffsets: the time namespace is joined: its clocks were set when it was made"},
		{"another clock", "6.18-root", and(offsets("realtime", container.TimeOffset{}), namespace(clone.NEWTIME, "")), `linux.timeOffsets: "realtime" is no clock of a time namespace: want monotonic or boottime`},
		{"too many nanoseconds", "6.18-root", and(offsets("boottime", container.TimeOffset{Nanosecs: 1e9}), namespace(clone.NEWTIME, "")), "linux.timeOffsets.boottime: 1000000000 nanoseconds are a second or more"},

		{"an id-mapped mount of an ordinary user", "6.12-single", and(one, idMapped(container.MountIDs{UIDs: ids(1, 1), GIDs: ids(1, 1)})), "mounts[7]: a mount with ids of its own needs CAP_SYS_ADMIN in the user namespace of its file system, which user 1000 does not have"},
		{"an id-mapped tmpfs", "6.18-root", func(s *container.Spec) {
			s.MountIDs = map[int]container.MountIDs{1: {UIDs: ids(1, 1), GIDs: ids(1, 1)}}
		}, "mounts[1]: only a bind mount can have ids of its own"},
		{"a map of a mount that is none", "6.18-root", idMapped(container.MountIDs{UIDs: ids(1, 0), GIDs: ids(1, 1)}), "mounts[7]: id map: line 0 maps no id"},
		{"a parameter of somebody else's user namespace", "6.18-root", func(s *container.Spec) { s.Sysctl = map[string]string{"user.max_net_namespaces": "0"} },
			"linux.sysctl[user.max_net_namespaces]: without a user namespace the container would change the host's"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			plan, err := container.Compile(with("/srv/root", row.change), hostOf(t, row.host))
			if err == nil {
				t.Fatalf("it is taken, with warnings %q", plan.Warnings)
			}
			if err.Error() != row.want {
				t.Errorf("got  %v\nwant %s", err, row.want)
			}
		})
	}
}

// TestFallbacks is what takes the place of a file system that a user namespace cannot
// make, and the warning about it.
func TestFallbacks(t *testing.T) {
	without := func(typ clone.NamespaceType) func(*container.Spec) {
		return func(s *container.Spec) {
			s.Namespaces.Remove(typ)
		}
	}
	rows := []struct {
		name    string
		change  func(*container.Spec)
		warning string
		call    string // that is in the plan
	}{
		{"no pid namespace, no procfs", without(clone.NEWPID), "mounts[0]: the host's /proc is bound: a user namespace can make a proc only with a new pid namespace",
			`open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)`},
		{"no network namespace, no sysfs", without(clone.NEWNET), "mounts[5]: the host's /sys is bound: a user namespace can make a sysfs only with a new net namespace",
			`open_tree(AT_FDCWD, "/sys", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)`},
		{"no ipc namespace, no mqueue", without(clone.NEWIPC), "mounts[4]: the host's /dev/mqueue is bound: a user namespace can make a mqueue only with a new ipc namespace",
			`open_tree(AT_FDCWD, "/dev/mqueue", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)`},
		{"no cgroup namespace, no cgroup2", without(clone.NEWCGROUP), "mounts[6]: the host's /sys/fs/cgroup/unified is bound: a user namespace can make a cgroup only with a new cgroup namespace",
			`open_tree(AT_FDCWD, "/sys/fs/cgroup/unified", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)`},
		{"one that is joined is not its own", func(s *container.Spec) { s.Namespaces.Add(clone.NEWNET, "/run/netns/a") },
			"mounts[5]: the host's /sys is bound: a user namespace can make a sysfs only with a new net namespace", ""},
		{"a group that is not mapped", func(s *container.Spec) { s.UIDMappings, s.GIDMappings = ids(1000, 1), ids(1000, 1) },
			"mounts[2]: the option gid=5 is left out: the user namespace has no such id", ""},
		{"all namespaces, nothing to replace", func(*container.Spec) {}, "", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			spec := with("/srv/root", mapped(ids(100000, 65536), ids(100000, 65536)), row.change)
			before := slices.Clone(spec.Mounts)
			plan, err := container.Compile(spec, hostOf(t, "6.18-root"))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(plan.Warnings, "\n"); got != row.warning {
				t.Errorf("got the warnings %q, want %q", got, row.warning)
			}
			found := row.call == ""
			for _, s := range plan.Before {
				found = found || s.String() == row.call
			}
			if !found {
				t.Errorf("%s is not in the plan:\n%v", row.call, plan.Before)
			}
			for i, m := range spec.Mounts {
				if !sameMount(m, before[i]) {
					t.Errorf("Compile has changed mount %d of its caller's: %v, was %v", i, m, before[i])
				}
			}
		})
	}
}

func sameMount(a, b mounts.Mount) bool {
	return a.Type == b.Type && a.Source == b.Source && a.Origin == b.Origin && a.From == b.From && slices.Equal(a.Options, b.Options)
}

func TestIDMappings(t *testing.T) {
	sub := clone.IDMaps{{ContainerID: 0, HostID: 1000, Size: 1}, {ContainerID: 1, HostID: 100000, Size: 65536}}
	rows := []struct {
		name, host string
		change     func(*container.Host)
		want       clone.IDMaps
	}{
		{"a user with ids to give away has them", "6.12-subuid", nil, sub},
		{"but not without the programs that do it", "6.12-subuid", func(h *container.Host) { h.NewGIDMap = "" }, ids(1000, 1)},
		{"nor with users alone", "6.12-subuid", func(h *container.Host) { h.SubGIDs = nil }, ids(1000, 1)},
		{"a user without has itself", "6.12-single", nil, ids(1000, 1)},
		{"one that never heard of it, too", "6.18-user", func(h *container.Host) { h.GID = 1000 }, ids(1000, 1)},
		{"several ranges lie one behind the other", "6.12-subuid", func(h *container.Host) {
			h.SubUIDs = append(h.SubUIDs, container.IDRange{First: 500000, Count: 10})
		}, append(sub[:2:2], clone.IDMap{ContainerID: 65537, HostID: 500000, Size: 10})},
		{"a range that is there already is left out", "6.12-subuid", func(h *container.Host) {
			h.SubUIDs = append(h.SubUIDs, container.IDRange{First: 165000, Count: 10}, container.IDRange{First: 1000, Count: 1})
		}, sub},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			host := hostOf(t, row.host)
			if row.change != nil {
				row.change(&host)
			}
			uid, gid := container.IDMappings(host)
			if !slices.Equal(uid, row.want) {
				t.Errorf("users: %v, want %v", uid, row.want)
			}
			if err := gid.Validate(); err != nil || len(gid) == 0 {
				t.Errorf("groups: %v: %v", gid, err)
			}
		})
	}
}

// TestDuringInJSON: a program that reads a plan finds the host's side at the sync points.
func TestDuringInJSON(t *testing.T) {
	plan, err := container.Compile(with("/srv/root", mapped(ids(1000, 1), ids(1000, 1))), hostOf(t, "6.12-single"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		During [][]struct{ Call, Why, Origin string }
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	var calls []string
	for _, point := range read.During {
		for _, s := range point {
			calls = append(calls, s.Origin+": "+s.Call)
		}
	}
	want := []string{
		`linux.uidMappings: openat(AT_FDCWD, "/proc/PID/uid_map", O_WRONLY|O_CLOEXEC); write "0 1000 1\n"`,
		`linux.gidMappings: openat(AT_FDCWD, "/proc/PID/setgroups", O_WRONLY|O_CLOEXEC); write "deny"`,
		`linux.gidMappings: openat(AT_FDCWD, "/proc/PID/gid_map", O_WRONLY|O_CLOEXEC); write "0 1000 1\n"`,
	}
	if len(read.During) != 1 || !slices.Equal(calls, want) {
		t.Errorf("got %q, want %q", calls, want)
	}
}
