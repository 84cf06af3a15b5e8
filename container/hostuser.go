package container

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
)

// UserFacts are the facts of a [Host] that decide about user namespaces. For a caller
// that may map any id (CAP_SETUID and CAP_SETGID) most of them do not matter, and are
// not asked for. user_namespaces(7)
type UserFacts struct {
	// GID is the effective group of the process that makes the container.
	GID int `json:"gid,omitempty"`
	// Inside says that the caller is itself in a user namespace, not the first one.
	// Then it cannot make devices, whatever capabilities it has.
	Inside bool `json:"inUserNamespace,omitempty"`
	// ForeignMounts says that the caller's mount namespace belongs to a user namespace
	// around its own. Then it cannot copy mounts there, but its containers can, in
	// their own.
	ForeignMounts bool `json:"foreignMounts,omitempty"`
	// SetgroupsDenied says that setgroups(2) is forbidden in the caller's user
	// namespace, and for ever in all that are made below.
	SetgroupsDenied bool `json:"setgroupsDenied,omitempty"`
	// SubUIDs and SubGIDs are the caller's lines of /etc/subuid and /etc/subgid.
	SubUIDs []IDRange `json:"subUIDs,omitempty"`
	SubGIDs []IDRange `json:"subGIDs,omitempty"`
	// NewUIDMap and NewGIDMap are the programs that may give those ids away, and
	// empty where they are not installed. newuidmap(1), newgidmap(1)
	NewUIDMap string `json:"newUIDMap,omitempty"`
	NewGIDMap string `json:"newGIDMap,omitempty"`
	// Forbidden is the setting of the host by which an ordinary user may make no
	// user namespace, such as "user.max_user_namespaces=0".
	Forbidden string `json:"userNamespacesForbidden,omitempty"`
	// AppArmor says that kernel.apparmor_restrict_unprivileged_userns is on: a user
	// namespace can be made, but gives no capabilities unless the program has a
	// profile that says so.
	AppArmor bool `json:"appArmorRestricts,omitempty"`
}

// initUserNamespace is PROC_USER_INIT_INO of linux/proc_ns.h, the inode number of the
// first user namespace on every machine.
const initUserNamespace = 0xEFFFFFFD

// mapsIDs reports whether the caller may write any id map by itself.
func (h *Host) mapsIDs() bool {
	return h.Capabilities.Effective.Has(caps.SETUID) && h.Capabilities.Effective.Has(caps.SETGID)
}

// copiesMounts reports whether the caller may copy mounts, and hand them down.
func (h *Host) copiesMounts() bool {
	return h.Capabilities.Effective.Has(caps.SYS_ADMIN) && !h.ForeignMounts
}

// probeUser asks what decides about user namespaces.
func (h *Host) probeUser() error {
	h.GID = os.Getegid()
	var st unix.Stat_t
	if err := unix.Stat("/proc/self/ns/user", &st); err == nil && st.Ino != initUserNamespace {
		h.Inside = true
		text, err := readSmall("/proc/self/setgroups")
		if err != nil {
			return err
		}
		h.SetgroupsDenied = strings.TrimSpace(text) == "deny"
		h.ForeignMounts = foreign("/proc/self/ns/mnt", st)
	}
	if h.mapsIDs() {
		return nil
	}
	if err := h.probeSubordinate(); err != nil {
		return err
	}
	for _, name := range [...]string{"user.max_user_namespaces", "kernel.unprivileged_userns_clone"} {
		zero, err := sysctlIs(name, "0")
		if err != nil {
			return err
		}
		if zero {
			h.Forbidden = name + "=0"
		}
	}
	var err error
	h.AppArmor, err = sysctlIs("kernel.apparmor_restrict_unprivileged_userns", "1")
	return err
}

// foreign reports whether a namespace belongs to another user namespace than this one.
// For one around the caller's own, the kernel does not even say which (EPERM).
// NS_GET_USERNS(2const), Linux 4.9
func foreign(path string, user unix.Stat_t) bool {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	owner, err := unix.IoctlRetInt(fd, unix.NS_GET_USERNS)
	if err != nil {
		return errors.Is(err, unix.EPERM)
	}
	defer unix.Close(owner)
	var st unix.Stat_t
	return unix.Fstat(owner, &st) == nil && (st.Dev != user.Dev || st.Ino != user.Ino)
}

// probeSubordinate looks for the ids that the caller may give away. The programs look
// for themselves when they are run; this is to know what to ask them for.
func (h *Host) probeSubordinate() error {
	var text [3]string
	for i, path := range [...]string{"/etc/passwd", "/etc/subuid", "/etc/subgid"} {
		var err error
		if text[i], err = readSmall(path); err != nil {
			return err
		}
	}
	name := userName(text[0], h.UID)
	h.SubUIDs, h.SubGIDs = subordinate(text[1], name, h.UID), subordinate(text[2], name, h.UID)
	h.NewUIDMap, h.NewGIDMap = lookPath("newuidmap"), lookPath("newgidmap")
	return nil
}

// sysctlIs reports whether a kernel parameter is there and has this value.
func sysctlIs(name, value string) (bool, error) {
	text, err := readSmall("/proc/sys/" + sysctlPath(name))
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return strings.TrimSpace(text) == value, nil
}

// caller names the caller for an error.
func (h *Host) caller() string { return "user " + strconv.Itoa(h.UID) }
