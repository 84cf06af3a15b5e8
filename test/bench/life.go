//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// life is a runtime that is called as engines call it: one command for each thing that
// becomes of a container.
type life struct {
	name    string
	at      place
	manager []string // who makes cgroups; runc has no such flag and always does
	bundle  bundle   // of a program that ends at once
	waiting bundle   // of one that waits to be killed
	s       *spawner

	live string // the id of a container that runs, for what is asked of one
}

// self is what ours is called among the runtimes.
const self = "selfcontain"

// runtimes are ours and those of the peers that have a command for each thing in a life.
func (o options) runtimes() []string {
	list := []string{self}
	for _, name := range o.peers {
		if p, _ := findPeer(name); p.lives {
			list = append(list, name)
		}
	}
	return list
}

// lifeOf is the life at a runtime, with a directory of state of its own below dir. The error says
// why there is none here.
func lifeOf(name string, at place, dir string, s *spawner) (*life, error) {
	l := &life{name: name, at: at, s: s}
	var err error
	if p, ok := findPeer(name); ok {
		l.manager = p.manager
		l.at.exe, err = p.find()
	}
	if err == nil {
		l.at.state, err = os.MkdirTemp(dir, "life-"+name+"-")
	}
	return l, err
}

// argv is a command of the runtime.
func (l *life) argv(verb string, args ...string) []string {
	line := append([]string{l.at.exe, "--root", l.at.state}, l.manager...)
	return append(append(line, verb), args...)
}

// call makes the runtime do something, and says how long that took.
func (l *life) call(verb string, args ...string) (time.Duration, error) {
	return runOnce(l.name+" "+verb, l.argv(verb, args...), l.s.attr())
}

// create makes a container and returns its first process, which is a child of the bench as
// soon as the command has ended: the bench is the first process of its pid namespace.
func (l *life) create(id string, b bundle) (pid int, err error) {
	file := filepath.Join(l.at.state, id+".pid")
	if _, err = l.call("create", "--no-new-keyring", "--bundle", b.dir, "--pid-file", file, id); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	if err := os.Remove(file); err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// begin makes a container whose program waits.
func (l *life) begin() (id string, pid int, err error) {
	id = l.s.id()
	if pid, err = l.create(id, l.waiting); err == nil {
		_, err = l.call("start", id)
	}
	return id, pid, err
}

// end kills a container and removes it.
func (l *life) end(id string, pid int) error {
	if _, err := l.call("kill", id, "KILL"); err != nil {
		return err
	}
	if err := reap(pid); err != nil {
		return err
	}
	_, err := l.call("delete", id)
	return err
}

// reap waits for the end of a container.
func reap(pid int) error {
	for {
		_, err := unix.Wait4(pid, nil, 0, nil)
		if err != unix.EINTR {
			return err
		}
	}
}

// jobs are what is compared. Each leaves the runtime as it was.
func (l *life) jobs() map[string]func() (time.Duration, error) {
	return map[string]func() (time.Duration, error){
		"create+start+delete": func() (time.Duration, error) {
			id, begun := l.s.id(), time.Now()
			pid, err := l.create(id, l.bundle)
			if err == nil {
				_, err = l.call("start", id)
			}
			if err == nil {
				err = reap(pid)
			}
			if err == nil {
				_, err = l.call("delete", id)
			}
			return time.Since(begun), err
		},
		"exec":  func() (time.Duration, error) { return l.call("exec", l.live, "/bin/true") },
		"state": func() (time.Duration, error) { return l.call("state", l.live) },
		"kill+delete": func() (time.Duration, error) {
			id, pid, err := l.begin()
			if err != nil {
				return 0, err
			}
			begun := time.Now()
			err = l.end(id, pid)
			return time.Since(begun), err
		},
	}
}

// lifeRows are the rows, in the order of the table.
var lifeRows = [...]struct {
	job        string
	reach, aim float64 // of crun; runc takes so long that there is no goal
}{
	{"create+start+delete", 0.7, 0.5},
	{"exec", 0.6, 0.5},
	{"state", 0.7, 0.5},
	{"kill+delete", 0.7, 0.5},
}

// addLife adds the rows of the life cycle. All make cgroups, as they do for engines.
func (t *table) addLife(o options, at place, timed bundle, dir string, s *spawner) error {
	waiting, err := makeBundle(filepath.Join(dir, "waiting"), "/bin/sleep", "100000")
	if err != nil {
		return err
	}
	begin := func(l *life) error {
		l.bundle, l.waiting = timed, waiting
		id, pid, err := l.begin()
		l.live = id
		if err == nil {
			t.created(l)
			t.atEnd = append(t.atEnd, func() error { return l.end(id, pid) })
		}
		return err
	}
	ours, err := lifeOf(self, at, dir, s)
	if err == nil {
		err = begin(ours)
	}
	if err != nil {
		return err
	}
	ourJobs := ours.jobs()
	for _, name := range o.runtimes()[1:] {
		theirs, missing := lifeOf(name, at, dir, s)
		var broken error
		version := ""
		if missing == nil {
			broken = begin(theirs)
			p, _ := findPeer(name)
			version = " " + p.version(theirs.at.exe)
		}
		for _, row := range lifeRows {
			r := &pair{
				section: "life cycle, with cgroups", name: row.job + " : " + name + version,
				ours: contestant{"selfcontain " + row.job, ourJobs[row.job]}, missing: missing, err: broken,
			}
			if name == "crun" {
				r.reach, r.aim = row.reach, row.aim
			}
			if missing == nil {
				r.peer = contestant{name + " " + row.job, theirs.jobs()[row.job]}
			}
			t.pairs = append(t.pairs, r)
		}
	}
	return nil
}

// created adds what a container takes that waits to be started.
func (t *table) created(l *life) {
	f := figure{Name: "created container of " + l.name, Unit: "KiB"}
	id := l.s.id()
	pid, err := l.create(id, l.bundle)
	if err == nil {
		f.Value, f.Note, err = residentNow(pid)
	}
	if err == nil {
		err = l.end(id, pid)
	}
	if err != nil {
		f.Note = err.Error()
	}
	t.figures = append(t.figures, f)
}

// residentNow is what a process has resident, with the part of it that is its own alone.
// proc_pid_status(5)
func residentNow(pid int) (kib float64, note string, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, "", err
	}
	values := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if n, ok := strings.CutSuffix(strings.TrimSpace(value), " kB"); ok {
			if values[name], err = strconv.ParseFloat(n, 64); err != nil {
				return 0, "", err
			}
		}
	}
	return values["VmRSS"], fmt.Sprintf("%.0f KiB of it anonymous", values["RssAnon"]), nil
}
