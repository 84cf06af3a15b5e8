package container

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
)

// makeGroup makes the cgroup of the container.
//
// Two links tell of it. That with the path is there before the group is. Whoever finds it
// alone knows that nobody was ever born in the group, and that it may be somebody
// else's: it may be removed if it is empty, and nobody in it may be harmed. The other has the
// number of its inode, which the kernel gives once: that group is ours to end.
func (d *stateDir) makeGroup(at string) (*cgroupv2.Group, error) {
	h, err := cgroupv2.Find()
	if err != nil {
		return nil, err
	}
	defer h.Close()
	if err := d.isFree(h, at); err != nil {
		return nil, err
	}
	boot, err := d.boot()
	if err != nil {
		return nil, err
	}
	if err := d.link(cgroupName, fmt.Sprintf("%s %d %s", boot, missingGroups(h, at), at)); err != nil {
		return nil, err
	}
	g, err := h.Create(at)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err = d.takeGroup(h, g); err == nil {
		err = unix.Fstat(g.FD(), &st)
	}
	if err == nil {
		err = d.link(groupName, fmt.Sprintf("%d %d", st.Ino, len(g.Made())))
	}
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// The words on groups, for other containers to read. [cgroupv2.Group.Mark]
const (
	// ownerMark is on the group of a container: the directory of its state.
	ownerMark = "user.selfcontain.container"
	// madeMark is on the groups above that were made on the way to it.
	madeMark = "user.selfcontain.made"
)

// takeGroup writes on a group whose it is. Of two containers that are made at the same time one is
// too late here. Where the words are refused it is done without them.
func (d *stateDir) takeGroup(h *cgroupv2.Hierarchy, g *cgroupv2.Group) error {
	if err := g.Mark(ownerMark, d.path, true); errors.Is(err, unix.EEXIST) {
		if err := d.isNobodys(g); err != nil {
			return err
		}
		_ = g.Mark(ownerMark, d.path, false)
	}
	made := g.Made()
	if len(made) == 0 {
		return nil // isFree has looked at it
	}
	for _, up := range made[:len(made)-1] {
		if above, err := h.Open(up); err == nil {
			_ = above.Mark(madeMark, "1", false)
			_ = above.Close()
		}
	}
	return isUsable(h, g)
}

// isNobodys refuses the group of another container. One that is gone without its group, as one
// is whose state was removed by hand, has none any more.
func (d *stateDir) isNobodys(g *cgroupv2.Group) error {
	owner, err := g.Marked(ownerMark)
	if err != nil || owner == d.path || !path.IsAbs(owner) {
		return nil //nolint:nilerr // without the words it cannot be known
	}
	boot, err := d.boot()
	if err != nil {
		return err
	}
	text, err := os.Readlink(owner + "/" + cgroupName)
	switch there, at, _, ok := parseGroupLink(text); {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return nil
	case err == nil && (!ok || there != boot || at != g.Path()): // its name is another one's by now
		return nil
	}
	return fmt.Errorf("cgroup %s: it is that of the container %q, which has not been deleted", g.Path(), owner)
}

// isUsable refuses a group in which nobody can be born; and one that is frozen, or below one
// that is: who is born there never runs, and clone3 with CLONE_VFORK waits for it.
func isUsable(h *cgroupv2.Hierarchy, g *cgroupv2.Group) error {
	populated, frozen, err := g.State()
	switch at := g.Path(); {
	case err != nil:
		return err
	case populated:
		return fmt.Errorf("cgroup %s: there are processes in it", at)
	case frozen: // the kernel makes every group below a frozen one so
		for up := at; up != "/"; up = path.Dir(up) {
			if string(contents(path.Join(h.Mountpoint(), up, "cgroup.freeze"))) == "1\n" {
				return fmt.Errorf("cgroup %s: it is frozen", up)
			}
		}
		return fmt.Errorf("cgroup %s: it is frozen", at)
	}
	return g.Domain()
}

// missingGroups is how many groups there are to be made for one of this path, itself included. It
// is written down before, for who is killed when some of them are there.
func missingGroups(h *cgroupv2.Hierarchy, at string) (n int) {
	for ; at != "/"; at = path.Dir(at) {
		g, err := h.Open(at)
		if err == nil {
			_ = g.Close()
			return n
		}
		n++
	}
	return n
}

// isFree refuses a group that is there with somebody in it, who would be ended with the
// container, or that another container ends with itself.
func (d *stateDir) isFree(h *cgroupv2.Hierarchy, at string) error {
	g, err := h.Open(at)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer g.Close()
	if at == "/" {
		return errors.New("cgroup /: that is everybody's")
	}
	if err := isUsable(h, g); err != nil {
		return err
	}
	return d.isNobodys(g)
}

// groupPath is where the group is, and empty where there is none, or was in another boot.
func (d *stateDir) groupPath() (string, error) {
	at, _, err := d.groupPlace()
	return at, err
}

// groupPlace is groupPath, and how many groups were missing there.
func (d *stateDir) groupPlace() (at string, missing int, err error) {
	text, err := d.readLink(cgroupName)
	if err != nil {
		return "", 0, nil //nolint:nilerr // none, or something that is not ours
	}
	boot, err := d.boot()
	if err != nil {
		return "", 0, err
	}
	there, at, missing, ok := parseGroupLink(text)
	if !ok || there != boot {
		return "", 0, nil
	}
	return at, missing, nil
}

// parseGroupLink reads what [stateDir.makeGroup] has written about the group's place: the
// boot, how many groups there were to be made, and the path. Nothing else is understood.
func parseGroupLink(text string) (boot, at string, missing int, ok bool) {
	words := strings.SplitN(text, " ", 3)
	if len(words) != 3 {
		return "", "", 0, false
	}
	boot, at = words[0], words[2]
	missing, err := strconv.Atoi(words[1])
	ok = err == nil && path.IsAbs(at) && path.Clean(at) == at && 0 <= missing && missing <= strings.Count(at, "/") &&
		text == fmt.Sprintf("%s %d %s", boot, missing, at)
	return boot, at, missing, ok
}

// parseGroupMade reads the other link: the number of the group's inode, and how many were made.
func parseGroupMade(text string) (inode uint64, made int, ok bool) {
	number, count, _ := strings.Cut(text, " ")
	inode, err1 := strconv.ParseUint(number, 10, 64)
	made, err2 := strconv.Atoi(count)
	ok = err1 == nil && err2 == nil && made >= 0 && text == fmt.Sprintf("%d %d", inode, made)
	return inode, made, ok
}

// group opens the group that the container's processes are in, if it has one. made is how
// many groups have been made for it, itself included. It is nil where there is none, or
// where the one of that path is another one.
func (d *stateDir) group(h *cgroupv2.Hierarchy, at string) (g *cgroupv2.Group, made int, err error) {
	text, err := d.readLink(groupName)
	if err != nil {
		return nil, 0, nil //nolint:nilerr // as above
	}
	inode, made, ok := parseGroupMade(text)
	if !ok {
		return nil, 0, nil
	}
	g, err = h.Open(at)
	if errors.Is(err, unix.ENOENT) {
		return nil, made, nil
	}
	if err != nil {
		return nil, made, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(g.FD(), &st); err != nil || st.Ino != inode {
		return nil, -1, errors.Join(err, g.Close()) // nor is it one to be tidied up
	}
	return g, made, nil
}

// withGroup calls a function with the container's group, and with nil where it has none.
func (d *stateDir) withGroup(do func(g *cgroupv2.Group) error) error {
	at, err := d.groupPath()
	if err != nil {
		return err
	}
	if at == "" {
		return do(nil)
	}
	h, err := cgroupv2.Find()
	if err != nil {
		return err
	}
	defer h.Close()
	g, _, err := d.group(h, at)
	if err != nil {
		return err
	}
	if g == nil {
		return do(nil)
	}
	return errors.Join(do(g), g.Close())
}

// empty kills what is in a group, and removes it. Mostly nothing is: then there is nothing to
// wait for.
func empty(g *cgroupv2.Group) error {
	err := g.RemoveEmpty()
	if !errors.Is(err, unix.EBUSY) {
		return err
	}
	ctx, cancel := patient()
	defer cancel()
	if err := g.Kill(ctx); err != nil {
		return err
	}
	return g.Remove(ctx)
}

// endGroup kills everything in the container's group and removes it, and the groups above
// that were made for it or for another container, if nobody uses them.
func (d *stateDir) endGroup() error {
	at, missing, err := d.groupPlace()
	if at == "" || err != nil {
		return err
	}
	h, err := cgroupv2.Find()
	if err != nil {
		return err
	}
	defer h.Close()
	g, made, err := d.group(h, at)
	if err != nil {
		return err
	}
	if g == nil {
		// Who was killed between its making and the second link leaves an empty one.
		if made == 0 {
			d.leaveGroup(h, at)
			made = missing
		}
	} else if err := errors.Join(empty(g), g.Close()); err != nil {
		return err
	}
	var above []string
	for up := path.Dir(at); up != "/" && (made > 1 || wasMade(h, up)); up = path.Dir(up) {
		above = append([]string{up}, above...)
		made--
	}
	h.Prune(above)
	return nil
}

// leaveGroup removes a group that nobody was born in, if it is empty. What another container
// has taken meanwhile is that one's, and what stays is nobody's.
func (d *stateDir) leaveGroup(h *cgroupv2.Hierarchy, at string) {
	g, err := h.Open(at)
	if err != nil {
		return
	}
	defer g.Close()
	owner, err := g.Marked(ownerMark)
	if err == nil && owner != "" && owner != d.path {
		return
	}
	if g.RemoveEmpty() != nil && owner != "" {
		_ = g.Unmark(ownerMark)
	}
}

// wasMade reports whether a group was made on the way to that of a container. The last one that needs
// it removes it, whoever made it.
func wasMade(h *cgroupv2.Hierarchy, at string) bool {
	g, err := h.Open(at)
	if err != nil {
		return false
	}
	defer g.Close()
	made, err := g.Marked(madeMark)
	return err == nil && made != ""
}

// frozen reports whether the group is frozen. It is asked for every container that is
// listed, so it is a file or two that are read.
func (d *stateDir) frozen() bool {
	at, err := d.groupPath()
	if at == "" || err != nil {
		return false
	}
	mount, err := d.groups()
	return mount != "" && err == nil && frozen(path.Join(mount, at))
}
