package mounts

import (
	"errors"
	"fmt"
	"path"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// Device is a device file of the container.
type Device struct {
	// Path is where it is made, an absolute path inside the container. Directories
	// on the way are made where they are missing.
	Path string
	// Type is "c" or "u" for a character device, "b" for a block device, "p" for a
	// named pipe. mknod(2)
	Type string
	// Major and Minor are the device's numbers; a named pipe has none.
	Major, Minor uint32
	// FileMode are its permissions; bits of the file type are ignored. 0 is 0666.
	FileMode uint32
	// UID and GID are its owner, in ids of the process that makes it.
	UID, GID uint32
	// Origin names the device in errors and plans. Empty means "linux.devices[i]".
	Origin string
}

// defaultDevices are what every container has, by the OCI runtime specification.
var defaultDevices = [...]node{
	{path: "dev/null", dev: 1<<8 | 3},
	{path: "dev/zero", dev: 1<<8 | 5},
	{path: "dev/full", dev: 1<<8 | 7},
	{path: "dev/random", dev: 1<<8 | 8},
	{path: "dev/urandom", dev: 1<<8 | 9},
	{path: "dev/tty", dev: 5 << 8},
}

// defaultLinks are the links of /dev that every container has.
var defaultLinks = [...]link{
	{path: "dev/fd", to: "/proc/self/fd"},
	{path: "dev/stdin", to: "/proc/self/fd/0"},
	{path: "dev/stdout", to: "/proc/self/fd/1"},
	{path: "dev/stderr", to: "/proc/self/fd/2"},
	{path: "dev/ptmx", to: "pts/ptmx"},
}

// node is a device file to be made.
type node struct {
	origin    string
	path      string
	mode      uint32 // with the type
	dev       uint64
	uid, gid  uint32
	isDefault bool
}

// link is a symbolic link to be made.
type link struct{ path, to string }

// The numbers that a device has room for in the kernel: 12 and 20 bits, kdev_t.h.
const (
	majorMax = 1<<12 - 1
	minorMax = 1<<20 - 1
)

// noID is the id that chown(2) takes for "leave it".
const noID = 1<<32 - 1

func (l *layout) layDevices() {
	taken := map[string]string{} // path to origin
	for i := range l.tree.Devices {
		d := &l.tree.Devices[i]
		n, err := d.node()
		if n.origin == "" {
			n.origin = "linux.devices[" + strconv.Itoa(i) + "]"
		}
		if err != nil {
			l.wrong(n.origin, err)
			continue
		}
		if other, ok := taken[n.path]; ok {
			l.wrong(n.origin, fmt.Errorf("%s is made by %s already", d.Path, other))
			continue
		}
		taken[n.path] = n.origin
		if m := l.at(n.path); m != noMount {
			l.warn(n.origin, "%s is not made: %s is mounted there", d.Path, l.entries[m].origin)
			continue
		}
		if l.tree.BindDevices && d.Type != "p" && (d.FileMode != 0 || d.UID != 0 || d.GID != 0) {
			l.warn(n.origin, "%s is the host's, and keeps its mode and owner", d.Path)
		}
		l.nodes = append(l.nodes, n)
	}
	if m := l.at("dev"); !l.tree.DefaultDevices || m != noMount && l.entries[m].kind == kindBind {
		return
	}
	free := func(p string) bool { return taken[p] == "" && l.at(p) == noMount }
	nodes := make([]node, 0, len(defaultDevices)+len(l.nodes))
	for _, n := range defaultDevices {
		n.origin, n.isDefault, n.mode = "default devices", true, unix.S_IFCHR|0o666
		if free(n.path) {
			nodes = append(nodes, n)
		}
	}
	l.nodes = append(nodes, l.nodes...)
	for _, k := range defaultLinks {
		if free(k.path) {
			l.links = append(l.links, k)
		}
	}
}

// node is the device as mknodat(2) takes it.
func (d *Device) node() (node, error) {
	n := node{origin: d.Origin, mode: d.FileMode &^ unix.S_IFMT, uid: d.UID, gid: d.GID}
	var err error
	if n.path, err = absolute(d.Path); err != nil {
		return n, err
	}
	switch d.Type {
	case "c", "u":
		n.mode |= unix.S_IFCHR
	case "b":
		n.mode |= unix.S_IFBLK
	case "p":
		n.mode |= unix.S_IFIFO
		if d.Major != 0 || d.Minor != 0 {
			return n, errors.New("a named pipe has no device number")
		}
	default:
		return n, fmt.Errorf("type %q: want c, b, u or p", d.Type)
	}
	switch {
	case n.mode&^unix.S_IFMT > 0o7777:
		return n, fmt.Errorf("mode %#o is none", d.FileMode)
	case d.Major > majorMax || d.Minor > minorMax:
		return n, fmt.Errorf("device %d:%d: the kernel has 12 bits for the first number and 20 for the second", d.Major, d.Minor)
	case d.UID == noID || d.GID == noID:
		return n, fmt.Errorf("owner %d:%d: %d is no id", d.UID, d.GID, uint32(noID))
	}
	if n.mode&0o7777 == 0 {
		n.mode |= 0o666
	}
	n.dev = unix.Mkdev(d.Major, d.Minor)
	return n, nil
}

// makeDevices makes device files and the links of /dev. Nothing that is there is
// changed: what a configuration asks for and finds taken is an error, unless it is just
// what was asked for; the default ones may be part of a root file system with a /dev of
// its own.
func (e *emitter) makeDevices() {
	for i := range e.layout.nodes {
		n := &e.layout.nodes[i]
		if e.devices != nil && e.devices[i] != nil {
			e.bindDevice(i)
			continue
		}
		e.b.From(n.origin)
		dir, own := e.parent(n.path)
		name := prog.Str(path.Base(n.path))
		op := prog.Op{
			Call: prog.Mknodat, Args: prog.Args{dir, name, prog.Int(n.mode), prog.Int(n.dev)},
			Why:  "/" + n.path,
			Hint: "EEXIST: there is a file at this place already, and not the same device; EPERM: making devices needs CAP_MKNOD in the host's user namespace",
		}
		if n.isDefault && !own {
			op.Tolerate = unix.EEXIST
		}
		there := e.b.Label("there")
		if own || n.isDefault {
			e.b.Add(op)
		} else {
			e.acceptDevice(n, op, there)
		}
		if n.uid != 0 || n.gid != 0 {
			e.b.Add(prog.Op{
				Call: prog.Fchownat, Args: prog.Args{dir, name, prog.Int(n.uid), prog.Int(n.gid), prog.Int(unix.AT_SYMLINK_NOFOLLOW)},
				Why:  "its owner",
				Hint: "EINVAL: the user namespace has no such id",
			})
		}
		e.b.Bind(there)
	}
	e.b.From("default devices")
	for _, k := range e.layout.links {
		dir, own := e.parent(k.path)
		op := prog.Op{
			Call: prog.Symlinkat, Args: prog.Args{prog.Str(k.to), dir, prog.Str(path.Base(k.path))},
			Why: "/" + k.path,
		}
		if !own {
			op.Tolerate = unix.EEXIST
		}
		e.b.Add(op)
	}
}

// acceptDevice is mknodat for a place where there may be a file: it goes on at there if
// that is the device, with the type, the numbers, the mode and the owner that are asked
// for. Whoever made the root file system may have put something else under its name,
// such as a disk with the numbers of a terminal: then mknodat(2) says so, a second time.
func (e *emitter) acceptDevice(n *node, mknod prog.Op, there prog.Label) {
	taken, other, made := e.b.Label("taken"), e.b.Label("other"), e.b.Label("made")
	first := mknod
	first.OnError, first.Hint = taken, ""
	e.b.Add(first)
	e.b.Goto(made, "it was not there")
	e.b.Bind(taken)
	fd, stat := e.b.Slot("device"), prog.Buffer("statx", statxSize)
	l := lookup{from: mknod.Args[0], path: path.Base(n.path), flags: oPath | unix.O_NOFOLLOW, why: "what is there?"}
	open := l.op(e.b, straight, fd)
	open.OnError, open.Hint = other, ""
	e.b.Add(open)
	ask := statxOp(fd, stat)
	ask.OnError = other
	e.b.Add(ask)
	for _, w := range append(deviceWords(n.dev), word{statxMode, n.mode}, word{statxUID, n.uid}, word{statxGID, n.gid}) {
		is := compareOp(stat, w)
		is.OnError, is.Why = other, "the same "+w.name()+"?"
		e.b.Add(is)
	}
	e.b.Goto(there, "it is what was asked for")
	e.b.Bind(other)
	e.b.Add(mknod)
	e.b.Bind(made)
}

// makeCwd makes the working directory of the process.
func (e *emitter) makeCwd() {
	if p := e.layout.cwd; p != "" {
		e.b.From("process.cwd")
		dir, _ := e.parent(p)
		e.b.Add(mkdirOp(dir, p))
	}
}
