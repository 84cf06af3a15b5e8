package nstest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// process is a line of /proc/PID/stat, as far as it is needed here.
type process struct {
	pid   int
	name  string
	state string
}

func (p process) String() string {
	if p.state == "Z" {
		return fmt.Sprintf("%d (%s), a zombie: nobody waited for it", p.pid, p.name)
	}
	return fmt.Sprintf("%d (%s), state %s", p.pid, p.name, p.state)
}

// children returns the child processes of pid, zombies included. It reads all
// of /proc: /proc/PID/task/TID/children needs CONFIG_PROC_CHILDREN.
func children(pid int) ([]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var out []process
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended
		}
		p, parent, err := parseStat(string(stat))
		if err != nil {
			return nil, err
		}
		if parent == pid {
			out = append(out, p)
		}
	}
	return out, nil
}

// parseStat reads the start of a line of /proc/PID/stat (proc_pid_stat(5)):
// the pid, the name in parentheses, which may hold parentheses itself, the
// state and the parent.
func parseStat(line string) (p process, parent int, err error) {
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return p, 0, fmt.Errorf("/proc/PID/stat: no name in %q", line)
	}
	if p.pid, err = strconv.Atoi(strings.TrimSpace(line[:open])); err != nil {
		return p, 0, fmt.Errorf("/proc/PID/stat: %w", err)
	}
	p.name = line[open+1 : end]
	fields := strings.Fields(line[end+1:])
	if len(fields) < 2 {
		return p, 0, fmt.Errorf("/proc/PID/stat: no parent in %q", line)
	}
	p.state = fields[0]
	if parent, err = strconv.Atoi(fields[1]); err != nil {
		return p, 0, fmt.Errorf("/proc/PID/stat: %w", err)
	}
	return p, parent, nil
}
