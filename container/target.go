package container

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
)

// Target is a container that runs, as far as somebody has to know it who executes a
// program in it ([CompileExec]).
type Target struct {
	// Pid is its first process, by its number in the caller's pid namespace.
	Pid int `json:"pid"`
	// Namespaces are the types in which it is not where the caller is. To join one's own
	// user namespace is an error, and to join others of one's own needs rights that an
	// ordinary user does not have. setns(2)
	Namespaces []clone.NamespaceType `json:"namespaces"`
	// UIDMappings and GIDMappings are the ids of its user namespace, and SetgroupsDenied
	// says that nobody there has additional groups. They are empty where it is the
	// caller's.
	UIDMappings     clone.IDMaps `json:"uidMappings,omitempty"`
	GIDMappings     clone.IDMaps `json:"gidMappings,omitempty"`
	SetgroupsDenied bool         `json:"setgroupsDenied,omitempty"`
	// Cgroup is the path of the cgroup for the program, and empty for the caller's.
	Cgroup string `json:"cgroup,omitempty"`
	// Frozen says that it is frozen. Who is born in it stands still at once, and would
	// hold its parent up.
	Frozen bool `json:"frozen,omitempty"`
	// Keyring is the name of its session keyring: [Spec].Keyring.
	Keyring string `json:"keyring,omitempty"`

	process identity
}

// entered are the namespaces that a process can be in, in the order of the manual.
var entered = [...]clone.NamespaceType{
	clone.NEWCGROUP, clone.NEWIPC, clone.NEWNET, clone.NEWNS, clone.NEWPID, clone.NEWTIME, clone.NEWUSER, clone.NEWUTS,
}

// probeTarget asks about a process that is held by a pidfd, so that its number is its own
// as long as it is alive. cgroup is the container's, in the hierarchy that is mounted at
// mount, and empty where it has none.
func probeTarget(process identity, mount, cgroup string, made *madeOf) (Target, error) {
	t := Target{Pid: process.pid, Cgroup: cgroup, Keyring: made.keyring, process: process}
	dir := "/proc/" + strconv.Itoa(process.pid)
	var err error
	if t.Namespaces, err = elsewhere(dir+"/ns", made.namespaces); err != nil {
		return Target{}, err
	}
	if t.contains(clone.NEWUSER) {
		if err := t.probeUser(dir); err != nil {
			return Target{}, err
		}
	}
	if t.Cgroup != "" {
		t.Frozen = frozen(mount + t.Cgroup)
	}
	return t, nil
}

// elsewhere are the types of namespaces in which a process is not where the caller is. dir is
// where they are in /proc. The kernel takes its time for every look at one, and those that
// were made for the container are nobody else's. Only a user namespace is looked at all the
// same: to join one's own is an error.
func elsewhere(dir string, made clone.Namespaces) (types []clone.NamespaceType, err error) {
	const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC
	ours, err := unix.Open("/proc/self/ns", flags, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/proc/self/ns", Err: err}
	}
	defer unix.Close(ours)
	theirs, err := unix.Open(dir, flags, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer unix.Close(theirs)
	for _, typ := range entered {
		var there, own unix.Stat_t
		if typ != clone.NEWUSER && made.Contains(typ) && made.PathOf(typ) == "" {
			types = append(types, typ)
			continue
		}
		name := clone.NsName(typ)
		err := unix.Fstatat(ours, name, &own, 0)
		if errors.Is(err, unix.ENOENT) {
			continue // this kernel has none of this type
		}
		if err == nil {
			err = unix.Fstatat(theirs, name, &there, 0)
		}
		if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
			err = fmt.Errorf("%w: the container belongs to somebody else, or it was created by an ordinary user and has not been started", err)
		}
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", dir, name, err)
		}
		if there.Dev != own.Dev || there.Ino != own.Ino {
			types = append(types, typ)
		}
	}
	return types, nil
}

// probeUser reads the maps of another user namespace.
func (t *Target) probeUser(dir string) error {
	for name, m := range map[string]*clone.IDMaps{"uid_map": &t.UIDMappings, "gid_map": &t.GIDMappings} {
		text, err := os.ReadFile(dir + "/" + name)
		if err == nil {
			*m, err = clone.ParseIDMaps(text)
		}
		if err != nil {
			return fmt.Errorf("%s/%s: %w", dir, name, err)
		}
	}
	text, err := os.ReadFile(dir + "/setgroups")
	t.SetgroupsDenied = strings.TrimSpace(string(text)) == "deny"
	return err
}

func (t *Target) contains(typ clone.NamespaceType) bool {
	for _, n := range t.Namespaces {
		if n == typ {
			return true
		}
	}
	return false
}

// path is the file of a namespace.
func (t *Target) path(typ clone.NamespaceType) string {
	return "/proc/" + strconv.Itoa(t.Pid) + "/ns/" + clone.NsName(typ)
}
