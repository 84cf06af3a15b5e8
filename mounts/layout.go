package mounts

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// kind is what a mount is to the program that makes it.
type kind uint8

const (
	kindBind    kind = iota
	kindTmpfs        // new, empty and writable: the program makes mount points in it
	kindKernel       // its content is the kernel's: nobody can put a link there, nor make a directory
	kindOther        // a file system with content that somebody else wrote
	kindRemount      // no mount, but a change of one
)

// kernelTypes are the file systems of kindKernel.
var kernelTypes = []string{"proc", "sysfs", "devpts", "mqueue", "cgroup2"}

// layout is a tree that has been decided upon: paths are clean, options are read, and
// it is known which mount everything lies in.
type layout struct {
	tree     *Tree
	rootPath string // of Tree.RootPath, and clean
	overlay  *Overlay
	entries  []entry
	nodes    []node
	first    []link // of Tree.Links
	links    []link
	console  bool   // the terminal is bound on /dev/console
	cwd      string // without a slash in front; empty is /
	masked   []hidden
	readonly []hidden
	attach   uint64 // propagation of the root before it is attached
	warnings []Warning
	errs     []error
}

// entry is a mount.
type entry struct {
	origin string
	path   string // inside the root, without a slash in front
	kind   kind
	fsType string
	source string
	from   prog.FD  // of Mount.From
	layers *Overlay // of Mount.Overlay
	opts   Options
	within int  // the mount that the mount point lies in; -1 is the root
	late   bool // read-only, but only once everything inside is made
}

// hidden is a masked or read-only path.
type hidden struct {
	origin string
	path   string
	within int
}

// noMount stands for the root where the index of a mount is meant.
const noMount = -1

func lay(t *Tree) (*layout, error) {
	l := &layout{tree: t, entries: make([]entry, 0, len(t.Mounts))}
	l.layRoot()
	var err error
	if l.attach, _, err = parsePropagation(t.Propagation); err != nil {
		l.wrong("linux.rootfsPropagation", err)
	}
	for i := range t.Mounts {
		l.layMount(i)
	}
	for i := range t.Links {
		l.layLink(i)
	}
	l.layDevices()
	l.layConsole()
	if t.Cwd != "" && path.Clean(t.Cwd) != "/" { // that one is there
		if l.cwd, err = absolute(t.Cwd); err != nil {
			l.wrong("process.cwd", err)
		}
	}
	l.masked = l.layHidden("linux.maskedPaths", t.Masked)
	l.readonly = l.layHidden("linux.readonlyPaths", t.ReadOnlyPaths)
	l.delayReadOnly()
	return l, errors.Join(l.errs...)
}

func (l *layout) wrong(origin string, err error) {
	l.errs = append(l.errs, fmt.Errorf("%s: %w", origin, err))
}

func (l *layout) warn(origin, format string, args ...any) {
	l.warnings = append(l.warnings, Warning{origin, fmt.Sprintf(format, args...)})
}

// layRoot decides where the root comes from: exactly one of three.
func (l *layout) layRoot() {
	t := l.tree
	given := 0
	if fd, ok := t.Root.(prog.FD); t.Root != nil && (!ok || fd != prog.FD{}) {
		given++
	}
	if t.RootPath != "" {
		given++
		l.rootPath = path.Clean(t.RootPath)
		if err := hostPath(t.RootPath); err != nil {
			l.wrong("root.path", err)
		}
	}
	if o := t.Overlay; o != nil {
		given++
		l.overlay = o
		if err := o.validate(nil); err != nil && !(o.empty() && o.Mode <= 0o7777) {
			l.wrong("root.overlay", err)
		}
	}
	switch {
	case given == 0:
		l.wrong("root", errors.New("there is none: a detached mount, a directory or an overlay is needed"))
	case given > 1:
		l.wrong("root", errors.New("it is a detached mount, a directory or an overlay, and only one of them"))
	}
}

// propagations are the words of Tree.Propagation without an r in front.
var propagations = [...]struct {
	word string
	flag uint64
}{
	{"", unix.MS_PRIVATE},
	{"private", unix.MS_PRIVATE},
	{"slave", unix.MS_SLAVE},
	{"shared", unix.MS_SHARED},
	{"unbindable", unix.MS_UNBINDABLE},
}

