package cgroupv2

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// notLimits are files that move, stop or end processes, or open the group to others:
// that is not for a configuration to write.
var notLimits = []string{
	"cgroup.procs", "cgroup.threads", "cgroup.kill", "cgroup.freeze", "cgroup.type", "cgroup.subtree_control",
}

func listUnified(l *lister, values map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		property := fmt.Sprintf("unified[%q]", key)
		switch {
		case !fileName(key):
			l.wrong(property, "this is no name of a file of a group, such as memory.high")
			continue
		case slices.Contains(notLimits, key):
			l.wrong(property, "this file is not a limit")
			continue
		case strings.ContainsRune(values[key], 0):
			l.wrong(property, "the value has a byte 0")
			continue
		}
		// Files with a line for each device take one line at a time.
		lines := 0
		for line := range strings.SplitSeq(values[key], "\n") {
			if line != "" {
				l.add(property, key, line)
				lines++
			}
		}
		if lines == 0 { // an empty cpuset.cpus is one
			l.add(property, key, "")
		}
	}
}

// fileName reports whether a file of a group may be called so: CONTROLLER.WORD, with
// more words behind further dots.
func fileName(name string) bool {
	words := strings.Split(name, ".")
	if len(words) < 2 {
		return false
	}
	for _, w := range words {
		odd := func(r rune) bool {
			return !(r == '_' || r == '-' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z')
		}
		if w == "" || strings.ContainsFunc(w, odd) {
			return false
		}
	}
	return true
}
