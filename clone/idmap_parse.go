package clone

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseIDMaps reads a map as /proc/PID/uid_map shows it, in columns: the one of a
// process that is itself in a user namespace says which ids it has to give away.
// A process without a map, just after CLONE_NEWUSER, has an empty one.
//
// The outside of what is read is the reader's own user namespace, and the ids that
// are not mapped there appear as 4294967295, which [IDMaps.Validate] refuses.
func ParseIDMaps(text []byte) (IDMaps, error) {
	var m IDMaps
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) != 3 {
			return nil, fmt.Errorf("id map: line %d: %d words, want 3", len(m), len(words))
		}
		var n [3]uint32
		for i, w := range words {
			v, err := strconv.ParseUint(w, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("id map: line %d: %w", len(m), err)
			}
			n[i] = uint32(v)
		}
		m = append(m, IDMap{ContainerID: n[0], HostID: n[1], Size: n[2]})
	}
	return m, nil
}
