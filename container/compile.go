package container

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// Compile turns what is wanted into what will be done. It is a pure function: it asks
// nobody but its arguments, and does nothing. The error names the line of the
// configuration that cannot be done, and why.
func Compile(spec Spec, host Host) (*Plan, error) { return compile(spec, host, executes) }

func compile(spec Spec, host Host, end ending) (*Plan, error) {
	if len(host.Missing) > 0 {
		return nil, fmt.Errorf("kernel %s is too old for a container: it does not have %s", host.Kernel, strings.Join(host.Missing, ", "))
	}
	c := &compiler{spec: spec, host: host, gated: end == waits, held: end == holds, b: &prog.Builder{}, plan: &Plan{}}
	c.b.Grow(spec.operations())
	if err := c.check(); err != nil {
		return nil, err
	}
	c.fallBack()
	c.before()
	if err := c.child(); err != nil {
		return nil, err
	}
	program, err := c.b.Program()
	if err != nil {
		return nil, err
	}
	c.plan.Child = program
	if err := c.hooksAround(); err != nil {
		return nil, err
	}
	c.limitBorn()
	c.plan.gate = c.gated || c.held
	c.plan.wanted, c.plan.host = &c.spec, &c.host
	c.plan.Clone = Birth{Namespaces: spec.Namespaces.CloneFlags(), Files: c.files, Kept: c.kept(), Cgroup: c.plan.cgroup}
	if c.inTwo() {
		c.plan.Clone.Namespaces = 0 // the first process makes them for the second
	}
	return c.plan, nil
}

// operations is about how many a container of the usual kind has, so that nothing has to grow.
func (s *Spec) operations() int {
	return 95 + 8*len(s.Mounts) + 9*len(s.MaskedPaths) + 5*len(s.ReadonlyPaths)
}

// compiler is one run of Compile.
type compiler struct {
	spec  Spec
	host  Host
	b     *prog.Builder
	plan  *Plan
	files []prog.FD // what is handed down, by number
	root  prog.FD
	null  prog.FD
	joins []prog.FD // one for each namespace to join, in the order of setns
	proc  prog.Slot // the host's procfs, once it is open

	networks []network // as they have been understood
	routes   []route

	terminal mounts.Terminal // its two ends, if there is one

	gated bool    // the container waits to be started
	gate  prog.FD // where it does
	held  bool    // it has no program

	target *Target // the container that is entered, where none is made
}

// warn keeps a warning for the reader of the plan.
func (c *compiler) warn(format string, v ...any) {
	c.plan.Warnings = append(c.plan.Warnings, fmt.Sprintf(format, v...))
}

// hand gives a descriptor of the host's side the next number in the container.
func (c *compiler) hand(name string) prog.FD {
	fd := prog.FD{Num: len(c.files), Name: name}
	c.files = append(c.files, fd)
	return fd
}

// before lists what the host's side has to open: everything that the container needs
// of the host and could not reach, or could be led astray to, by itself.
func (c *compiler) before() {
	c.handProgram()
	step := func(s Step) prog.FD {
		c.plan.Before = append(c.plan.Before, s)
		return s.As
	}
	c.beforeCgroup(step)
	// Who may copy mounts hands them down; otherwise the container copies, if it may.
	handed := c.host.copiesMounts() || !c.inUser() && !c.host.ForeignMounts
	if handed && c.spec.Root.Overlay == nil { // which it makes in any case
		c.root = step(Step{
			Action: CloneTree, Path: c.spec.Root.Path, As: c.hand("root"),
			Why: "the root file system, as a tree that is attached nowhere", Origin: "root.path",
		})
	}
	if handed && len(c.spec.MaskedPaths) > 0 {
		c.null = step(Step{
			Action: CloneNull, Path: "/dev/null", As: c.hand("null"),
			Why: "what masked files become", Origin: "linux.maskedPaths",
		})
	}
	c.beforeMounts(step)
	for _, ns := range c.spec.Namespaces.Joins() {
		c.joins = append(c.joins, step(Step{
			Action: OpenNamespace, Path: ns.Path, Namespace: ns.Type, Foreign: c.changes(ns.Type),
			As: c.hand(clone.NsName(ns.Type)), Why: "to join", Origin: "linux.namespaces",
		}))
	}
	c.beforeGate(step)
	if c.spec.Init {
		step(Step{ // the last one, for nsexec.EmitInit
			Action: OpenInit, As: c.hand("init"),
			Why: "what the first process becomes: it reaps, forwards signals, ends as the program ends", Origin: "init",
		})
	}
}

