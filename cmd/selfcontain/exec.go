package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/oci"
)

const execText = `The program runs in the namespaces, the cgroup and the root file system of the
container, with what the container's own process has in config.json: user,
environment, directory, capabilities and limits. Flags change that. A file of
--process says all of it, but for what it may leave out and is the container's then:
capabilities, oomScoreAdj, apparmorProfile, selinuxLabel, scheduler, ioPriority and
execCPUAffinity. A program with a terminal has one of the container's.

The exit status is the program's, and 128+n if signal n ended it. If it cannot be
executed one line on standard error says why, and the exit status is 255.
`

// execFailed is the exit status for errors of our own, as other runtimes have it.
const execFailed = 255

// texts are the values of a flag that may be given several times.
type texts []string

func (t *texts) String() string     { return "" }
func (t *texts) Set(s string) error { *t = append(*t, s); return nil }

// commaTexts are those of a flag of which one value may be several, with commas between.
type commaTexts []string

func (t *commaTexts) String() string     { return "" }
func (t *commaTexts) Set(s string) error { *t = append(*t, strings.Split(s, ",")...); return nil }

// executed is what the command line says of a program to execute.
type executed struct {
	g                                   *global
	file, pidFile                       string
	consoleSocket, pidfdSocket          string
	cwd, user, apparmor, label, cgroup  string
	env, groups                         texts
	caps                                commaTexts
	tty, detach, noNewPrivs, evenPaused bool
	preserved                           uint
}

func prepareExec(g *global, f *flag.FlagSet) action {
	x := execFlags(g, f)
	return func(args []string) (int, error) {
		status, err := x.run(f, args)
		if err != nil {
			return execFailed, g.explained(err)
		}
		return status, nil
	}
}

// planExec is for exec: a container that runs, and a program.
func planExec(g *global, f *flag.FlagSet) func(args []string) (*job, error) {
	x := execFlags(g, f)
	return func(args []string) (*job, error) {
		c, p, err := x.wanted(f, args)
		if err != nil {
			return nil, err
		}
		p.ExtraFiles = make([]*os.File, min(x.preserved, maxDescriptors)) // their number is what a plan has of them
		plan, err := c.Plan(&p)
		if err != nil {
			return nil, g.explained(err)
		}
		return &job{plan: plan}, nil
	}
}

// execFlags declares the flags of exec.
func execFlags(g *global, f *flag.FlagSet) *executed {
	x := &executed{g: g}
	f.StringVar(&x.file, "process", "", "take the process from `FILE`, as config.json has it")
	f.StringVar(&x.pidFile, "pid-file", "", "write the number of the process to `FILE`")
	f.StringVar(&x.consoleSocket, "console-socket", "", "send the program's terminal to the unix socket at `PATH`")
	f.StringVar(&x.pidfdSocket, "pidfd-socket", "", "send a pidfd of the process to the unix socket at `PATH`")
	f.StringVar(&x.cwd, "cwd", "", "the working directory, an absolute `PATH` in the container")
	f.StringVar(&x.user, "user", "", "run as `USER[:GROUP]`, numbers or names of the container")
	f.StringVar(&x.apparmor, "apparmor", "", "run under this AppArmor `PROFILE`")
	f.StringVar(&x.label, "process-label", "", "run with this SELinux `LABEL`")
	f.StringVar(&x.cgroup, "cgroup", "", "run in the cgroup at `PATH` in that of the container")
	f.Var(&x.env, "env", "set `NAME=VALUE` in the environment; may be given several times")
	f.Var(&x.groups, "additional-gids", "be in the group with this `NUMBER` as well; may be given several times")
	f.Var(&x.caps, "cap", "have this `CAPABILITY` as well, or several with commas between; may be given several times")
	f.BoolVar(&x.tty, "tty", false, "give the program a terminal")
	f.BoolVar(&x.detach, "detach", false, "do not wait for the program")
	f.BoolVar(&x.noNewPrivs, "no-new-privs", false, "setuid programs and file capabilities give nothing")
	f.BoolVar(&x.evenPaused, "ignore-paused", false, "wait for a paused container to be resumed")
	f.UintVar(&x.preserved, "preserve-fds", 0, "leave `N` descriptors more open, from 3 on")
	for short, long := range map[string]string{
		"p": "process", "u": "user", "e": "env", "g": "additional-gids", "c": "cap", "t": "tty", "d": "detach",
	} {
		f.Var(f.Lookup(long).Value, short, "")
	}
	return x
}

