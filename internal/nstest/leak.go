package nstest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// snapshot is what tests can leave behind. Each map goes from what makes an
// entry itself to the words that describe it.
type snapshot struct {
	descriptors map[string]string
	children    map[string]string
	mounts      map[string]string
	cgroups     map[string]string
}

// runChecked runs the tests and compares what was there before with what is
// there afterwards.
func runChecked(m *testing.M, needs Needs) int {
	heedSignals()
	withCgroups := needs.Cgroups || os.Getenv(guestEnv) != ""
	if err := warmRuntime(); err != nil {
		return fail(err)
	}
	before, err := takeSnapshot(withCgroups)
	if err != nil {
		return fail(err)
	}
	code := m.Run()
	for deadline := time.Now().Add(grace()); ; time.Sleep(5 * time.Millisecond) {
		after, err := takeSnapshot(withCgroups)
		if err != nil {
			return fail(err)
		}
		left := after.left(before)
		if len(left) == 0 {
			return code
		}
		if time.Now().After(deadline) {
			fail(errors.New(strings.Join(left, "\n")))
			return max(code, 1)
		}
	}
}

// heedSignals makes what the tests start heed the signals that this process has been told
// to ignore, as by nohup(1) or in the background of a shell without job control: a
// handler does not outlive an execve, and SIG_IGN does. signal(7)
func heedSignals() {
	for _, sig := range []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
}

// warmRuntime makes the Go runtime open what it keeps: the descriptors of its
// network poller, which the first pipe asks for.
func warmRuntime() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	return errors.Join(r.Close(), w.Close())
}

func takeSnapshot(withCgroups bool) (s snapshot, err error) {
	if s.descriptors, err = descriptors(); err != nil {
		return s, err
	}
	procs, err := children(os.Getpid())
	if err != nil {
		return s, err
	}
	s.children = map[string]string{}
	for _, p := range procs {
		s.children[fmt.Sprint(p.pid)] = "child process " + p.String()
	}
	// An ordinary user cannot mount here or make cgroups, but others do.
	if os.Geteuid() != 0 {
		return s, nil
	}
	infos, err := mountinfo.GetMounts(nil)
	if err != nil {
		return s, err
	}
	s.mounts = mounts(infos)
	if withCgroups {
		s.cgroups, err = cgroups(infos)
	}
	return s, err
}

// left returns a line for everything in s that was not there before.
func (s snapshot) left(before snapshot) []string {
	var lines []string
	for _, pair := range [][2]map[string]string{
		{s.descriptors, before.descriptors},
		{s.children, before.children},
		{s.mounts, before.mounts},
		{s.cgroups, before.cgroups},
	} {
		for _, key := range slices.Sorted(maps.Keys(pair[0])) {
			if _, ok := pair[1][key]; !ok {
				lines = append(lines, "left behind: "+pair[0][key])
			}
		}
	}
	return lines
}

// descriptors returns the open descriptors of this process.
func descriptors() (map[string]string, error) {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the one that has read the directory
		}
		if err != nil {
			return nil, err
		}
		line := fmt.Sprintf("descriptor %s: %s", e.Name(), target)
		out[line] = line
	}
	return out, nil
}

// mounts describes each mount by all that a careless test changes, also the
// flags and the propagation of one that was there before. Two equal mounts on
// top of each other are two entries.
func mounts(infos []*mountinfo.Info) map[string]string {
	out := map[string]string{}
	for _, i := range infos {
		line := strings.TrimSpace(fmt.Sprintf("mount %s of %s on %s (%s) %s", i.FSType, i.Root, i.Mountpoint, i.Options, i.Optional))
		key := line
		for n := 2; out[key] != ""; n++ {
			key = fmt.Sprintf("%s #%d", line, n)
		}
		out[key] = line
	}
	return out
}

// cgroups returns the directories of the mounted cgroup v2 hierarchies. Those
// that systemd names after its units come and go by themselves.
func cgroups(infos []*mountinfo.Info) (map[string]string, error) {
	out := map[string]string{}
	for _, i := range infos {
		if i.FSType != "cgroup2" {
			continue
		}
		err := filepath.WalkDir(i.Mountpoint, func(p string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil // removed meanwhile
			case err != nil:
				return err
			case !d.IsDir():
				return nil
			}
			switch filepath.Ext(p) {
			case ".slice", ".service", ".scope", ".mount":
				return fs.SkipDir
			}
			out[p] = "cgroup " + p
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
