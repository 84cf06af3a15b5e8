package mounts

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Options is what the options of a mount ask for. Attributes are MOUNT_ATTR_ bits of
// mount_setattr(2).
type Options struct {
	// Bind asks for a bind mount, Recursive for one with everything below it.
	Bind, Recursive bool
	// Remount changes a mount that is there.
	Remount bool
	// CopySymlink makes the same symbolic link where the source of a bind mount is
	// one; SrcNoFollow binds the link itself. DestNoFollow mounts on the last name of
	// the destination even if it is a link.
	CopySymlink, SrcNoFollow, DestNoFollow bool
	// IDMap asks for a bind mount with ids of its own, IDMapRecursive for that on all
	// that is mounted below. Who asks for it hands the mount down, as Mount.From.
	IDMap, IDMapRecursive bool
	// TmpCopyUp asks for a tmpfs with the content of the directory that it covers.
	TmpCopyUp bool
	// Set and Clear are attributes of the mount itself. An option such as rw takes
	// back an earlier ro; it does not make a bind mount more permissive than its
	// source. That is what rrw is for, and what it does to a remount.
	Set, Clear uint64
	// SetAll and ClearAll are attributes of the mount and of all mounts below it.
	SetAll, ClearAll uint64
	// Propagation is MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE, or 0.
	Propagation uint64
	// PropagationAll extends it to the mounts below.
	PropagationAll bool
	// Superblock are flags that every file system knows, such as sync. fsconfig(2),
	// FSCONFIG_SET_FLAG
	Superblock []string
	// Data are the options for the file system alone, such as size=64m.
	Data []string
}

// option is a row of the table: what one option does.
type option struct {
	name      string
	set       uint64 // attributes that are switched on
	clear     uint64 // attributes that are switched off first
	all       bool   // for the mounts below too
	flag      string // flag of the superblock that is switched on
	unflag    string // and off
	propagate uint64 // MS_PRIVATE or another
	do        func(*Options)
}

const (
	rdonly      = unix.MOUNT_ATTR_RDONLY
	nosuid      = unix.MOUNT_ATTR_NOSUID
	nodev       = unix.MOUNT_ATTR_NODEV
	noexec      = unix.MOUNT_ATTR_NOEXEC
	nodiratime  = unix.MOUNT_ATTR_NODIRATIME
	nosymfollow = unix.MOUNT_ATTR_NOSYMFOLLOW
	noatime     = unix.MOUNT_ATTR_NOATIME
	strictatime = unix.MOUNT_ATTR_STRICTATIME
	// atimes is the whole field of access times. It is not a set of bits but a
	// number, of which 0 is relatime: the kernel wants all of it cleared wherever
	// one of its values is set, and answers EINVAL otherwise.
	atimes = unix.MOUNT_ATTR__ATIME
)