// child is the whole of what the container's first process does, in order. Each part
// has its reason to stand where it stands.
func (c *compiler) child() error {
	b := c.b
	c.openTerminal()
	tree := c.tree()
	b.From("process")
	control := nsexec.Begin(b, len(c.files))
	c.emitInherited()
	c.emitLabels()                                  // with the host's /proc, and before nobody may write there
	c.emitNamespaces(control)                       // before anything that belongs to one
	emitUmask(b, 0)                                 // the modes of devices and mount points are exact
	c.emitLoopback()                                // in a network namespace that we have made
	if err := c.emitNetworks(control); err != nil { // with the sysctls of its interfaces
		return err
	}
	c.emitNames() // in a uts namespace
	warnings, err := mounts.EmitTree(b, &tree)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		c.warn("%v", w)
	}
	c.emitProc()                                 // sysctls, OOM score: the rights are still here, and a procfs can still be made
	if err := c.emitHooks(control); err != nil { // the last that sees the host's tree
		return err
	}
	if err := mounts.EmitPivot(b, tree); err != nil {
		return err
	}
	c.emitProcess(control, tree) // rights, limits, working directory
	if c.held {
		c.emitHold(control)
		return nil
	}
	c.emitGate(control)                               // where the container waits for start
	if err := c.emitStartHooks(control); err != nil { // with nothing of the host's in reach
		return err
	}
	become := c.emitInit()      // where there is an init: what follows is another process
	c.emitControllingTerminal() // by the leader of the session, which is who executes the program
	c.emitExec()
	become()
	return nil
}

// emitProcess makes of the process what the user's program is going to be, with the root
// of tree as its /. What is left is to execute it.
func (c *compiler) emitProcess(control prog.FD, tree mounts.Tree) {
	c.emitTerminal(control)               // its owner may be one that only root can make the owner
	c.emitCwd(tree)                       // as root: the user may not be allowed to search the way there
	c.emitRlimits()                       // raising one needs a capability
	c.emitScheduling()                    // so does this, and the limits count for who has none
	c.emitKeyring()                       // it belongs to root, and counts against root's quota
	c.emitIdentity()                      // gives rights up in the order in which they are needed last
	c.emitDeathSignal(control)            // the change of ids has cleared it
	emitDumpable(c.b)                     // the change of ids has set it again
	emitUmask(c.b, c.umask())             // the user's
	c.emitCwdCheck()                      // a working directory outside of the root would be a way out
	nsexec.EmitCloseOnExec(c.b, c.kept()) // no other descriptor of the host survives what is executed
}

// changes reports whether the container changes what belongs to its namespace of this
// type, which must not be the host's then.
func (c *compiler) changes(t clone.NamespaceType) bool {
	switch t {
	case clone.NEWUTS:
		return c.spec.Hostname != "" || c.spec.Domainname != ""
	case clone.NEWNET, clone.NEWIPC, clone.NEWUSER:
		for name := range c.spec.Sysctl {
			if owner, err := sysctlOwner(name); err == nil && owner == t {
				return true
			}
		}
		return t == clone.NEWNET && len(c.spec.Networks) > 0
	}
	return false
}

// nameMax is __NEW_UTS_LEN of linux/utsname.h.
const nameMax = 64

