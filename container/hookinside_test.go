package container_test

import (
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// TestHooksChangeTheContainer is what a user sees inside of what hooks have done.
func TestHooksChangeTheContainer(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	nsenter, err := nstest.Tool("nsenter")
	if err != nil {
		t.Fatal(err)
	}
	root := nstest.RootFS(t)
	place := "mount -t tmpfs none " + root + "/home && echo made >" + root + "/home/file; ls " + root + "/home/file"
	entering := `pid=$(sed 's/.*"pid":\([0-9]*\).*/\1/'); ` + nsenter + ` -t $pid `
	rows := []struct {
		name  string
		hooks container.Hooks
		want  string
	}{
		{"a mount of a createContainer hook", container.Hooks{CreateContainer: []container.Hook{shHook(place)}}, "made"},
		{"a mount of a createRuntime hook that enters the mount namespace", container.Hooks{CreateRuntime: []container.Hook{shHook(entering + "-m sh -c '" + place + "'")}}, "made"},
		{"what a createContainer hook finds: the host's root and devices, the container's mounts", container.Hooks{CreateContainer: []container.Hook{
			shHook("test -d " + os.TempDir() + " && test -c /dev/null && echo x >/dev/null && test -c /dev/zero && test -d " + root + "/proc/self && test -c " + root + "/dev/tty && ! test -e " + root + "/sys/kernel/uevent_seqnum && mount -t tmpfs none " + root + "/home && echo fine >" + root + "/home/file"),
		}}, "fine"},
		{"a name given by a prestart hook that enters the uts namespace", container.Hooks{Prestart: []container.Hook{shHook(entering + "-u hostname by-a-hook")}}, "by-a-hook"},
		{"a file of a startContainer hook, with the rights of the program", container.Hooks{StartContainer: []container.Hook{
			inHook(`(tr '\0' ' ' </proc/$$/environ; echo; grep -e ^Groups -e ^Uid -e ^Cap -e ^NoNew /proc/self/status | tr '\t' ' '; ulimit -n; umask; ls /proc/$$/fd; pwd) >/tmp/file 2>&1`),
		}}, "PATH=/bin HOOK=1 \nUid: 7 7 7 7\nGroups: 9 \nCapInh: 0000000000000000\nCapPrm: 0000000000000000\nCapEff: 0000000000000000\nCapBnd: 0000000020000420\nCapAmb: 0000000000000000\nNoNewPrivs: 1\n1024\n0027\n0\n1\n2\n/"},
		{"a file of a function", container.Hooks{StartContainer: []container.Hook{container.HookFunc(func(s *container.State) error {
			return os.WriteFile("/proc/"+strconv.Itoa(s.Pid)+"/root/tmp/file", []byte(string(s.Status)), 0o644)
		})}}, "created"},
	}
	for _, row := range rows {
		for _, pivots := range []bool{true, false} {
			t.Run(row.name+", pivot_root: "+strconv.FormatBool(pivots), func(t *testing.T) {
				mask := uint32(0o27)
				spec := with(root, sh("cat /home/file /tmp/file 2>&1 | grep -v '^cat:' || hostname"), func(s *container.Spec) {
					s.Bundle, s.Hooks, s.Root.NoPivot = "/", row.hooks, !pivots
					s.MaskedPaths = append(s.MaskedPaths, "/sys/kernel", "/etc/group")
					s.Mounts = append(s.Mounts, mounts.Mount{Destination: "/tmp", Type: "tmpfs", Options: []string{"mode=1777"}})
					s.Process.User = container.User{UID: 7, GID: 8, AdditionalGIDs: []uint32{9}, Umask: &mask}
				})
				if out, status := run(t, spec); lines(out) != lines(row.want) || status != 0 {
					t.Errorf("printed\n%s(%#x), want\n%s", out, int(status), row.want)
				}
			})
		}
	}
}

// TestHookFindsNothingOfTheHost has a startContainer hook, with a right that looks into any
// process of the container's, list what the process that waits for it holds: its standard
// streams, report and control socket. The init's image is there as well, with an init.
func TestHookFindsNothingOfTheHost(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root := nstest.RootFS(t)
	for _, init := range []bool{false, true} {
		t.Run("init: "+strconv.FormatBool(init), func(t *testing.T) {
			all := caps.UpTo(probe(t).LastCapability)
			spec := with(root, sh("cat /tmp/file"), func(s *container.Spec) {
				s.Bundle, s.Init = "/", init
				s.Process.Capabilities = &caps.Config{Bounding: all, Effective: all, Permitted: all}
				s.Mounts = append(s.Mounts, mounts.Mount{Destination: "/tmp", Type: "tmpfs"}, mountOf("/home", t.TempDir()))
				s.Namespaces.Add(clone.NEWUTS, inNamespaces(t, syscall.CLONE_NEWUTS)+"uts")
				s.Hooks.StartContainer = []container.Hook{inHook("for n in /proc/1/fd/*; do readlink $n; done | sed 's/:.*//' >/tmp/file")}
			})
			want := "/dev/null\npipe\npipe\n/memfd\nsocket"
			if init {
				want = "/dev/null\npipe\npipe\n/memfd\n/memfd\nsocket"
			}
			if out, status := run(t, spec); lines(out) != want || status != 0 {
				t.Errorf("printed\n%s(%#x), want\n%s", out, int(status), want)
			}
		})
	}
}