// table holds every option of the OCI runtime specification 1.3, and three of crun's at
// its end. What is not in it goes to the file system as it stands.
//
// The kernel has no mandatory locks since 5.15 and takes mand without effect. The
// messages that silent is about are not written by the calls that are used here; and
// the file systems that know iversion always have it on (ext4 since 6.1).
var table = [...]option{
	{name: "defaults"}, {name: "silent"}, {name: "loud"}, {name: "iversion"}, {name: "noiversion"},

	{name: "bind", do: func(o *Options) { o.Bind = true }},
	{name: "rbind", do: func(o *Options) { o.Bind, o.Recursive = true, true }},
	{name: "remount", do: func(o *Options) { o.Remount = true }},

	{name: "ro", set: rdonly}, {name: "rw", clear: rdonly},
	{name: "nosuid", set: nosuid}, {name: "suid", clear: nosuid},
	{name: "nodev", set: nodev}, {name: "dev", clear: nodev},
	{name: "noexec", set: noexec}, {name: "exec", clear: noexec},
	{name: "nodiratime", set: nodiratime}, {name: "diratime", clear: nodiratime},
	{name: "nosymfollow", set: nosymfollow}, {name: "symfollow", clear: nosymfollow},
	{name: "relatime", clear: atimes}, {name: "norelatime"},
	{name: "noatime", clear: atimes, set: noatime}, {name: "atime", clear: noatime},
	{name: "strictatime", clear: atimes, set: strictatime}, {name: "nostrictatime", clear: strictatime},

	{name: "rro", all: true, set: rdonly}, {name: "rrw", all: true, clear: rdonly},
	{name: "rnosuid", all: true, set: nosuid}, {name: "rsuid", all: true, clear: nosuid},
	{name: "rnodev", all: true, set: nodev}, {name: "rdev", all: true, clear: nodev},
	{name: "rnoexec", all: true, set: noexec}, {name: "rexec", all: true, clear: noexec},
	{name: "rnodiratime", all: true, set: nodiratime}, {name: "rdiratime", all: true, clear: nodiratime},
	{name: "rnosymfollow", all: true, set: nosymfollow}, {name: "rsymfollow", all: true, clear: nosymfollow},
	{name: "rrelatime", all: true, clear: atimes}, {name: "rnorelatime", all: true, clear: atimes},
	{name: "rnoatime", all: true, clear: atimes, set: noatime}, {name: "ratime", all: true, clear: atimes},
	{name: "rstrictatime", all: true, clear: atimes, set: strictatime}, {name: "rnostrictatime", all: true, clear: atimes},

	{name: "sync", flag: "sync"}, {name: "async", unflag: "sync"},
	{name: "dirsync", flag: "dirsync"},
	{name: "lazytime", flag: "lazytime"}, {name: "nolazytime", unflag: "lazytime"},
	{name: "mand", flag: "mand"}, {name: "nomand", unflag: "mand"},

	{name: "private", propagate: unix.MS_PRIVATE}, {name: "rprivate", all: true, propagate: unix.MS_PRIVATE},
	{name: "slave", propagate: unix.MS_SLAVE}, {name: "rslave", all: true, propagate: unix.MS_SLAVE},
	{name: "shared", propagate: unix.MS_SHARED}, {name: "rshared", all: true, propagate: unix.MS_SHARED},
	{name: "unbindable", propagate: unix.MS_UNBINDABLE}, {name: "runbindable", all: true, propagate: unix.MS_UNBINDABLE},

	{name: "idmap", do: func(o *Options) { o.IDMap = true }},
	{name: "ridmap", do: func(o *Options) { o.IDMap, o.IDMapRecursive = true, true }},
	{name: "tmpcopyup", do: func(o *Options) { o.TmpCopyUp = true }},

	{name: "copy-symlink", do: func(o *Options) { o.CopySymlink = true }},
	{name: "src-nofollow", do: func(o *Options) { o.SrcNoFollow = true }},
	{name: "dest-nofollow", do: func(o *Options) { o.DestNoFollow = true }},
}

// OptionNames lists the options that [ParseOptions] knows, sorted.
func OptionNames() []string {
	names := make([]string, len(table))
	for i := range table {
		names[i] = table[i].name
	}
	slices.Sort(names)
	return names
}

// ParseOptions reads options as mount(8) writes them, one a string. Of options that
// contradict each other the later one wins. An option that is not known is kept for
// the file system, in Data.
func ParseOptions(list []string) (Options, error) {
	var o Options
	for _, name := range list {
		if strings.IndexByte(name, 0) >= 0 {
			return Options{}, fmt.Errorf("option %q: it holds a NUL", name)
		}
		if err := o.add(name); err != nil {
			return Options{}, err
		}
	}
	return o, nil
}

// known is the row of an option, and -1 for one that is none of ours.
func known(name string) int {
	for i := range table {
		if table[i].name == name {
			return i
		}
	}
	return -1
}

func (o *Options) add(name string) error {
	i := known(name)
	switch {
	case name == "":
		return nil
	case strings.HasPrefix(name, "idmap=") || strings.HasPrefix(name, "ridmap="):
		return fmt.Errorf("option %s: ids are given as uidMappings and gidMappings of the mount", name)
	case i < 0:
		o.Data = append(o.Data, name)
		return nil
	}
	row := &table[i]
	if row.do != nil {
		row.do(o)
	}
	if row.flag != "" && !slices.Contains(o.Superblock, row.flag) {
		o.Superblock = append(o.Superblock, row.flag)
	}
	if row.unflag != "" {
		o.Superblock = slices.DeleteFunc(o.Superblock, func(f string) bool { return f == row.unflag })
	}
	if row.propagate != 0 {
		o.Propagation, o.PropagationAll = row.propagate, row.all
	}
	touched := row.set | row.clear
	if row.all {
		// What is said of all mounts is said of this one, and later than before.
		o.Set &^= touched
		o.Clear &^= touched
		o.SetAll = o.SetAll&^row.clear | row.set
		o.ClearAll = o.ClearAll&^row.set | row.clear
	} else {
		o.Set = o.Set&^row.clear | row.set
		o.Clear = o.Clear&^row.set | row.clear
	}
	return nil
}
