package mounts

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// Overlay is a file system of layers: what is changed goes to Upper, what is not there
// comes from Lower. It is a root, [Tree].Overlay, or one of the mounts, [Mount].Overlay.
// overlayfs, Documentation/filesystems/overlayfs.rst
//
// As root "/" can be a lower directory; of what is mounted below it only the mount
// points are seen. In a user namespace it cannot (EINVAL), nor can any directory with
// mounts below, because they are locked: there the layers are the directories without
// such mounts, on a root that is a tmpfs or a directory made for it.
type Overlay struct {
	// Lower are directories of the host, absolute paths, the uppermost first. A root
	// may be without: then it is an empty tmpfs, of this Mode.
	Lower []string
	// Upper holds the changes and Work is a directory that the kernel needs for
	// them, in the same file system; both are directories of the host, and not in
	// an overlay themselves. Without them changes go to memory, to one tmpfs for all
	// the overlays of a tree, and are gone with the container.
	Upper, Work string
	// Mode are the permissions of the overlay's own directory where the changes go
	// to memory; 0 is 0755. Otherwise they are those of Upper.
	Mode uint32
	// UserXattr keeps what the kernel notes about the layers in extended attributes
	// of the user's. In a user namespace there is no other way, and Upper has to be
	// in a file system that knows them: a tmpfs does since Linux 6.6. On an older
	// kernel a directory that exists below cannot be removed then (EIO).
	UserXattr bool
}

// validate says what is wrong with it and the other options of the file system.
func (o *Overlay) validate(more []parameter) error {
	if len(o.Lower) == 0 {
		return errors.New("an overlay needs a lower directory")
	}
	if (o.Upper == "") != (o.Work == "") {
		return errors.New("an overlay has both an upper directory and one to work in, or neither")
	}
	if o.Mode > 0o7777 {
		return fmt.Errorf("mode %#o is none", o.Mode)
	}
	paths := o.Lower
	if o.Upper != "" {
		paths = append([]string{o.Upper, o.Work}, paths...)
	}
	for _, p := range paths {
		if err := hostPath(p); err != nil {
			return err
		}
	}
	upper, work := o.changes(math.MaxInt)
	return checkParameters("overlay", append(o.parameters(upper, work, true), more...))
}

// parameters are the options of the file system. A colon parts two lower directories,
// and a backslash takes the meaning of the next character away, also in the others.
func (o *Overlay) parameters(upper, work string, userXattr bool) []parameter {
	var lower []string
	for _, p := range o.Lower {
		lower = append(lower, strings.ReplaceAll(escape(p), ":", `\:`))
	}
	list := []parameter{{key: "lowerdir", value: strings.Join(lower, ":")}, {key: "upperdir", value: escape(upper)}, {key: "workdir", value: escape(work)}}
	if o.UserXattr || userXattr {
		list = append(list, parameter{key: "userxattr", flag: true})
	}
	return list
}

func escape(p string) string { return strings.ReplaceAll(p, `\`, `\\`) }

// onTop is the directory that is mounted on top of the root of the process. The root
// itself, /, is not covered by what is mounted on it; but ".." ends there too, and a
// walk that arrives by ".." goes on to what is mounted.
const onTop = "/.."

// mode is Mode with its default.
func (o *Overlay) mode() uint32 {
	if o.Mode == 0 {
		return 0o755
	}
	return o.Mode
}

// empty reports whether it is a tmpfs and no overlay.
func (o *Overlay) empty() bool { return len(o.Lower) == 0 && o.Upper == "" }

// changes are the upper and the work directory of the overlay of this number.
func (o *Overlay) changes(i int) (upper, work string) {
	if o.Upper != "" {
		return o.Upper, o.Work
	}
	return onTop + "/upper" + strconv.Itoa(i), onTop + "/work" + strconv.Itoa(i)
}

// makeOverlays makes the overlays of the tree, all of them detached, while the paths
// of their layers are the host's.
//
// What changes in memory goes to a tmpfs. An overlay takes its layers by path and
// only from the mounts of its own namespace, also where it is given a descriptor,
// before Linux 6.15. So the tmpfs is attached for a moment, on top of /, where it covers
// nothing: absolute paths are still the host's, and the one that leads into it is
// [onTop]. Once the overlays are made they have their layers, and it is taken off.
func (e *emitter) makeOverlays() {
	overlays := e.layout.overlays()
	if len(overlays) == 0 {
		return
	}
	memory := false
	for _, o := range overlays {
		memory = memory || o.layers.Upper == ""
	}
	if memory {
		e.b.From(overlays[0].origin)
		m := newFilesystem(e.b, "tmpfs", []parameter{{key: "mode", value: "0755"}}, 0, "changes", "what is changed in an overlay goes to memory")
		e.b.Add(prog.Op{
			Call: prog.MoveMount, Args: prog.Args{m, prog.Str(""), cwd, prog.Str("/"), fromFD},
			Why: "where the overlay can see it, covering nothing",
		})
		for i, o := range overlays {
			if o.layers.Upper != "" {
				continue
			}
			e.b.From(o.origin)
			for _, d := range []struct {
				name string
				mode uint32
			}{{"upper", o.layers.mode()}, {"work", 0o700}} {
				e.b.Add(prog.Op{Call: prog.Mkdirat, Args: prog.Args{m, prog.Str(d.name + strconv.Itoa(i)), prog.Int(d.mode)}, Why: "its " + d.name + " directory"})
			}
		}
	}
	for i, o := range overlays {
		e.b.From(o.origin)
		upper, work := o.layers.changes(i)
		p := append([]parameter{{key: "source", value: o.source}}, o.layers.parameters(upper, work, e.layout.tree.UserXattr)...)
		made := newFilesystem(e.b, "overlay", append(p, o.more...), o.attributes, o.name, o.why)
		if o.entry == noMount {
			e.root = made
		} else {
			e.sources[o.entry] = made
		}
	}
	if memory {
		e.b.From(overlays[0].origin)
		e.b.Add(prog.Op{
			Call: prog.Umount2, Args: prog.Args{prog.Str(onTop), prog.Int(unix.MNT_DETACH)},
			Why: "the overlays have it, nobody else needs to",
		})
	}
}

// overlay is an overlay that is to be made.
type overlay struct {
	origin     string
	layers     *Overlay
	entry      int // the mount; -1 is the root
	source     string
	more       []parameter
	attributes uint64
	name, why  string
}

// overlays are those of a layout, the root first.
func (l *layout) overlays() []overlay {
	var list []overlay
	if l.overlay != nil && !l.overlay.empty() {
		list = append(list, overlay{
			origin: "root.overlay", layers: l.overlay, entry: noMount, source: "overlay", name: "root", why: "the root file system, of layers",
		})
	}
	for i := range l.entries {
		m := &l.entries[i]
		if m.layers == nil {
			continue
		}
		source, attributes := m.source, m.opts.fresh()
		if m.late {
			attributes &^= rdonly
		}
		if source == "" {
			source = "overlay"
		}
		list = append(list, overlay{
			origin: m.origin, layers: m.layers, entry: i, source: source, more: m.parameters(), attributes: attributes,
			name: "/" + m.path, why: "an overlay for /" + m.path,
		})
	}
	return list
}
