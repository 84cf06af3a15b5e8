package oci_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/oci"
)

func ptr[T any](v T) *T { return &v }

// every is a document with every property that cgroup v2 can express, and what it asks for.
const every = `{
	"devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"}, {"allow": false, "type": "b", "major": 8}, {"allow": true, "type": "a", "major": -1, "minor": -1, "access": "rwm"}],
	"memory": {"limit": 1000, "reservation": 500, "swap": 1500, "kernel": -1, "kernelTCP": 0, "swappiness": 18446744073709551615, "disableOOMKiller": false, "useHierarchy": true, "checkBeforeUpdate": true},
	"cpu": {"shares": 1024, "quota": 5000, "burst": 0, "period": 10000, "realtimeRuntime": 0, "realtimePeriod": 0, "cpus": "0-1", "mems": "0", "idle": 0},
	"pids": {"limit": 0},
	"blockIO": {"weight": 100, "leafWeight": 0, "weightDevice": [{"major": 8, "minor": 0, "weight": 200, "leafWeight": null}],
		"throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1}], "throttleWriteBpsDevice": [{"major": 8, "minor": 0, "rate": 2}],
		"throttleReadIOPSDevice": [{"major": 8, "minor": 0, "rate": 3}], "throttleWriteIOPSDevice": [{"major": 8, "minor": 0, "rate": 0}]},
	"hugepageLimits": [{"pageSize": "2MB", "limit": 0}],
	"network": {"classID": 0, "priorities": []},
	"rdma": {"mlx5_1": {"hcaHandles": 3}, "rxe3": {"hcaObjects": 0}},
	"unified": {"memory.high": "900"},
	"future": {"x": 1}
}`

func everyResource() cgroupv2.Resources {
	return cgroupv2.Resources{
		Devices: []cgroupv2.DeviceRule{
			{Major: -1, Minor: -1, Access: "rwm"},
			{Allow: true, Type: "c", Major: 10, Minor: 229, Access: "rw"},
			{Type: "b", Major: 8, Minor: -1},
			{Allow: true, Type: "a", Major: -1, Minor: -1, Access: "rwm"},
		},
		Memory: cgroupv2.Memory{Limit: 1000, Reservation: 500, Swap: 1500, Kernel: -1, Swappiness: ptr(uint64(1<<64 - 1)), UseHierarchy: true, CheckBeforeUpdate: true},
		CPU:    cgroupv2.CPU{Shares: 1024, Quota: 5000, Burst: ptr(uint64(0)), Period: 10000, Cpus: "0-1", Mems: "0", Idle: ptr(int64(0))},
		Pids:   ptr(int64(0)),
		BlockIO: cgroupv2.BlockIO{
			Weight: 100, WeightDevices: []cgroupv2.WeightDevice{{Major: 8, Weight: 200}},
			ReadBps: []cgroupv2.Throttle{{Major: 8, Rate: 1}}, WriteBps: []cgroupv2.Throttle{{Major: 8, Rate: 2}},
			ReadIOPS: []cgroupv2.Throttle{{Major: 8, Rate: 3}}, WriteIOPS: []cgroupv2.Throttle{{Major: 8}},
		},
		Hugepages: []cgroupv2.Hugepages{{PageSize: "2MB"}},
		RDMA:      map[string]cgroupv2.RDMA{"mlx5_1": {HCAHandles: ptr(uint32(3))}, "rxe3": {HCAObjects: ptr(uint32(0))}},
		Unified:   map[string]string{"memory.high": "900"},
	}
}

