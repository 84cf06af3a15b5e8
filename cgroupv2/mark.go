package cgroupv2

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Mark writes a word on the group, which [Group.Marked] reads: an extended attribute of its
// directory. It goes with the group. name begins with "user.", and who may make groups in this one may
// write it. If fresh it is an error, EEXIST, that there is a word already. xattr(7), Linux 5.7
func (g *Group) Mark(name, value string, fresh bool) error {
	flags := 0
	if fresh {
		flags = unix.XATTR_CREATE
	}
	return g.attribute(name, func(fd int) error { return unix.Fsetxattr(fd, name, []byte(value), flags) })
}

// Marked is the word that is written on the group, and empty where there is none.
func (g *Group) Marked(name string) (value string, err error) {
	err = g.attribute(name, func(fd int) error {
		text := make([]byte, unix.PathMax)
		n, err := unix.Fgetxattr(fd, name, text)
		if errors.Is(err, unix.ENODATA) {
			return nil
		}
		value = string(text[:max(n, 0)])
		return err
	})
	return value, err
}

// Unmark takes the word away. That there is none is no error.
func (g *Group) Unmark(name string) error {
	return g.attribute(name, func(fd int) error {
		err := unix.Fremovexattr(fd, name)
		if errors.Is(err, unix.ENODATA) {
			return nil
		}
		return err
	})
}

// attribute opens the directory: the descriptor of the group is good for no attributes.
func (g *Group) attribute(name string, do func(fd int) error) error {
	fd, err := openBelow(g.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return g.failed(name, err)
	}
	return g.failed(name, errors.Join(do(fd), unix.Close(fd)))
}

// Domain refuses a group that is good for threads alone: one that is threaded, of which the kernel
// lists no processes and which it does not end by one write, or one below such a group, in
// which nothing can be born. cgroups(7), "Thread mode"
func (g *Group) Domain() error {
	kind, err := g.read("cgroup.type")
	switch {
	case gone(err): // the root has no such file
		return nil
	case err != nil:
		return err
	}
	switch kind {
	case "threaded\n":
		return fmt.Errorf("cgroup %s: it is threaded (cgroup.type), and so for threads of processes elsewhere: choose another place", g.path)
	case "domain invalid\n":
		return fmt.Errorf(`cgroup %s: its type is "domain invalid" (cgroup.type), because the group above is threaded: choose another place`, g.path)
	}
	return nil
}
