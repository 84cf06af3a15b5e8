package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/nsexec"
)

const boxText = `CMD, or sh, runs in a container that needs no preparation. Its root file system
is the machine's own, and what it changes there is kept in memory and gone in the
end: nothing of the machine is touched. With --keep DIR the changes stay, with
--rootfs DIR another root file system is used.

/proc, /sys, /dev, /run and /tmp are the box's own. The other file systems of the
machine are there to be read. For an ordinary user what belongs to another user or
group is there to be read as well: the box has a root of its own, who is that user.
With lines in /etc/subuid and /etc/subgid, and newuidmap, it has other users too.
So root can install packages in the machine's system, and an ordinary user in a
root file system of his own. Without those lines a file in it can belong to nobody
else, and apt-get needs "-o APT::Sandbox::User=root".

It has its own processes, mounts, host name, IPC, cgroups and network, in which
there is nothing but lo; docker's fourteen capabilities, and no way to more; of the
environment PATH, HOME, TERM and LANG. The exit status is the program's, 128+n if
signal n ended it, 127 if there is no such program, 126 if it cannot be executed,
and 125 if the box cannot be made.

--memory, --cpus and --pids take a cgroup of the box's own. An ordinary user may make
one below systemd's user manager, in whose care his shell often is not:

  systemd-run --user --scope -p Delegate=yes selfcontain box --memory 64m

  selfcontain box                             a shell; what you do there is undone
  selfcontain box -v . -- make                only the current directory is for real
  selfcontain box --net host -- apt-get upgrade     as root: try it
  selfcontain box --net ipvlan:eth0 -- ip address   as root: on the machine's network
  selfcontain box --rootfs ./debian -t -- top
`

// Exit statuses that docker and podman have for it.
const (
	boxFailed        = 125
	boxNotExecutable = 126
	boxNotFound      = 127
)

func prepareBox(g *global, f *flag.FlagSet) action {
	plan := planBox(true)(g, f)
	return func(args []string) (int, error) {
		signals := catchSignals()
		j, err := plan(args)
		if err != nil {
			return boxFailed, err
		}
		status, err := j.run(&g.log, "", signals)
		if err != nil {
			return boxStatus(err), g.explained(err)
		}
		return status, nil
	}
}

// planBox is for box: a program and its arguments, or nothing for a shell. What is traced has
// no gate, and so no cgroup.
func planBox(gated bool) planner {
	return func(g *global, f *flag.FlagSet) func(args []string) (*job, error) {
		var flags boxFlags
		flags.declare(f)
		return func(args []string) (*job, error) { return flags.job(g, args, gated) }
	}
}

// job plans a box on this one.
func (b *boxFlags) job(g *global, args []string, gated bool) (*job, error) {
	host, err := g.probe(container.Probe)
	if err != nil {
		return nil, err
	}
	m, err := look(b, g.root, b.ownUsers(host))
	if err != nil {
		return nil, fmt.Errorf("box: %w", err)
	}
	// Who may load a filter of devices has one for the box, which takes a cgroup.
	if b.limits.any() || gated && host.DeviceFilters {
		if m.ID, err = boxID(); err != nil {
			return nil, fmt.Errorf("box: %w", err)
		}
		m.Cgroup = g.defaultGroup(m.ID)
	}
	j, err := b.jobOn(host, m, args)
	if err == nil && j.limited != nil {
		j.limited.root, err = g.states()
	}
	return j, err
}

// jobOn plans a box on a machine.
func (b *boxFlags) jobOn(host container.Host, m machine, args []string) (*job, error) {
	spec, warnings, err := b.spec(args, host, m)
	if err != nil {
		return nil, fmt.Errorf("box: %w", err)
	}
	compile := container.Compile
	if spec.Cgroup != nil {
		compile = container.CompileGated
	}
	plan, err := compile(spec, host)
	if err != nil {
		return nil, err
	}
	plan.Warnings = append(warnings, plan.Warnings...)
	j := &job{plan: plan, layers: layersOf(spec), scratch: m.Scratch}
	if spec.Cgroup != nil {
		j.limited = &limitedBox{id: m.ID, spec: spec, host: &host, limits: b.limits}
	}
	j.remove = func(dir string) error { return b.remove(host, m, dir) }
	if b.keep != "" {
		j.keep = b.changes(m)
	}
	return j, nil
}

// remove removes a tree of changes. Some of it may belong to users that only a user
// namespace has: then the machine's rm(1) does it, in a box to which only that tree is
// real.
func (b *boxFlags) remove(host container.Host, m machine, dir string) error {
	own := container.RemoveTree(dir)
	if own == nil {
		return nil
	}
	parent := filepath.Dir(dir)
	again := boxFlags{binds: list{parent}, workdir: "/", capDrop: list{"ALL"}, capAdd: list{"DAC_OVERRIDE", "FOWNER"}}
	again.declare(flagSet(""))
	m.Scratch, m.Cgroup = "", ""
	spec, _, err := again.spec([]string{"rm", "-rf", "--", dir}, host, m)
	if err != nil {
		return errors.Join(own, err)
	}
	plan, err := container.Compile(spec, host)
	if err != nil {
		return errors.Join(own, err)
	}
	process, err := plan.Start(container.Stdio{Err: os.Stderr})
	if err != nil {
		return errors.Join(own, err)
	}
	defer process.Close()
	if status, err := process.Wait(); err != nil || status != 0 {
		return errors.Join(own, err)
	}
	return nil
}

// boxStatus tells a program that is not there and one that cannot be executed from a
// box that cannot be made.
func boxStatus(err error) int {
	var op *nsexec.OpError
	if !errors.As(err, &op) || op.Origin != "process.args[0]" { // where it is looked for, and executed
		return boxFailed
	}
	switch op.Errno {
	case unix.ENOENT, unix.ENOTDIR:
		return boxNotFound
	case 0:
		return boxFailed
	}
	return boxNotExecutable
}