func TestResources(t *testing.T) {
	document := func(version, members string) string {
		return `{"linux": {"namespaces": [{"type": "mount"}], ` + members + `}, "process": {"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0}}, ` +
			`"root": {"path": "rootfs"}, "ociVersion": "` + version + `"}` // the version comes last
	}
	zeros := `"memory": {"limit": 0, "swap": 0, "kernel": 0, "swappiness": null, "disableOOMKiller": false}, "cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": "", "realtimePeriod": 0}, ` +
		`"blockIO": {"weight": 0, "leafWeight": 0, "weightDevice": [], "throttleReadBpsDevice": null}, "hugepageLimits": [], "network": {}, "rdma": {}, "unified": {}, "devices": []`
	pids := func(n int64) *container.Cgroup { return &container.Cgroup{Resources: cgroupv2.Resources{Pids: &n}} }
	for _, row := range []struct {
		name, version, members string
		want                   *container.Cgroup
	}{
		{"all of it", "1.3.0", `"resources": ` + every, &container.Cgroup{Resources: everyResource()}},
		{"with a path behind it", "1.3.0", `"resources": ` + every + `, "cgroupsPath": "/x"`, &container.Cgroup{Path: "/x", Resources: everyResource()}},
		{"a path alone", "1.3.0", `"cgroupsPath": "a"`, &container.Cgroup{Path: "a"}},
		{"zeros that engines write for unset ask for no group", "1.0.2", `"resources": {` + zeros + `}`, nil},
		{"nor do they with a path", "1.0.2", `"cgroupsPath": "", "resources": {` + zeros + `}`, nil},
		{"no limit of processes asks for no group", "1.3.0", `"resources": {"pids": {"limit": -1}}`, nil},
		{"0 processes are none from 1.3 on", "1.3.0", `"resources": {"pids": {"limit": 0}}`, pids(0)},
		{"and in a release candidate", "1.3.0-rc.1", `"resources": {"pids": {"limit": 0}}`, pids(0)},
		{"and were no limit before", "1.2.1", `"resources": {"pids": {"limit": 0}}`, nil},
		{"which is written where there is a group", "1.2.1", `"cgroupsPath": "a", "resources": {"pids": {"limit": 0}}`, &container.Cgroup{Path: "a", Resources: pids(-1).Resources}},
		{"a limit of 1 never meant anything else", "1.0.0", `"resources": {"pids": {"limit": 1}}`, pids(1)},
		{"pids without a limit are left alone", "1.3.0", `"resources": {"pids": {}}`, nil},
	} {
		spec, warnings, err := oci.Decode([]byte(document(row.version, row.members)), "/bundle")
		if err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v, %v", row.name, err, warnings)
		} else if spec.Version != row.version {
			t.Errorf("%s: its version is %q, want %q", row.name, spec.Version, row.version)
		} else if !reflect.DeepEqual(spec.Cgroup, row.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", row.name, spec.Cgroup, row.want)
		}
	}
	r, err := oci.DecodeResources([]byte(every), "1.3.0")
	if err != nil || !reflect.DeepEqual(r, everyResource()) {
		t.Errorf("by itself:\n got %+v, %v\nwant %+v", r, err, everyResource())
	}
	if r, err = oci.DecodeResources([]byte(`{"memory": {"swap": 5, "swappiness": 3}, "pids": {"limit": 0}}`), "1.2.0"); err != nil ||
		!reflect.DeepEqual(r, cgroupv2.Resources{Memory: cgroupv2.Memory{Swap: 5, Swappiness: ptr(uint64(3))}, Pids: ptr(int64(-1))}) {
		t.Errorf("what is judged when the rest is known: %+v, %v", r, err)
	}
}

