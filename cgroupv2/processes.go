package cgroupv2

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Processes are the pids of all processes in the group and below, sorted. A process that the
// caller's pid namespace does not know is 0.
func (g *Group) Processes() ([]int, error) {
	var pids []int
	err := walk(g.fd, maxDepth, func(dir int) error {
		more, err := processes(dir)
		pids = append(pids, more...)
		return err
	})
	if err == nil && len(pids) == 0 {
		pids, err = threaded(g.fd)
	}
	slices.Sort(pids)
	return pids, g.failed("cgroup.procs", err)
}

// threaded are the processes that have threads in a threaded group, and nothing if the group is
// another one. cgroups(7), "Thread mode"
func threaded(dir int) (pids []int, err error) {
	if kind, err := readFile(dir, "cgroup.type"); err != nil || kind != "threaded\n" {
		return nil, nil //nolint:nilerr // the root has no type
	}
	err = walk(dir, maxDepth, func(dir int) error {
		text, err := readFile(dir, "cgroup.threads")
		if err != nil {
			return err
		}
		tids, err := parsePIDs(text)
		for _, tid := range tids {
			if pid, ok := processOf(tid); ok && !slices.Contains(pids, pid) {
				pids = append(pids, pid)
			}
		}
		return err
	})
	if gone(err) {
		err = nil
	}
	return pids, err
}

// processOf is the process of a thread, while that lives. proc_pid_status(5)
func processOf(tid int) (pid int, ok bool) {
	if tid == 0 { // of another pid namespace
		return 0, true
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	for line := range strings.Lines(string(text)) {
		if number, found := strings.CutPrefix(line, "Tgid:"); found && err == nil {
			pid, err = strconv.Atoi(strings.TrimSpace(number))
			return pid, err == nil
		}
	}
	return 0, false
}

// processes are those of one group itself.
func processes(dir int) ([]int, error) {
	text, err := readFile(dir, "cgroup.procs")
	if errors.Is(err, unix.EOPNOTSUPP) || gone(err) {
		// A threaded group: its processes are listed above, where the threads'
		// domain is. Or the group has been removed meanwhile.
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parsePIDs(text)
}

// gone reports whether an error says that a group has been removed.
func gone(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) }

// maxDepth bounds how far down is gone. Whoever was delegated a group may make
// them as deep as he likes.
const maxDepth = 500

// walk calls do for all groups below dir, children first, and last for dir itself. A
// group that goes away meanwhile is passed over.
func walk(dir, depth int, do func(dir int) error) error {
	if depth == 0 {
		return fmt.Errorf("groups are nested deeper than %d", maxDepth)
	}
	names, err := children(dir)
	if err != nil && !gone(err) {
		return err
	}
	for _, child := range names {
		fd, err := openBelow(dir, child, oDir)
		if gone(err) {
			continue
		}
		if err != nil {
			return err
		}
		err = walk(fd, depth-1, do)
		if err := errors.Join(err, unix.Close(fd)); err != nil {
			return err
		}
	}
	return do(dir)
}

// children are the names of the groups directly below dir.
func children(dir int) ([]string, error) {
	entries, err := list(dir)
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func list(dir int) ([]os.DirEntry, error) {
	fd, err := openBelow(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), ".")
	entries, err := f.ReadDir(-1)
	return entries, errors.Join(err, f.Close())
}

// pidList is "pid 7" or "pids 7, 8, 9 and 40 more".
func pidList(pids []int) string {
	const shown = 10
	var words []string
	for _, p := range pids[:min(len(pids), shown)] {
		words = append(words, strconv.Itoa(p))
	}
	text := "pids " + strings.Join(words, ", ")
	if len(pids) == 1 {
		text = "pid " + words[0]
	}
	if more := len(pids) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
