package cgroupv2

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// delegateList has the names of the files that a user may own to whom a group is
// given. Linux 4.15
const delegateList = "/sys/kernel/cgroup/delegate"

// Delegate gives the group to a user, such as the root of a container's user
// namespace: he may make groups below and move his processes among them. The limits
// of the group itself stay the host's. cgroups(7), "Cgroups delegation"
func (g *Group) Delegate(uid, gid int) error {
	text, err := os.ReadFile(delegateList)
	if errors.Is(err, unix.ENOENT) { // before Linux 4.15, or /sys is not mounted
		text, err = []byte("cgroup.procs cgroup.subtree_control cgroup.threads"), nil
	}
	if err != nil {
		return fmt.Errorf("cgroup %s: %w", g.path, err)
	}
	for _, name := range delegated(string(text)) {
		fd, err := openBelow(g.fd, name, unix.O_PATH)
		if errors.Is(err, unix.ENOENT) {
			continue // of a controller that is not enabled
		}
		if err != nil {
			return g.failed(name, err)
		}
		err = unix.Fchownat(fd, "", uid, gid, unix.AT_EMPTY_PATH)
		if err := errors.Join(err, unix.Close(fd)); err != nil {
			return g.failed(fmt.Sprintf("chown %d:%d %s", uid, gid, name), err)
		}
	}
	return nil
}

// delegated are the files to be given away, and last the directory, so that a group
// which looks given is.
func delegated(text string) []string {
	names := slices.DeleteFunc(strings.Fields(text), func(n string) bool { return !fileName(n) })
	return append(names, ".")
}
