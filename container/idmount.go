package container

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// MountIDs are the ids of an id-mapped mount: an id on the disk (ContainerID) appears
// as an id of the host (HostID). mount_setattr(2), "ID-mapped mounts"
type MountIDs struct {
	UIDs, GIDs clone.IDMaps

	recursive bool // for what is mounted below, too
}

// mountIDs reads the options of a mount, and says which ids it has, nil for the usual
// ones. Without ids of its own it has those of the container's user namespace.
func (c *compiler) mountIDs(i int) (opts mounts.Options, ids *MountIDs, err error) {
	m := &c.spec.Mounts[i]
	opts, err = mounts.ParseOptions(m.Options)
	opts.Bind = opts.Bind || m.Type == "bind"
	own, given := c.spec.MountIDs[i]
	if !given && !opts.IDMap {
		return opts, nil, err
	}
	if len(own.UIDs) == 0 && len(own.GIDs) == 0 {
		own.UIDs, own.GIDs = c.spec.UIDMappings, c.spec.GIDMappings
	}
	own.recursive = opts.IDMapRecursive
	return opts, &own, err
}

// usualIDs reports whether a mount has those of its file system: most have, and their
// options need not be looked at more closely.
func (c *compiler) usualIDs(i int) bool {
	_, given := c.spec.MountIDs[i]
	return !given && !slices.Contains(c.spec.Mounts[i].Options, "idmap") && !slices.Contains(c.spec.Mounts[i].Options, "ridmap")
}

// checkMountIDs refuses an id-mapped mount that cannot be had.
func (c *compiler) checkMountIDs(wrong refuse) {
	for i := range c.spec.MountIDs {
		if i < 0 || i >= len(c.spec.Mounts) {
			wrong("mounts", "there are ids for mount %d of %d", i, len(c.spec.Mounts))
		}
	}
	for i := range c.spec.Mounts {
		if c.usualIDs(i) {
			continue
		}
		opts, ids, err := c.mountIDs(i)
		if err != nil || ids == nil {
			continue // package mounts says what is wrong with the options
		}
		origin := "mounts[" + strconv.Itoa(i) + "]"
		switch {
		case !opts.Bind || opts.Remount:
			wrong(origin, "only a bind mount can have ids of its own")
		case !c.host.copiesMounts():
			wrong(origin, "a mount with ids of its own needs CAP_SYS_ADMIN in the user namespace of its file system, which %s does not have", c.host.caller())
		case len(ids.UIDs) == 0 || len(ids.GIDs) == 0:
			wrong(origin, "its ids are missing: uidMappings and gidMappings of the mount, or a new user namespace, whose own these are then")
		default:
			for _, err := range []error{ids.UIDs.Validate(), ids.GIDs.Validate()} {
				if err != nil {
					wrong(origin, "%v", err)
				}
			}
		}
	}
}

// mapIDs gives a copied mount other ids. The kernel takes them from a user namespace, so
// one is made for that: a short program of ours makes it, waits until it has been given
// its maps and been opened, and ends.
func mapIDs(mount int, s Step) error {
	b := &prog.Builder{}
	b.From(s.Origin)
	control := nsexec.Begin(b, 0)
	b.Add(prog.Op{Call: prog.Unshare, Args: prog.Args{prog.Int(unix.CLONE_NEWUSER)}, Why: "a user namespace, for its maps", Hint: "ENOSPC: user.max_user_namespaces is reached"})
	nsexec.EmitSync(b, control, "the caller writes the maps and opens it")
	b.Add(prog.Op{Call: prog.ExitGroup, Args: prog.Args{prog.Int(0)}, Why: "that was all"})
	program, err := b.Program()
	if err != nil {
		return err
	}
	image, err := nsexec.NewImage(program)
	if err != nil {
		return err
	}
	use := func(p *nsexec.Process) error {
		dir := "/proc/" + strconv.Itoa(p.Pid())
		if err := errors.Join(writeProc(dir+"/uid_map", s.IDs.Format()), writeProc(dir+"/gid_map", s.GIDs.Format())); err != nil {
			return err
		}
		userns, err := unix.Open(dir+"/ns/user", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(userns)
		if err := isNamespace(userns, Step{Namespace: clone.NEWUSER, Foreign: true}); err != nil {
			return err
		}
		flags := uint(unix.AT_EMPTY_PATH)
		if s.Below {
			flags |= unix.AT_RECURSIVE
		}
		if err := unix.MountSetattr(mount, "", flags, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(userns)}); err != nil {
			return fmt.Errorf("mount_setattr: %w", err)
		}
		return nil
	}
	p, err := nsexec.Start(nsexec.Config{Image: image, Sync: []func(*nsexec.Process) error{use}})
	if err != nil {
		return err
	}
	defer p.Close()
	_, err = p.Wait()
	return err
}
