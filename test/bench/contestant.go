//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// timeout ends a contestant that hangs, so that the bench does not.
const timeout = 20 * time.Second

// contestant is one side of a pair: it does its job once and says how long that took.
type contestant struct {
	name string
	run  func() (time.Duration, error)
}

// spawner starts commands with equal surroundings.
type spawner struct {
	prefix string
	null   *os.File
	count  int
}

// id is new for each container, as every runtime demands. cgroups of the peers
// are named after it, which is how removeCgroups knows them.
func (s *spawner) id() string {
	s.count++
	return s.prefix + "-" + strconv.Itoa(s.count)
}

// command makes a contestant of a command line. What the command says is lost:
// verify has run it before, where it is heard.
func (s *spawner) command(name string, argv func(id string) []string) contestant {
	attr := s.attr()
	return contestant{name: name, run: func() (time.Duration, error) { return runOnce(name, argv(s.id()), attr) }}
}

// attr is what a command gets.
func (s *spawner) attr() *os.ProcAttr {
	return &os.ProcAttr{Env: []string{"PATH=" + os.Getenv("PATH")}, Files: []*os.File{s.null, s.null, s.null}}
}

func runOnce(name string, args []string, attr *os.ProcAttr) (time.Duration, error) {
	start := time.Now()
	p, err := os.StartProcess(args[0], args, attr)
	if err != nil {
		return 0, err
	}
	watchdog := time.AfterFunc(timeout, func() { _ = p.Kill() })
	state, err := p.Wait()
	took := time.Since(start)
	watchdog.Stop()
	if err == nil && !state.Success() {
		err = fmt.Errorf("%s: %v", name, state)
	}
	return took, err
}

// sight is what a program in the container saw of it.
type sight struct {
	mounts     int
	namespaces int // new ones
}

// lookAround is the program that verify runs. Where the contestant mounts no
// /proc it does so itself, in order to see, and then does not count mounts.
const lookAround = `
if [ -e /proc/self ]; then cat /proc/self/mountinfo; else mount -t proc proc /proc; fi
for n in cgroup ipc mnt net pid uts; do readlink /proc/self/ns/$n; done`

// verify runs a command line of the contestant once, with lookAround as its
// program, so that neither a failure nor a shared namespace passes for speed.
func verify(argv []string) (sight, error) {
	var out, diag bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &diag
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		if said := lastLine(diag.String()); said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
		return sight{}, err
	}
	var seen sight
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSpace(line)
		kind, _, isNamespace := strings.Cut(line, ":[")
		if !isNamespace {
			seen.mounts++
			continue
		}
		host, err := os.Readlink("/proc/self/ns/" + kind)
		if err != nil {
			return seen, err
		}
		if host == line {
			return seen, fmt.Errorf("runs in the bench's own %s namespace", kind)
		}
		seen.namespaces++
	}
	if seen.namespaces != 6 {
		return seen, fmt.Errorf("shows %d of 6 new namespaces", seen.namespaces)
	}
	return seen, nil
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// openNull opens the standard streams of all contestants.
func openNull() (*os.File, error) { return os.OpenFile(os.DevNull, os.O_RDWR|unix.O_CLOEXEC, 0) }