// parsePropagation splits the propagation of a root into what is set before it is
// attached and what can be set only when it is /.
func parsePropagation(text string) (attach uint64, later attrs, err error) {
	word, recursive := strings.CutPrefix(text, "r")
	var p uint64
	for _, known := range propagations {
		if known.word == word {
			p = known.flag
		}
	}
	if p == 0 || recursive && word == "" {
		return 0, attrs{}, fmt.Errorf("%q is none of private, slave, shared, unbindable, nor one of these with an r in front", text)
	}
	switch p {
	case unix.MS_SLAVE:
		return p, attrs{}, nil
	case unix.MS_SHARED, unix.MS_UNBINDABLE:
		// pivot_root(2) refuses a shared root, and nothing can be copied from an
		// unbindable one, as read-only paths are.
		later = attrs{propagation: p, recursive: recursive}
	}
	return unix.MS_PRIVATE, later, nil
}

func (l *layout) layMount(i int) {
	m := &l.tree.Mounts[i]
	e := entry{origin: m.Origin, fsType: m.Type, source: m.Source, from: m.From, layers: m.Overlay, within: noMount}
	if e.origin == "" {
		e.origin = "mounts[" + strconv.Itoa(i) + "]"
	}
	opts, err := ParseOptions(m.Options)
	if err != nil {
		l.wrong(e.origin, err)
	}
	e.opts = opts
	if l.tree.Label != "" && e.takesLabel() {
		e.opts.Data = append(slices.Clip(e.opts.Data), contextOption+"="+l.tree.Label)
	}
	if e.path, err = inside(m.Destination); err != nil {
		l.wrong(e.origin, fmt.Errorf("destination: %w", err))
	} else if m.Destination[0] != '/' {
		l.warn(e.origin, "the destination %s is relative, which is deprecated; it is taken for /%s", m.Destination, e.path)
	}
	if err := e.decide(); err != nil {
		l.wrong(e.origin, err)
	} else if err := checkProc(e.path, e.kind, e.fsType); err != nil {
		l.wrong(e.origin, err)
	}
	if e.kind == kindBind {
		for _, o := range slices.Concat(e.opts.Superblock, e.opts.Data) {
			l.warn(e.origin, "the option %s belongs to a file system and does nothing to a bind mount", o)
		}
	}
	e.within = l.enclosing(e.path, i)
	l.entries = append(l.entries, e)
}

// decide says of which kind the mount is, and whether it can be had like this.
func (e *entry) decide() error {
	if strings.IndexByte(e.fsType, 0) >= 0 || strings.IndexByte(e.source, 0) >= 0 {
		return fmt.Errorf("type %q or source %q: there is a NUL in it", e.fsType, e.source)
	}
	if e.fsType == "bind" {
		e.opts.Bind = true
	}
	if e.fsType == "cgroup" {
		e.fsType = "cgroup2"
	}
	if err := e.checkWords(); err != nil {
		return err
	}
	switch {
	case e.opts.Remount:
		e.kind = kindRemount
		if !e.opts.Bind && len(e.opts.Superblock)+len(e.opts.Data) > 0 {
			return fmt.Errorf("option %s: a remount changes the mount, not its file system; say it where that is mounted", slices.Concat(e.opts.Superblock, e.opts.Data)[0])
		}
		return nil
	case e.layers != nil:
		return e.decideOverlay()
	case e.opts.Bind || e.from != prog.FD{}:
		e.kind = kindBind
		if e.from != (prog.FD{}) {
			return nil
		}
		if !strings.HasPrefix(e.source, "/") {
			return fmt.Errorf("source %q: what is bound must be an absolute path of the host", e.source)
		}
		return nil
	case e.fsType == "tmpfs" && e.opts.TmpCopyUp:
		e.kind = kindOther // its content is not ours
		_, err := e.copyUp()
		return err
	case e.fsType == "tmpfs":
		e.kind = kindTmpfs
	case slices.Contains(kernelTypes, e.fsType):
		e.kind = kindKernel
	case e.fsType == "" || e.fsType == "none":
		return errors.New("the type of the file system is missing, and it is no bind mount")
	default:
		e.kind = kindOther
	}
	return checkParameters(e.fsType, append(e.parameters(), parameter{key: "source", value: e.source}))
}

