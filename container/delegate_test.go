package container_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// TestDelegation is who may make groups in a container, and to whom they belong on the host:
// to the container's root where it has namespaces of its own and its cgroups to write to.
func TestDelegation(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root := rootFSFor(t)
	remount := func(options ...string) func(*container.Spec) {
		return func(s *container.Spec) {
			list := append([]mounts.Mount(nil), s.Mounts...)
			for i := range list {
				if list[i].Type == "cgroup" {
					list[i].Options = options
				}
			}
			s.Mounts = list
		}
	}
	writable := remount("nosuid", "noexec", "nodev")
	for _, row := range []struct {
		about   string
		changes []func(*container.Spec)
		owner   uint32
		makes   bool
	}{
		{"with a user namespace and a writable mount", []func(*container.Spec){inUser(t), writable}, 100000, true},
		{"the mount is read-only", []func(*container.Spec){inUser(t), remount("ro")}, 0, false},
		{"without a user namespace it has it anyway", []func(*container.Spec){writable}, 0, true},
		{"the cgroup namespace is the host's", []func(*container.Spec){inUser(t), writable, func(s *container.Spec) { s.Namespaces.Remove(clone.NEWCGROUP) }}, 0, false},
	} {
		t.Run(row.about, func(t *testing.T) {
			spec := with(root, grouped(t), sh(`cd /sys/fs/cgroup; mkdir sub 2>/dev/null && echo 0 >sub/cgroup.procs && echo made; echo 5 2>/dev/null >pids.max; echo; read x`))
			for _, change := range row.changes {
				change(&spec)
			}
			in, ask := pipes(t)
			answers, out := pipes(t)
			spec.Process.Stdin, spec.Process.Stdout = in, out
			c := create(t, spec, container.CreateOptions{})
			in.Close()
			out.Close()
			if err := c.Exec(); err != nil {
				t.Fatal(err)
			}
			said := make([]byte, 100)
			n, err := answers.Read(said)
			if got := strings.TrimSpace(string(said[:n])); err != nil || (got == "made") != row.makes {
				t.Errorf("it says %q (%v), want a group: %v", got, err, row.makes)
			}
			group := filepath.Join(hierarchy(t), spec.Cgroup.Path)
			for file, want := range map[string]uint32{
				".": row.owner, "cgroup.procs": row.owner, "cgroup.subtree_control": row.owner, "cgroup.threads": row.owner,
				"cgroup.max.depth": 0, "cgroup.freeze": 0, "..": 0,
			} {
				var st unix.Stat_t
				if err := unix.Stat(group+"/"+file, &st); err != nil || st.Uid != want || st.Gid != want {
					t.Errorf("%s belongs to %d:%d (%v), want %d", file, st.Uid, st.Gid, err, want)
				}
			}
			ask.Close()
			if _, err := c.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDelegationIsCompiled is what cannot be seen as root here.
func TestDelegationIsCompiled(t *testing.T) {
	spec := func(ids clone.IDMaps) container.Spec {
		return with("/srv/root", func(s *container.Spec) {
			s.Cgroup = &container.Cgroup{Path: "/a"}
			s.Namespaces.Add(clone.NEWUSER, "")
			s.UIDMappings, s.GIDMappings = ids, ids
			s.Mounts = append(s.Mounts[:len(s.Mounts)-1:len(s.Mounts)-1], mounts.Mount{Destination: "/sys/fs/cgroup/", Type: "cgroup2", Source: "cgroup"})
		})
	}
	for _, row := range []struct {
		about, host string
		ids         clone.IDMaps
		want        string
	}{
		{"root gives it away", "6.12-root", clone.IDMaps{{HostID: 7000, Size: 10}}, "fchownat(cgroup2, \"/a\", 7000, 7000); so the files of /sys/kernel/cgroup/delegate in it"},
		{"a user who is the container's root has it", "6.12-single", clone.IDMaps{{HostID: 1000, Size: 1}}, ""},
		{"a user whose container's root is somebody else cannot", "6.12-subuid", clone.IDMaps{{HostID: 100000, Size: 10}}, "linux.cgroupsPath: the cgroup stays the caller's, who may give nothing away: the container can make no groups in its own"},
	} {
		host := hostOf(t, row.host)
		host.Cgroup2, host.Cgroup = "/sys/fs/cgroup", "/"
		plan, err := container.CompileGated(spec(row.ids), host)
		if err != nil {
			t.Errorf("%s: %v", row.about, err)
			continue
		}
		got := ""
		for _, s := range plan.Before {
			if s.Action == container.DelegateCgroup {
				got = fmt.Sprint(s)
			}
		}
		for _, w := range plan.Warnings {
			if strings.HasPrefix(w, "linux.cgroupsPath") {
				got += w
			}
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.about, got, row.want)
		}
	}
}
