package container_test

import (
	"bufio"
	"fmt"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// TestResourcesAreCompiled is what becomes of limits and rules, by what the caller may do:
// the steps of the host's side, a warning, or an error.
func TestResourcesAreCompiled(t *testing.T) {
	none := cgroupv2.Resources{}
	denied := cgroupv2.Resources{Devices: []cgroupv2.DeviceRule{{Major: -1, Minor: -1}}}
	pids, unlimited := int64(5), int64(-1)
	fuse := []mounts.Device{{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229}, {Path: "/dev/pipe", Type: "p"}, {Path: "/dev/old", Type: "u", Major: 9}}
	for _, row := range []struct {
		about, host string
		r           cgroupv2.Resources
		optional    bool
		devices     []mounts.Device
		want        string // the steps that set something, or "warning:" or "error:" and the text
	}{
		{"nobody asks for anything, and the default devices are a rule", "6.1-filters", none, false, nil, "filter: default devices"},
		{"also where there may be no cgroup", "6.1-filters", none, true, nil, "filter: default devices"},
		{"devices that are made can be used", "6.1-filters", none, false, fuse, "filter: allow c 10:229 rwm, allow c 9:0 rwm, default devices"},
		{"rules come behind them", "6.1-filters", denied, true, fuse, "filter: allow c 10:229 rwm, allow c 9:0 rwm, deny a *:* rwm, default devices"},
		{"a limit", "6.1-filters", cgroupv2.Resources{Pids: &pids}, false, nil, "write: pids.max = 5; +pids filter: default devices"},
		{"no limit takes no controller", "6.18-user", cgroupv2.Resources{Pids: &unlimited}, true, nil, "write: pids.max = max"},
		{"who may load no filter has none", "6.18-user", none, false, nil, ""},
		{"and hears of rules", "6.18-user", denied, true, nil, "warning: linux.resources.devices: not enforced: to load a filter takes CAP_SYS_ADMIN on the host; what the container may not open by its ids stays closed"},
		{"who could be expected to does not go on", "6.18-root", denied, false, nil, "error: linux.resources.devices: this kernel loads no filter of devices, or something around this process keeps it from that (bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE): without rules the container has none"},
		{"but without rules", "6.18-root", none, false, nil, ""},
		{"a limit that may be left out", "6.1-filters", cgroupv2.Resources{Pids: &pids}, true, nil, "error: linux.resources: limits cannot be set without a cgroup, and that is optional"},
		{"what version 2 does not have", "6.1-filters", cgroupv2.Resources{Memory: cgroupv2.Memory{Kernel: 5}}, false, nil, "error: linux.resources.memory.kernel: cgroup v2 has no limit of its own for this: it is part of memory.limit"},
		{"a rule that is none", "6.1-filters", cgroupv2.Resources{Devices: []cgroupv2.DeviceRule{{Type: "x"}}}, false, nil, `error: linux.resources.devices[0]: type "x": want a, b or c`},
	} {
		spec := with("/srv/root", func(s *container.Spec) {
			s.Cgroup = &container.Cgroup{Path: "/a", Resources: row.r, Optional: row.optional}
			s.Devices = row.devices
		})
		plan, err := container.CompileGated(spec, hostOf(t, row.host))
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else {
			var parts []string
			for _, s := range plan.Before {
				text := s.String()
				switch s.Action {
				case container.LimitCgroup:
					text = strings.NewReplacer(`(cgroup2, "/a",`, ":", ")", "", "cgroup.subtree_control above: ", "").Replace(text)
				case container.FilterDevices:
					_, text, _ = strings.Cut(text, "to cgroup /a: ")
					text = "filter: " + text
				default:
					continue
				}
				parts = append(parts, text)
			}
			for _, w := range plan.Warnings {
				if strings.HasPrefix(w, "linux.resources") {
					parts = append(parts, "warning: "+w)
				}
			}
			got = strings.Join(parts, " ")
		}
		if got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.about, got, row.want)
		}
	}
}

