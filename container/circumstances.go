package container

import (
	"bytes"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
)

// circumstances are facts about the machine and this process by which one error of the
// kernel can be told from another that has the same number.
type circumstances struct {
	seccomp           bool              // this process runs under a seccomp filter
	nested            bool              // and in a user namespace that is not the first
	apparmorRestricts bool              // kernel.apparmor_restrict_unprivileged_userns
	userClone         string            // kernel.unprivileged_userns_clone, which Debian has
	limits            map[string]string // files of /proc/sys/user
	pidsFull          string            // the cgroup of ours that may have no more processes
	nrOpen            uint64            // fs.nr_open
	coveredProc       []string          // what is mounted over parts of /proc
}

// inquire asks the machine. What cannot be read is not known, and that is all.
func inquire() circumstances {
	c := circumstances{
		seccomp:           bytes.Contains(contents("/proc/self/status"), []byte("\nSeccomp:\t2\n")),
		nested:            !allIDs(string(contents("/proc/self/uid_map"))),
		apparmorRestricts: setting("kernel/apparmor_restrict_unprivileged_userns") == "1",
		userClone:         setting("kernel/unprivileged_userns_clone"),
		limits:            map[string]string{},
		pidsFull:          fullCgroup(string(contents("/proc/self/cgroup"))),
	}
	for _, l := range namespaceLimits {
		c.limits[l.file] = setting("user/" + l.file)
	}
	// Unset where it cannot be read: 0 is no limit that anybody would have.
	c.nrOpen, _ = strconv.ParseUint(setting("fs/nr_open"), 10, 64)
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter("/proc"))
	if err != nil {
		return c
	}
	for _, m := range mounts {
		if m.Mountpoint != "/proc" {
			c.coveredProc = append(c.coveredProc, m.Mountpoint)
		}
	}
	return c
}

// fullCgroup is the cgroup among ours and those above it that has reached its pids.max.
func fullCgroup(own string) string {
	for line := range strings.Lines(own) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for _, top := range controllerRoots(parts[1]) {
			for group := parts[2]; ; group = filepath.Dir(group) {
				dir := filepath.Join(top, group)
				most, err := strconv.Atoi(string(bytes.TrimSpace(contents(dir + "/pids.max"))))
				now, err2 := strconv.Atoi(string(bytes.TrimSpace(contents(dir + "/pids.current"))))
				if err == nil && err2 == nil && now >= most {
					return dir
				}
				if group == "/" || group == "." {
					break
				}
			}
		}
	}
	return ""
}

// allIDs reports whether a map of ids is that of the first user namespace, or as good.
func allIDs(uidMap string) bool {
	fields := strings.Fields(uidMap)
	return len(fields) == 0 || len(fields) == 3 && fields[0] == "0" && fields[1] == "0" && fields[2] == "4294967295"
}

// controllerRoots are the usual mount points of a hierarchy with these controllers.
func controllerRoots(controllers string) []string {
	switch controllers {
	case "":
		return []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}
	case "pids":
		return []string{"/sys/fs/cgroup/pids"}
	}
	return nil
}

func setting(name string) string {
	return string(bytes.TrimSpace(contents("/proc/sys/" + name)))
}

// contents is a file of the kernel's, and nothing where it cannot be read.
func contents(name string) []byte {
	b, err := readProc(name)
	if err != nil {
		return nil
	}
	return b
}