// Every mistake has the place where it stands.
func TestResourcesErrors(t *testing.T) {
	for _, row := range []struct {
		members, want string
		unsupported   bool
	}{
		{`"memory": {"limit": -2}`, "memory.limit: -2 is below -1", false},
		{`"memory": {"limit": 9223372036854775808}`, "memory.limit: 9223372036854775808 is above 9223372036854775807", false},
		{`"memory": {"limit": "1G"}`, "memory.limit: a number is wanted here, not a string", false},
		{`"memory": {"limit": 1e3}`, "memory.limit: 1e3 is not a whole number", false},
		{`"memory": {"swap": 5}`, "memory.swap: it is memory and swap together, and memory.limit is not set: set both", false},
		{`"memory": {"limit": 6, "swap": 5}`, "memory.swap: 5 is below memory.limit 6, and is memory and swap together", false},
		{`"memory": {"kernel": 5}`, "memory.kernel: cgroup v2 has no limit of its own for this: it is part of memory.limit", true},
		{`"memory": {"kernelTCP": 5}`, "memory.kernelTCP: cgroup v2 has no limit of its own for this: it is part of memory.limit", true},
		{`"memory": {"swappiness": 0}`, "memory.swappiness: cgroup v2 has no swappiness of a group: set memory.swap, or vm.swappiness of the host", true},
		{`"memory": {"disableOOMKiller": true}`, "memory.disableOOMKiller: cgroup v2 cannot do without it: take memory.limit away, or set the processes' oomScoreAdj", true},
		{`"memory": {"limit": 1}, "memory": {"limit": 2}`, "memory: stands twice", false},
		{`"cpu": {"realtimeRuntime": 5}`, "cpu.realtimeRuntime: cgroup v2 has no limit of real-time processes", true},
		{`"cpu": {"realtimePeriod": 5}`, "cpu.realtimePeriod: cgroup v2 has no limit of real-time processes", true},
		{`"cpu": {"shares": -1}`, "cpu.shares: -1 is below 0", false},
		{`"cpu": {"idle": 2}`, "cpu.idle: 2 is above 1", false},
		{`"cpu": {"cpus": "0;1"}`, `cpu.cpus: "0;1" is no list of numbers such as 0-3,8`, false},
		{`"cpu": {"period": 1}`, "cpu.period: 1: want 1000 to 1000000", false},
		{`"cpu": []`, "cpu: an object is wanted here, not an array", false},
		{`"pids": {"limit": -3}`, "pids.limit: -3 is below -1", false},
		{`"blockIO": {"weight": 65536}`, "blockIO.weight: 65536 is above 65535", false},
		{`"blockIO": {"weight": 5}`, "blockIO.weight: 5: want 10 to 1000", false},
		{`"blockIO": {"leafWeight": 5}`, "blockIO.leafWeight: cgroup v2 has no weight of a group's own processes: they are in a group without children", true},
		{`"blockIO": {"weightDevice": [{"weight": 5}]}`, "blockIO.weightDevice[0]: major is missing", false},
		{`"blockIO": {"throttleWriteBpsDevice": [{"major": 8, "rate": 5}]}`, "blockIO.throttleWriteBpsDevice[0]: minor is missing", false},
		{`"blockIO": {"throttleWriteBpsDevice": [{"major": 8, "minor": 1}]}`, "blockIO.throttleWriteBpsDevice[0]: rate is missing", false},
		{`"blockIO": {"throttleReadIOPSDevice": [{"major": 4096, "minor": 1, "rate": 5}]}`, "blockIO.throttleReadIOPSDevice[0].major: 4096 is above 4095", false},
		{`"hugepageLimits": [{"pageSize": "2MB"}]`, "hugepageLimits[0]: limit is missing", false},
		{`"hugepageLimits": [{"limit": 1}]`, "hugepageLimits[0]: pageSize is missing", false},
		{`"hugepageLimits": [{"pageSize": "2M", "limit": 1}]`, `hugepageLimits[0].pageSize: "2M" is no size such as 64KB, 2MB, 1GB`, false},
		{`"network": {"classID": 5}`, "network.classID: cgroup v2 has no network classes: match the group itself with nftables", true},
		{`"network": {"priorities": [{"name": "lo", "priority": 5}]}`, "network.priorities: cgroup v2 has no network priorities: match the group itself with nftables", true},
		{`"network": {"priorities": [{"priority": 5}]}`, "network.priorities[0]: name is missing", false},
		{`"rdma": {"mlx": {"hcaHandles": 4294967296}}`, "rdma.mlx.hcaHandles: 4294967296 is above 4294967295", false},
		{`"unified": {"memory.max": 5}`, `unified["memory.max"]: a string is wanted here, not a number`, false},
		{`"unified": {"cgroup.kill": "1"}`, `unified["cgroup.kill"]: this file is not a limit`, false},
		{`"unified": {"../x.y": "1"}`, `unified["../x.y"]: this is no name of a file of a group, such as memory.high`, false},
		{`"devices": [{"type": "c"}]`, "devices[0]: allow is missing", false},
		{`"devices": [{"allow": true, "type": "u"}]`, `devices[0].type: "u" is not a type of device: a, b or c`, false},
		{`"devices": [{"allow": true, "access": "rx"}]`, `devices[0].access: "rx" is not made of the letters r, w and m`, false},
		{`"devices": [{"allow": true, "type": "b", "major": 254, "minor": 0}]`, `devices[0]: access is missing: "rwm" allows to read, to write and to make`, false},
		{`"devices": [{"allow": false}, {"allow": true, "access": ""}]`, `devices[1]: access is missing: "rwm" allows to read, to write and to make`, false},
		{`"devices": [{"allow": true, "major": -2}]`, "devices[0].major: -2 is below -1", false},
		{`"devices": [{"allow": true, "minor": 1048576}]`, "devices[0].minor: 1048576 is above 1048575", false},
	} {
		_, _, err := oci.Decode([]byte(document("linux", `"resources": {`+row.members+`}`)), "/bundle")
		if want := "config.json: linux.resources." + row.want; err == nil || err.Error() != want || errors.Is(err, errors.ErrUnsupported) != row.unsupported {
			t.Errorf("%s:\n got %v\nwant %s", row.members, err, want)
		}
	}
	if _, err := oci.DecodeResources([]byte(`{"cpu": {"shares": -1}}`), oci.Version); err == nil || err.Error() != "resources: cpu.shares: -1 is below 0" {
		t.Error(err)
	}
	if _, err := oci.DecodeResources([]byte(`{} {}`), oci.Version); err == nil || !strings.HasPrefix(err.Error(), "resources: ") {
		t.Error(err)
	}
}