// TestDevicesOfContainer opens devices in a container that may make any node: none but the
// usual ones opens, unless it was asked for, and a new rule holds at once.
func TestDevicesOfContainer(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	allow := func(minor int64) cgroupv2.DeviceRule {
		return cgroupv2.DeviceRule{Allow: true, Type: "c", Major: 1, Minor: minor, Access: "r"}
	}
	deny := cgroupv2.DeviceRule{Major: cgroupv2.Any, Minor: cgroupv2.Any}
	const (
		fine, closed = "", "Operation not permitted"
		there        = "No such device or address" // which is said of a device that could be opened, and would be there
	)
	spec := with(nstest.RootFS(t), grouped(t), sh(`mknod /tmp/disk b 4095 0 || exit
		mknod /tmp/tape c 1 200; mknod /tmp/zero c 1 5
		echo made; while read f; do (: <$f) 2>&1; echo .; done`), func(s *container.Spec) {
		s.Process.Capabilities.Bounding |= caps.Of(caps.MKNOD)
		s.Process.Capabilities.Permitted |= caps.Of(caps.MKNOD)
		s.Process.Capabilities.Effective |= caps.Of(caps.MKNOD)
		s.Mounts = append(s.Mounts, mounts.Mount{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs"})
	})
	type verdicts struct{ disk, tape, zero, null string }
	for _, row := range []struct {
		about   string
		devices []mounts.Device
		rules   []cgroupv2.DeviceRule
		want    verdicts
	}{
		{"nothing is said", nil, nil, verdicts{closed, closed, fine, fine}},
		{"a device is made", []mounts.Device{{Path: "/dev/tape", Type: "c", Major: 1, Minor: 200}}, nil, verdicts{closed, there, fine, fine}},
		{"and denied", []mounts.Device{{Path: "/dev/tape", Type: "c", Major: 1, Minor: 200}}, []cgroupv2.DeviceRule{deny}, verdicts{closed, closed, fine, fine}},
		{"it is denied, and allowed", nil, []cgroupv2.DeviceRule{deny, allow(200)}, verdicts{closed, there, fine, fine}},
		{"everything is allowed", nil, []cgroupv2.DeviceRule{{Allow: true, Major: cgroupv2.Any, Minor: cgroupv2.Any}}, verdicts{there, there, fine, fine}},
	} {
		t.Run(row.about, func(t *testing.T) {
			spec := spec
			spec.Devices = row.devices
			spec.Cgroup = &container.Cgroup{Path: spec.Cgroup.Path, Resources: cgroupv2.Resources{Devices: row.rules}}
			in, ask := pipes(t)
			answers, out := pipes(t)
			spec.Process.Stdin, spec.Process.Stdout, spec.Process.Stderr = in, out, out
			c := create(t, spec, container.CreateOptions{})
			in.Close()
			out.Close()
			if err := c.Exec(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(answers)
			if lines.Scan(); lines.Text() != "made" {
				t.Fatal(lines.Text())
			}
			open := func(file string) string {
				fmt.Fprintln(ask, file)
				verdict := ""
				for lines.Scan() && lines.Text() != "." {
					verdict = lines.Text()[strings.LastIndex(lines.Text(), ": ")+2:]
				}
				return verdict
			}
			all := func() verdicts {
				return verdicts{open("/tmp/disk"), open("/tmp/tape"), open("/tmp/zero"), open("/dev/null")}
			}
			if got := all(); got != row.want {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
			if err := c.Set(cgroupv2.Resources{Devices: []cgroupv2.DeviceRule{deny, allow(200)}}); err != nil {
				t.Error(err)
			}
			if got, want := all(), (verdicts{closed, there, fine, fine}); got != want {
				t.Errorf("behind a change: got %+v, want %+v", got, want)
			}
			ask.Close()
		})
	}
}
