package mounts

import "golang.org/x/sys/unix"

// attrs is one change of attributes, as mount_setattr(2) takes it.
type attrs struct {
	set, clear  uint64
	propagation uint64
	recursive   bool
}

func (a attrs) isZero() bool { return a.set|a.clear|a.propagation == 0 }

// fresh are the attributes of a file system's first mount, for fsmount(2).
func (o *Options) fresh() uint64 { return o.SetAll&^o.Clear | o.Set }

// bind are the changes that make of a copy of its source what was asked for: the
// whole tree first, then what is different at the top.
//
// A copy is a peer of its source where that is shared. So unless it is to stay one it
// becomes private, and always with all that is mounted below: what was left alone
// there could mount something into the host.
func (o *Options) bind() []attrs {
	all := attrs{set: o.SetAll, clear: o.ClearAll, propagation: o.Propagation, recursive: o.Recursive}
	if all.propagation == 0 {
		all.propagation = unix.MS_PRIVATE
	}
	top := attrs{set: o.Set, clear: o.Clear & o.SetAll}
	if o.Clear&atimes == atimes || top.clear&atimes != 0 {
		top.clear |= atimes
	}
	if !o.Recursive {
		all.set = all.set&^o.Clear | top.set
		all.clear |= top.clear
		return []attrs{all}
	}
	if top.isZero() {
		return []attrs{all}
	}
	return []attrs{all, top}
}

// remount are the changes of a mount that is there, exactly those that were asked
// for. MS_REMOUNT would clear whatever is not repeated, and be refused (EPERM) where
// that is locked in a user namespace.
func (o *Options) remount() []attrs {
	var list []attrs
	all := attrs{set: o.SetAll, clear: o.ClearAll, recursive: true}
	top := attrs{set: o.Set, clear: o.Clear}
	if o.PropagationAll {
		all.propagation = o.Propagation
	} else {
		top.propagation = o.Propagation
	}
	if top.clear&atimes != 0 {
		top.clear |= atimes
	}
	for _, a := range []attrs{all, top} {
		if !a.isZero() {
			list = append(list, a)
		}
	}
	return list
}
