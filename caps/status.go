package caps

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseStatus reads the five sets of a process from the text of /proc/PID/status,
// proc_pid_status(5). The securebits are not shown there.
func ParseStatus(text []byte) (Config, error) {
	var c Config
	sets := c.sets()
	lines := [len(sets)]string{"CapBnd", "CapEff", "CapPrm", "CapInh", "CapAmb"} // in the order of sets
	var seen [len(sets)]bool
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		for i := range lines {
			if lines[i] != key {
				continue
			}
			if seen[i] {
				return Config{}, fmt.Errorf("status of a process: %s stands twice", key)
			}
			v, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			if err != nil {
				return Config{}, fmt.Errorf("status of a process: %s: %w", key, err)
			}
			*sets[i].set, seen[i] = Set(v), true
		}
	}
	for i := range seen {
		if !seen[i] {
			return Config{}, fmt.Errorf("status of a process: no line %s", lines[i])
		}
	}
	return c, nil
}

// ParseLast reads the kernel's last capability from the text of
// /proc/sys/kernel/cap_last_cap. Linux 3.2.
func ParseLast(text []byte) (Cap, error) {
	v, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 8)
	if err != nil || v > 63 {
		return 0, fmt.Errorf("cap_last_cap: %q is not the number of a capability", text)
	}
	return Cap(v), nil
}