// check refuses what cannot be done, all of it at once.
func (c *compiler) check() error {
	var errs []error
	wrong := func(origin, format string, v ...any) {
		text := fmt.Sprintf(format, v...)
		if origin != "" { // it is in the text
			text = origin + ": " + text
		}
		errs = append(errs, errors.New(text))
	}
	s := &c.spec
	if s.Root.Overlay != nil {
		if s.Root.Path != "" {
			wrong("root.path", "%q: the root is an overlay, and no directory", s.Root.Path)
		}
	} else if s.Root.Path == "" || s.Root.Path[0] != '/' {
		wrong("root.path", "%q: want an absolute path", s.Root.Path)
	}
	if strings.IndexByte(s.Root.Path, 0) >= 0 {
		wrong("root.path", "%q holds a NUL", s.Root.Path)
	}
	if err := s.Namespaces.Validate(); err != nil {
		wrong("linux.namespaces", "%v", err)
	}
	if !s.Namespaces.Contains(clone.NEWNS) || s.Namespaces.PathOf(clone.NEWNS) != "" {
		wrong("linux.namespaces", "a new mount namespace is needed, or the container's mounts would be the host's")
	}
	c.checkUser(wrong)
	c.checkClocks(wrong)
	c.checkMountIDs(wrong)
	if !s.Namespaces.Contains(clone.NEWUTS) {
		if s.Hostname != "" {
			wrong("hostname", "%q: without a uts namespace the container would change the host's", s.Hostname)
		}
		if s.Domainname != "" {
			wrong("domainname", "%q: without a uts namespace the container would change the host's", s.Domainname)
		}
	}
	for _, name := range [][2]string{{"hostname", s.Hostname}, {"domainname", s.Domainname}} {
		if n := len(name[1]); n > nameMax {
			wrong(name[0], "it has %d bytes, the kernel takes at most %d", n, nameMax)
		}
		if strings.IndexByte(name[1], 0) >= 0 {
			wrong(name[0], "%q holds a NUL", name[1])
		}
	}
	c.checkProcess(wrong)
	if s.Process.Cgroup != "" || s.Process.IgnorePaused {
		wrong("process", "Cgroup and IgnorePaused are for further processes: a container's own cgroup is that of its Spec")
	}
	c.checkSysctl(wrong)
	c.checkScheduling(wrong)
	c.checkKeyring(wrong)
	c.checkDescriptors(wrong)
	c.checkHooks(wrong)
	c.checkHold(wrong)
	c.checkCgroup(wrong)
	c.checkNetworks(wrong)
	return errors.Join(errs...)
}

// checkProcess refuses a process that cannot be run.
func (c *compiler) checkProcess(wrong func(origin, format string, v ...any)) {
	p := &c.spec.Process
	if !c.held && (len(p.Args) == 0 || p.Args[0] == "") {
		wrong("process.args", "there is no program to run")
	}
	for i, arg := range p.Args {
		if strings.IndexByte(arg, 0) >= 0 {
			wrong(fmt.Sprintf("process.args[%d]", i), "%q holds a NUL", arg)
		}
	}
	for i, v := range p.Env {
		if strings.IndexByte(v, 0) >= 0 || strings.IndexByte(v, '=') < 1 {
			wrong(fmt.Sprintf("process.env[%d]", i), "%q: want NAME=VALUE", v)
		}
	}
	if p.Cwd != "" && p.Cwd[0] != '/' {
		wrong("process.cwd", "%q: want an absolute path", p.Cwd)
	}
	for _, id := range append([]uint32{p.User.UID, p.User.GID}, p.User.AdditionalGIDs...) {
		if id == ^uint32(0) {
			wrong("process.user", "%d is no id: the kernel takes it for \"leave unchanged\"", id)
		}
	}
	if p.OOMScoreAdj != nil && (*p.OOMScoreAdj < -1000 || *p.OOMScoreAdj > 1000) {
		wrong("process.oomScoreAdj", "%d: want -1000 to 1000", *p.OOMScoreAdj)
	}
	seen := map[string]bool{}
	for i, l := range p.Rlimits {
		origin := fmt.Sprintf("process.rlimits[%d]", i)
		_, known := prog.ResourceLimit(l.Type)
		switch {
		case !known:
			wrong(origin, "%q is no resource limit", l.Type)
		case seen[l.Type]:
			wrong(origin, "%s is there twice", l.Type)
		case l.Soft > l.Hard:
			wrong(origin, "the soft limit %d is above the hard limit %d", l.Soft, l.Hard)
		}
		seen[l.Type] = true
	}
	if !p.Terminal && p.ConsoleSize != (WindowSize{}) {
		wrong("process.consoleSize", "there is no terminal of which it could be the size")
	}
	c.checkLabels(wrong)
	if s := c.spec.ParentDeathSignal; s < 0 || s > unix.Signal(64) {
		wrong("parentDeathSignal", "%d is no signal", int(s))
	}
}
