package clone

import (
	"os"

	"golang.org/x/sys/unix"
)

// NamespaceType is a kind of namespace by the name of its flag without CLONE_.
// See namespaces(7).
type NamespaceType string

// The kinds of namespaces, oldest first.
const (
	NEWNS     NamespaceType = "NEWNS"     // mounts. mount_namespaces(7)
	NEWUTS    NamespaceType = "NEWUTS"    // host name and domain name. uts_namespaces(7)
	NEWIPC    NamespaceType = "NEWIPC"    // System V IPC, POSIX message queues. ipc_namespaces(7)
	NEWPID    NamespaceType = "NEWPID"    // process ids. pid_namespaces(7)
	NEWNET    NamespaceType = "NEWNET"    // interfaces, routes, sockets. network_namespaces(7)
	NEWUSER   NamespaceType = "NEWUSER"   // user ids, group ids, capabilities. user_namespaces(7)
	NEWCGROUP NamespaceType = "NEWCGROUP" // the root of the visible cgroup tree. cgroup_namespaces(7)
	NEWTIME   NamespaceType = "NEWTIME"   // offsets of the monotonic and boot clocks. time_namespaces(7)
)

// kind is a row of the table of namespaces.
type kind struct {
	typ    NamespaceType
	flag   uintptr
	name   string // in /proc/PID/ns
	kernel string // first release in which it is complete
}

// kinds is in the order of their age. The mount namespace was the first, and
// nobody expected a second one: hence "NS" without a word for what it isolates.
var kinds = [...]kind{
	{NEWNS, unix.CLONE_NEWNS, "mnt", "2.4.19"},
	{NEWUTS, unix.CLONE_NEWUTS, "uts", "2.6.19"},
	{NEWIPC, unix.CLONE_NEWIPC, "ipc", "2.6.19"},
	{NEWPID, unix.CLONE_NEWPID, "pid", "2.6.24"},
	{NEWNET, unix.CLONE_NEWNET, "net", "2.6.29"},
	{NEWUSER, unix.CLONE_NEWUSER, "user", "3.8"},
	{NEWCGROUP, unix.CLONE_NEWCGROUP, "cgroup", "4.6"},
	{NEWTIME, unix.CLONE_NEWTIME, "time", "5.6"},
}

func (t NamespaceType) row() (kind, bool) {
	for _, k := range kinds {
		if k.typ == t {
			return k, true
		}
	}
	return kind{}, false
}

// Flag is the CLONE_ flag of clone3(2), unshare(2) and setns(2), and 0 for a type
// that is not one of the constants.
func (t NamespaceType) Flag() uintptr {
	k, _ := t.row()
	return k.flag
}

// Since is the first kernel release that has it, such as "4.6", and "" for a type
// that is not one of the constants.
func (t NamespaceType) Since() string {
	k, _ := t.row()
	return k.kernel
}

// NamespaceTypes lists all types, oldest first.
func NamespaceTypes() []NamespaceType {
	list := make([]NamespaceType, len(kinds))
	for i, k := range kinds {
		list[i] = k.typ
	}
	return list
}

// NsName is the type's name in /proc/PID/ns, and "" for a type that is not one of
// the constants.
func NsName(t NamespaceType) string {
	k, _ := t.row()
	return k.name
}

// IsNamespaceSupported reports whether the running kernel has namespaces of this
// type, by looking for one of the caller's in /proc/self/ns: a kernel that is new
// enough may have been built without it. Where /proc is not mounted it has none.
func IsNamespaceSupported(t NamespaceType) bool {
	name := NsName(t)
	if name == "" {
		return false
	}
	// Not opened: a link that exists is enough, and an ordinary user may look.
	_, err := os.Lstat("/proc/self/ns/" + name)
	return err == nil
}