// wanted is the container that the arguments name, and the program to execute in it.
func (x *executed) wanted(f *flag.FlagSet, args []string) (c *container.Container, p container.Process, err error) {
	if c, err = x.g.load(f, args[:min(1, len(args))]); err != nil {
		return c, p, err
	}
	if p, err = x.process(c, args[1:], given(f, "tty"), given(f, "no-new-privs")); err != nil {
		return c, p, fmt.Errorf("exec: %w", err)
	}
	host, err := x.g.probe(container.ProbeProcess)
	c.Host = &host
	return c, p, err
}

func (x *executed) run(f *flag.FlagSet, args []string) (int, error) {
	c, p, err := x.wanted(f, args)
	if err != nil {
		return 0, err
	}
	var caught *signals
	if !x.detach {
		caught = catchSignals()
		if err := caught.ready(); err != nil {
			return 0, err
		}
	}
	const standard = 3 // input, output, error
	console, err := openConsole(p.Terminal, standard+int(min(x.preserved, maxDescriptors)), x.consoleSocket, caught)
	if err != nil {
		return 0, fmt.Errorf("exec: %w", err)
	}
	defer console.close()
	console.connect(&p)
	if err := x.start(c, &p); err != nil {
		return 0, err
	}
	defer p.Close()
	x.g.log.succeeded()
	if x.detach {
		return 0, nil
	}
	status, err := caught.wait(&p, p.PidFD())
	if err != nil {
		return 0, err
	}
	console.terminal.drain()
	return exitStatus(status), nil
}

// start starts the program and tells callers who it is. One of which they cannot be told
// is ended.
func (x *executed) start(c *container.Container, p *container.Process) error {
	var receiver *socket
	if x.pidfdSocket != "" {
		var err error
		if receiver, err = dial("--pidfd-socket", x.pidfdSocket); err != nil {
			return fmt.Errorf("exec: %w", err)
		}
		defer receiver.close()
	}
	if err := c.Start(p); err != nil {
		return err
	}
	var err error
	if receiver != nil {
		// The name tells it from that of a container's first process.
		err = receiver.send("setns", p.PidFD())
	}
	if err == nil && x.pidFile != "" {
		err = writePidFile(x.pidFile, p.Pid())
	}
	if err == nil {
		return nil
	}
	_ = p.Signal(unix.SIGKILL) // ESRCH: it has ended
	_, waited := p.Wait()
	return errors.Join(fmt.Errorf("exec: %w", err), waited, p.Close())
}

// process is what is to be executed: that of a file, or that of the container with
// another program, and both as the flags change it.
func (x *executed) process(c *container.Container, argv []string, tty, noNewPrivs bool) (p container.Process, err error) {
	spec, err := c.Spec()
	if err != nil {
		return p, err
	}
	own := spec.Process
	if x.file != "" {
		if len(argv) > 0 {
			return p, fmt.Errorf("%q: the program is that of --process", argv[0])
		}
		var warnings []oci.Warning
		if p, warnings, err = oci.LoadProcess(x.file); err != nil {
			return p, err
		}
		for _, w := range warnings {
			x.g.log.warn([]string{w.String()})
		}
		inherit(&p, &own)
	} else {
		if len(argv) == 0 {
			return p, errors.New("the program is missing")
		}
		p = own
		p.Args, p.Terminal, p.ConsoleSize = argv, false, container.WindowSize{}
		p.CPUAffinity = own.CPUAffinity
	}
	if tty {
		p.Terminal = x.tty
	}
	if noNewPrivs {
		p.NoNewPrivileges = x.noNewPrivs
	}
	if x.cwd != "" {
		p.Cwd = x.cwd
	}
	if x.apparmor != "" {
		p.AppArmorProfile = x.apparmor
	}
	if x.label != "" {
		p.SELinuxLabel = x.label
	}
	p.Cgroup, p.IgnorePaused = x.cgroup, x.evenPaused
	p.Env = replaced(p.Env, x.env)
	if err := x.capabilities(&p); err != nil {
		return p, err
	}
	return p, x.who(c, &p)
}