// value is what a pointer points to, and the zero value for nil.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func judgeResources(same func(string, any, any), got *container.Cgroup, l *specs.Linux, before13 bool) {
	var g cgroupv2.Resources
	path := ""
	if got != nil {
		g, path = got.Resources, got.Path
	}
	same("linux.cgroupsPath", path, l.CgroupsPath)
	r := l.Resources
	if r == nil {
		r = &specs.LinuxResources{}
	}
	if got == nil && l.Resources != nil { // then they ask for nothing
		most := max(value(value(r.Memory).Limit), value(value(r.Pids).Limit), value(value(r.CPU).Quota), int64(len(r.Unified)))
		same("linux.resources without a group", most <= 0, true)
		r = &specs.LinuxResources{Devices: r.Devices, Unified: r.Unified}
	}
	var rules []cgroupv2.DeviceRule
	for _, d := range r.Devices {
		rule := cgroupv2.DeviceRule{Allow: d.Allow, Type: d.Type, Major: -1, Minor: -1, Access: d.Access}
		if d.Major != nil {
			rule.Major = *d.Major
		}
		if d.Minor != nil {
			rule.Minor = *d.Minor
		}
		rules = append(rules, rule)
	}
	same("linux.resources.devices", g.Devices, rules)
	if m := r.Memory; m != nil && got != nil {
		//lint:ignore SA1019 deprecated, and engines still write it
		kernel := m.Kernel
		same("linux.resources.memory", fmt.Sprint(g.Memory.Limit, g.Memory.Reservation, g.Memory.Swap, g.Memory.Kernel, g.Memory.KernelTCP, g.Memory.DisableOOMKiller, g.Memory.UseHierarchy, g.Memory.CheckBeforeUpdate),
			fmt.Sprint(value(m.Limit), value(m.Reservation), value(m.Swap), value(kernel), value(m.KernelTCP), value(m.DisableOOMKiller), value(m.UseHierarchy), value(m.CheckBeforeUpdate)))
		same("linux.resources.memory.swappiness", g.Memory.Swappiness, m.Swappiness)
	}
	if c := r.CPU; c != nil && got != nil {
		same("linux.resources.cpu", g.CPU, cgroupv2.CPU{
			Shares: value(c.Shares), Quota: value(c.Quota), Burst: c.Burst, Period: value(c.Period),
			RealtimeRuntime: value(c.RealtimeRuntime), RealtimePeriod: value(c.RealtimePeriod), Cpus: c.Cpus, Mems: c.Mems, Idle: c.Idle,
		})
	}
	if p := r.Pids; p != nil {
		want := p.Limit
		if want != nil && *want == 0 && before13 {
			want = ptr(int64(-1))
		}
		same("linux.resources.pids", g.Pids, want)
	}
	if b := r.BlockIO; b != nil && got != nil {
		same("linux.resources.blockIO.weight", []uint16{g.BlockIO.Weight, g.BlockIO.LeafWeight}, []uint16{value(b.Weight), value(b.LeafWeight)})
		var weights []cgroupv2.WeightDevice
		for _, d := range b.WeightDevice {
			weights = append(weights, cgroupv2.WeightDevice{Major: d.Major, Minor: d.Minor, Weight: value(d.Weight), LeafWeight: value(d.LeafWeight)})
		}
		same("linux.resources.blockIO.weightDevice", g.BlockIO.WeightDevices, weights)
		for _, list := range []struct {
			got  []cgroupv2.Throttle
			want []specs.LinuxThrottleDevice
		}{
			{g.BlockIO.ReadBps, b.ThrottleReadBpsDevice}, {g.BlockIO.WriteBps, b.ThrottleWriteBpsDevice},
			{g.BlockIO.ReadIOPS, b.ThrottleReadIOPSDevice}, {g.BlockIO.WriteIOPS, b.ThrottleWriteIOPSDevice},
		} {
			var want []cgroupv2.Throttle
			for _, d := range list.want {
				want = append(want, cgroupv2.Throttle{Major: d.Major, Minor: d.Minor, Rate: d.Rate})
			}
			same("linux.resources.blockIO.throttle", list.got, want)
		}
	}
	if got == nil {
		return
	}
	var pages []cgroupv2.Hugepages
	for _, h := range r.HugepageLimits {
		pages = append(pages, cgroupv2.Hugepages{PageSize: h.Pagesize, Limit: h.Limit})
	}
	same("linux.resources.hugepageLimits", g.Hugepages, pages)
	devices := map[string]cgroupv2.RDMA{}
	for name, d := range r.Rdma {
		devices[name] = cgroupv2.RDMA{HCAHandles: d.HcaHandles, HCAObjects: d.HcaObjects}
	}
	same("linux.resources.rdma", g.RDMA, devices)
	same("linux.resources.unified", g.Unified, r.Unified)
}
