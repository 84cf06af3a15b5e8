package prog

import "testing"

// TestNames: a value with a name is printed as this name, whatever stands before it
// in its table. A flag of several bits, such as O_TMPFILE, is where this goes wrong.
func TestNames(t *testing.T) {
	seen := map[*name]bool{}
	for c := range calls {
		lists := [][]param{calls[c].params}
		for _, v := range calls[c].variants {
			lists = append(lists, v.params)
		}
		for _, params := range lists {
			for _, p := range params {
				testNames(t, calls[c].name+" "+p.name, p.kind, seen)
			}
		}
	}
	for where, k := range map[string]*Kind{
		"openat2 how.flags": &openFlags, "openat2 how.resolve": &resolveFlags,
		"mount_setattr": &mountAttrs, "propagation": &propagationFlags,
		"cmsg_level": &socketLevels, "cmsg_type": &messageTypes,
		"clone3 flags": &cloneFlags, "ifr_flags": &interfaceFlags,
		"sched_policy": &schedPolicies, "sched_flags": &schedFlags, "ioprio class": &ioprioClasses,
		"mempolicy mode": &memoryModes, "mempolicy flags": &memoryFlags, "key permissions": &keyPermissions,
	} {
		testNames(t, where, k, seen)
	}
}

func testNames(t *testing.T, where string, k *Kind, seen map[*name]bool) {
	t.Helper()
	if len(k.names) == 0 || seen[&k.names[0]] {
		return
	}
	seen[&k.names[0]] = true
	for _, n := range k.names {
		if got := string(appendNumber(nil, k, n.value)); got != n.name {
			t.Errorf("%s: %s is printed as %s", where, n.name, got)
		}
	}
}
