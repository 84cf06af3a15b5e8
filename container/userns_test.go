package container_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

var (
	// nobody has one id, and nothing to map more with.
	nobody = nstest.User{Name: "nobody", ID: 65534}
	// subuser has subordinate ids.
	subuser = nstest.User{Name: "subuser", ID: 4100, SubID: 300000, SubIDs: 65536}
)

// inUser gives a container a user namespace: for root 65536 ids from 100000 on, and for
// an ordinary user those that it has.
func inUser(t testing.TB) func(*container.Spec) {
	t.Helper()
	host, err := container.Probe()
	if err != nil {
		t.Fatal(err)
	}
	return func(s *container.Spec) {
		s.Namespaces.Add(clone.NEWUSER, "")
		if s.UIDMappings, s.GIDMappings = container.IDMappings(host); os.Geteuid() == 0 {
			s.UIDMappings = clone.IDMaps{{ContainerID: 0, HostID: 100000, Size: 65536}}
			s.GIDMappings = s.UIDMappings
		}
	}
}

// rootFSFor is a root file system that belongs to the container's root.
func rootFSFor(t testing.TB) string {
	t.Helper()
	root := nstest.RootFS(t)
	if os.Geteuid() != 0 {
		return root
	}
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, 100000, 100000)
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// asEach runs a test as root, as a user with one id, and as one with more.
func asEach(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Run("root", test) // not in the subprocesses of the others
	for _, u := range []nstest.User{nobody, subuser} {
		t.Run(u.Name, func(t *testing.T) {
			if nstest.Subprocess(t, nstest.As(u)) {
				test(t)
			}
		})
	}
}

func TestUserNamespace(t *testing.T) {
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		root := rootFSFor(t)
		spec := with(root, inUser(t), sh("id -u; id -g; cat /proc/self/uid_map; grep -e ^Groups -e ^Cap /proc/self/status; ls -ln /dev/null /bin/busybox; readlink /proc/self/ns/user; cat /proc/mounts"))
		out, _ := run(t, spec)
		t.Log(out)
		_ = strings.Fields
		_ = caps.KILL
		_ = mounts.Mount{}
		_ = unix.EPERM
	})
}
