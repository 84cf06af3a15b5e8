package clone

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Namespace is one namespace of a container.
type Namespace struct {
	// Type is what it isolates.
	Type NamespaceType `json:"type"`
	// Path is a file that stands for an existing namespace to join, such as
	// /proc/PID/ns/net or a bind mount of one. Empty makes a new namespace.
	Path string `json:"path"`
}

// Namespaces are the namespaces of a container, one of a type. A type that is not
// among them is shared with the caller.
type Namespaces []Namespace

// Add adds a namespace: a new one for an empty path, otherwise one to join. It
// replaces one of the same type.
func (n *Namespaces) Add(t NamespaceType, path string) {
	if i := n.index(t); i >= 0 {
		(*n)[i].Path = path
		return
	}
	*n = append(*n, Namespace{Type: t, Path: path})
}

// Remove removes the namespace of a type and reports whether there was one.
func (n *Namespaces) Remove(t NamespaceType) bool {
	before := len(*n)
	*n = slices.DeleteFunc(*n, func(ns Namespace) bool { return ns.Type == t })
	return len(*n) != before
}

// Contains reports whether there is a namespace of this type, new or to join.
func (n Namespaces) Contains(t NamespaceType) bool { return n.index(t) >= 0 }

// PathOf is the path of the namespace to join. It is empty for one that is made
// new and for one that is not there; [Namespaces.Contains] tells them apart.
func (n Namespaces) PathOf(t NamespaceType) string {
	if i := n.index(t); i >= 0 {
		return n[i].Path
	}
	return ""
}

func (n Namespaces) index(t NamespaceType) int {
	return slices.IndexFunc(n, func(ns Namespace) bool { return ns.Type == t })
}

// CloneFlags is the CLONE_ flags of the namespaces that are made new.
//
// CLONE_NEWTIME among them takes effect at once in a plain fork, and the clocks of
// a time namespace cannot be changed once a process is in it: the child's write to
// timens_offsets is EACCES. A child made with CLONE_VM and CLONE_VFORK enters it by
// execve, as after unshare(2). See time_namespaces(7) and kernel/time/namespace.c.
func (n Namespaces) CloneFlags() uintptr {
	var flags uintptr
	for _, ns := range n {
		if ns.Path == "" {
			flags |= ns.Type.Flag()
		}
	}
	return flags
}

// Validate returns what is wrong: a type that is not known or stands twice, or a
// path that no file can have. It does not look at the files.
func (n Namespaces) Validate() error {
	var errs []error
	for i, ns := range n {
		if ns.Type.Flag() == 0 {
			errs = append(errs, fmt.Errorf("namespace %d: type %q is unknown", i, string(ns.Type)))
			continue
		}
		if n.index(ns.Type) != i {
			errs = append(errs, fmt.Errorf("namespace %d: type %s stands twice", i, ns.Type))
		}
		if strings.IndexByte(ns.Path, 0) >= 0 {
			errs = append(errs, fmt.Errorf("namespace %d: path %q holds a NUL", i, ns.Path))
		}
	}
	return errors.Join(errs...)
}
