package clone

// joinOrder is the order in which setns(2) is called.
//
// NEWUSER comes first. setns asks for CAP_SYS_ADMIN in the user namespace that owns
// the one to join and in the caller's own; whoever has joined a user namespace has
// all capabilities there, so everything that belongs to it can then be joined
// without privilege outside. The kernel does the same when it is given several
// flags with one pidfd (validate_nsset in kernel/nsproxy.c). The price: a namespace
// that belongs to an outer user namespace can no longer be joined, EPERM.
//
// NEWPID may come anywhere: it decides about the children that are made later and
// leaves the caller where it is. It stands before NEWNS because a process is made
// after both, and a /proc mounted in between would be of the wrong namespace.
//
// NEWNS comes last. It moves the root and the working directory of the caller, and
// from then on a path means a file of the container.
var joinOrder = [...]NamespaceType{NEWUSER, NEWCGROUP, NEWIPC, NEWUTS, NEWNET, NEWTIME, NEWPID, NEWNS}

// Joins lists the namespaces to join, those with a path, in the order in which
// setns(2) must be called for them.
//
// All paths are to be opened before the first call: they are paths of the caller,
// and mean something else, or need rights that are gone, afterwards. The caller
// must have a single thread for NEWUSER (EINVAL) and NEWTIME (EUSERS), and share
// its working directory with no other process for NEWNS (EINVAL), so a Go program
// cannot do it itself.
func (n Namespaces) Joins() []Namespace {
	var list []Namespace
	for _, t := range joinOrder {
		if path := n.PathOf(t); path != "" {
			list = append(list, Namespace{Type: t, Path: path})
		}
	}
	return list
}
