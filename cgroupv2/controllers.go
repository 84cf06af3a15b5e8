package cgroupv2

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrNoController says that a controller is asked for that is not to be had here.
var ErrNoController = errors.New("no such controller")

// Controllers are those that the group has, by the kernel's names.
func (g *Group) Controllers() ([]string, error) {
	text, err := g.read("cgroup.controllers")
	return strings.Fields(text), err
}

// Enable enables controllers for the group, in all groups above it from the top
// down, and leaves those alone that are enabled. Nothing is enabled for groups below.
// They stay enabled when the group is removed: others may have come to need them.
func (g *Group) Enable(controllers ...string) error {
	has, err := g.Controllers()
	if err != nil {
		return err
	}
	missing := without(controllers, has)
	if len(missing) == 0 {
		return nil
	}
	for _, p := range above(g.path) {
		if err := enableIn(g.root, p, missing); err != nil {
			return err
		}
	}
	// The root of the hierarchy has its controllers without being asked.
	has, err = g.Controllers()
	if err != nil {
		return err
	}
	if missing = without(controllers, has); len(missing) != 0 {
		return &ControllerError{Group: g.path, Controller: missing[0]}
	}
	return nil
}

// above are the groups above one, the outermost first.
func above(p string) []string {
	var out []string
	for p != "/" {
		p = path.Dir(p)
		out = append(out, p)
	}
	slices.Reverse(out)
	return out
}

func without(list, has []string) []string {
	var out []string
	for _, c := range list {
		if c != "" && !slices.Contains(has, c) && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// enableIn enables controllers for the children of one group, those that are not
// enabled yet, all or none.
func enableIn(root int, p string, controllers []string) error {
	const control = "cgroup.subtree_control"
	fd, err := openBelow(root, below(p), oDir)
	if err != nil {
		return fmt.Errorf("cgroup %s: %w", p, err)
	}
	defer unix.Close(fd)
	enabled, err := readFile(fd, control)
	if err != nil {
		return fmt.Errorf("cgroup %s: %s: %w", p, control, err)
	}
	missing := without(controllers, strings.Fields(enabled))
	if len(missing) == 0 {
		return nil
	}
	has, err := readFile(fd, "cgroup.controllers")
	if err != nil {
		return fmt.Errorf("cgroup %s: cgroup.controllers: %w", p, err)
	}
	if lacks := without(missing, strings.Fields(has)); len(lacks) != 0 {
		return &ControllerError{Group: p, Controller: lacks[0]}
	}
	value := "+" + strings.Join(missing, " +")
	err = unix.EBUSY
	if !inhabited(fd) {
		err = writeFile(fd, control, value)
	}
	if err != nil {
		return fmt.Errorf("cgroup %s: %s = %q: %w%s", p, control, value, err, enableHint(fd, err))
	}
	return nil
}

// inhabited reports whether a group other than the root has processes of its own. The
// kernel refuses to enable most controllers in it then, but not those that can tell
// threads apart, such as pids: with them the groups below become good for threads alone ("domain
// invalid"), and no process can be moved or born there. cgroups(7), "Thread mode"
func inhabited(fd int) bool {
	if _, err := readFile(fd, "cgroup.type"); err != nil {
		return false // the root
	}
	pids, err := processes(fd)
	return err == nil && len(pids) != 0
}

func enableHint(fd int, err error) string {
	switch {
	case errors.Is(err, unix.EBUSY):
		hint := ": the group has processes of its own"
		if text, err := readFile(fd, "cgroup.procs"); err == nil {
			if pids, _ := parsePIDs(text); len(pids) != 0 {
				hint += " (" + pidList(pids) + ")"
			}
		}
		return hint + ", and then the kernel enables nothing below: move them into a group of their own, or choose another place for the container's"
	case errors.Is(err, unix.EOPNOTSUPP):
		return ": the group is threaded, and has only the controllers that know threads"
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return ": the group belongs to somebody else: it has to be delegated to this user"
	case errors.Is(err, unix.EINVAL):
		return ": the kernel refuses cpu while a real-time process is not in the root group (CONFIG_RT_GROUP_SCHED)"
	}
	return ""
}

// ControllerError says where a controller is missing. It is an [ErrNoController].
type ControllerError struct {
	// Group is the outermost group that does not have it.
	Group      string
	Controller string
	// Origin is the line of the configuration that asks for it, if one does.
	Origin string
}

// Error says which group lacks the controller, and why.
func (e *ControllerError) Error() string {
	text := "cgroup " + e.Group + ": no controller " + e.Controller
	if e.Origin != "" {
		text = e.Origin + ": " + text
	}
	if e.Group == "/" {
		return text + ": the kernel has none, or a hierarchy of version 1 has taken it (/proc/cgroups; cgroup_no_v1=all on the kernel's command line)"
	}
	return text + ": the group above does not hand it down (cgroup.subtree_control)"
}

// Is makes errors.Is(err, ErrNoController) true.
func (e *ControllerError) Is(target error) bool { return target == ErrNoController }