// checkWords holds options that are about one kind of mount against the kind.
func (e *entry) checkWords() error {
	o := &e.opts
	bind := o.Bind || e.from != prog.FD{}
	switch {
	case o.IDMap && !bind:
		return errors.New("option idmap: only a bind mount can have ids of its own")
	case o.IDMap && e.from == prog.FD{}:
		return errors.New("option idmap: nobody has made the mount with its own ids (Mount.From)")
	case o.TmpCopyUp && (bind || o.Remount || e.fsType != "tmpfs"):
		return errors.New("option tmpcopyup: only a new tmpfs can have a copy of what it covers")
	case (o.CopySymlink || o.SrcNoFollow) && !bind:
		return errors.New("option copy-symlink or src-nofollow: only a bind mount has a source that may be a link")
	case o.CopySymlink && o.SrcNoFollow:
		return errors.New("options copy-symlink and src-nofollow: a link is copied or bound, and not both")
	case (o.CopySymlink || o.SrcNoFollow) && e.from != prog.FD{}:
		return errors.New("option copy-symlink or src-nofollow: the source was opened by somebody else")
	}
	return nil
}

// decideOverlay is decide for a mount with layers of its own.
func (e *entry) decideOverlay() error {
	e.kind = kindOther
	switch {
	case e.fsType != "" && e.fsType != "overlay":
		return fmt.Errorf("type %q: with layers it is an overlay", e.fsType)
	case e.opts.Bind || e.from != prog.FD{}:
		return errors.New("it is an overlay or a bind mount, and not both")
	}
	e.fsType = "overlay"
	if e.layers.empty() {
		return errors.New("overlay: it has no layers: what is empty is a tmpfs")
	}
	if err := e.layers.validate(e.parameters()); err != nil {
		return fmt.Errorf("overlay: %w", err)
	}
	return nil
}

// enclosing is the mount that a path lies in: of the first n, the last one whose
// destination is above it, since it covers what was there before.
func (l *layout) enclosing(p string, n int) int {
	return l.last(n, func(e *entry) bool { _, ok := below(p, e.path); return ok })
}

// at is the last mount whose destination is this path.
func (l *layout) at(p string) int {
	return l.last(len(l.entries), func(e *entry) bool { return e.path == p })
}

func (l *layout) last(n int, is func(*entry) bool) int {
	for i := n - 1; i >= 0; i-- {
		if e := &l.entries[i]; e.kind != kindRemount && is(e) {
			return i
		}
	}
	return noMount
}

func (l *layout) layHidden(field string, list []string) []hidden {
	out := make([]hidden, 0, len(list))
	for i, p := range list {
		origin := field + "[" + strconv.Itoa(i) + "]"
		clean, err := absolute(p)
		if err != nil {
			l.wrong(origin, err)
			continue
		}
		out = append(out, hidden{origin, clean, l.enclosing(clean, len(l.entries))})
	}
	return out
}

// delayReadOnly finds the file systems that are to be read-only and have something
// made inside.
func (l *layout) delayReadOnly() {
	for i := range l.entries {
		e := &l.entries[i]
		if e.fsType != "tmpfs" && e.layers == nil || e.kind == kindBind || e.kind == kindRemount || e.opts.fresh()&rdonly == 0 {
			continue
		}
		filled := func(p string) bool { _, ok := below(p, e.path); return ok }
		e.late = slices.ContainsFunc(l.entries[i+1:], func(o entry) bool { return filled(o.path) }) ||
			slices.ContainsFunc(l.nodes, func(n node) bool { return filled(n.path) }) ||
			slices.ContainsFunc(l.links, func(n link) bool { return filled(n.path) }) ||
			filled(l.cwd) || l.console && filled(consolePath)
	}
}