// inherit gives the process of a file what it does not say and the container's own has. Of
// two of them there is no word in such a file.
func inherit(p, own *container.Process) {
	p.Personality, p.MemoryPolicy = own.Personality, own.MemoryPolicy
	if p.Capabilities == nil {
		p.Capabilities = own.Capabilities
	}
	if p.OOMScoreAdj == nil {
		p.OOMScoreAdj = own.OOMScoreAdj
	}
	if p.AppArmorProfile == "" {
		p.AppArmorProfile = own.AppArmorProfile
	}
	if p.SELinuxLabel == "" {
		p.SELinuxLabel = own.SELinuxLabel
	}
	if p.Scheduler == nil {
		p.Scheduler = own.Scheduler
	}
	if p.IOPriority == nil {
		p.IOPriority = own.IOPriority
	}
	if p.CPUAffinity == (container.CPUAffinity{}) {
		p.CPUAffinity = own.CPUAffinity
	}
}

// replaced is an environment with other values for some names: of two values of one name
// some programs take the first, and others the last.
func replaced(env, values []string) []string {
	env = slices.Clone(env)
	for _, v := range values {
		name, _, _ := strings.Cut(v, "=")
		env = append(slices.DeleteFunc(env, func(old string) bool { return strings.HasPrefix(old, name+"=") }), v)
	}
	return env
}

// capabilities adds those of --cap to the sets that the program begins with.
func (x *executed) capabilities(p *container.Process) error {
	if len(x.caps) == 0 {
		return nil
	}
	sets := caps.Config{}
	if p.Capabilities != nil {
		sets = *p.Capabilities
	}
	more, warnings := caps.ParseSets(x.caps, x.caps, x.caps, nil, nil)
	if len(warnings) > 0 {
		return fmt.Errorf("--cap: %v", warnings[0])
	}
	sets.Bounding |= more.Bounding
	sets.Effective |= more.Effective
	sets.Permitted |= more.Permitted
	p.Capabilities = &sets
	return nil
}

// who resolves the user with the accounts of the container, and gives him his home
// directory where the environment has none, or that of the container's own user.
func (x *executed) who(c *container.Container, p *container.Process) error {
	isHome := func(v string) bool { return strings.HasPrefix(v, "HOME=") }
	home := slices.ContainsFunc(p.Env, isHome)
	if x.user != "" && x.file == "" && !slices.ContainsFunc(x.env, isHome) {
		home, p.Env = false, slices.DeleteFunc(p.Env, isHome) // it is a copy
	}
	if x.user != "" || !home {
		root, err := c.OpenRoot()
		if err != nil {
			return err
		}
		defer root.Close()
		dir := ""
		if x.user == "" {
			dir, err = container.LookupHome(root, p.User.UID)
		} else {
			mask := p.User.Umask
			p.User, dir, err = container.LookupUser(root, x.user)
			p.User.Umask = mask
		}
		if err != nil && x.user != "" {
			return fmt.Errorf("--%w", err)
		}
		if err != nil {
			x.g.log.warn([]string{fmt.Sprintf("process.env: HOME is /: %v", err)})
			dir = "/"
		}
		if !home {
			p.Env = append(p.Env, "HOME="+dir)
		}
	}
	for _, text := range x.groups {
		gid, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return fmt.Errorf("--additional-gids %s: want a number", text)
		}
		p.User.AdditionalGIDs = append(slices.Clone(p.User.AdditionalGIDs), uint32(gid))
	}
	return nil
}
