package container

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// opError is the operation in an error, if there is one.
func opError(err error) *nsexec.OpError {
	var op *nsexec.OpError
	if errors.As(err, &op) {
		return op
	}
	return nil
}

// diagnose looks for the rule of the kernel behind the error of a start, and writes
// what it finds into the error. The machine is asked only now that something has
// failed.
func (p *Plan) diagnose(err error) {
	var hook *HookError
	if p.host == nil || errors.As(err, &hook) { // its process is not the container's
		return
	}
	var birth *nsexec.CloneError
	if errors.As(err, &birth) {
		birth.Cause = p.namespaceCause(uintptr(birth.Flags), birth.Errno, p.inquire())
		return
	}
	op := opError(err)
	if op == nil || op.Errno == 0 {
		return
	}
	if cause := p.memoryCause(op.Errno); cause != "" {
		op.Cause = cause
	} else if op.Cause == "" {
		op.Cause = p.cause(op.Op, op.Errno, p.inquire())
	}
}

// inquire asks about the cgroup of the container's, too.
func (p *Plan) inquire() circumstances {
	c := inquire()
	if p.cgroup != "" {
		if full := fullCgroup("0::" + p.cgroup); full != "" {
			c.pidsFull = full
		}
	}
	return c
}

// memoryCause says that there was less memory than the container needs to be born. The kernel has two words
// for it: execve(2) has no room for the arguments then.
func (p *Plan) memoryCause(errno unix.Errno) string {
	if p.cgroup == "" || errno != unix.ENOMEM && errno != unix.E2BIG {
		return ""
	}
	limit := p.wanted.Cgroup.Resources.Memory.Limit
	for line := range strings.Lines(string(contents(p.host.Cgroup2 + p.cgroup + "/memory.events"))) {
		// How often the limit was reached, and no more could be had.
		if n, ok := strings.CutPrefix(line, "max "); ok && n != "0\n" && limit > 0 {
			return fmt.Sprintf("linux.resources.memory.limit may be too low: the cgroup has reached its %d bytes", limit)
		}
	}
	return ""
}

// cause says why an operation has failed, better than its hint can, which was written
// before. It is empty where the hint is all that there is to say.
func (p *Plan) cause(op prog.Op, errno unix.Errno, c circumstances) string {
	switch op.Call {
	case prog.Unshare:
		flags, _ := op.Args[0].(prog.Int)
		return p.namespaceCause(uintptr(flags), errno, c)
	case prog.Clone3:
		if errno == unix.ENOMEM {
			return "" // the hint knows
		}
		if g := p.wanted.Cgroup; errno == unix.EAGAIN && p.cgroup != "" && g.Resources.Pids != nil && *g.Resources.Pids == 1 {
			return "linux.resources.pids.limit is 1, and the container is made by two: it has to be 2 or more"
		}
		return p.namespaceCause(uintptr(p.wanted.Namespaces.CloneFlags()), errno, c)
	case prog.Fsmount, prog.Fsconfig:
		if errno == unix.EPERM && (c.nested || p.ownUser()) && strings.Contains(op.String(), "$proc") && len(c.coveredProc) > 0 {
			return fmt.Sprintf("in a user namespace the kernel refuses a new proc while the old one is partly covered, and here %s is mounted over", list(c.coveredProc))
		}
	case prog.Prlimit64:
		if errno == unix.EPERM {
			return limitCause(p.wanted.Process.Rlimits, op, c)
		}
	case prog.Setresuid, prog.Setresgid, prog.Setgroups:
		if errno == unix.EINVAL {
			return "the user namespace has no such id: linux.uidMappings and linux.gidMappings have to hold it"
		}
	}
	if hint := op.HintFor(errno); (errno == unix.EPERM || errno == unix.ENOSYS) && c.seccomp && filtered(op.Call) {
		if hint != "" {
			hint += "; or "
		}
		return hint + filterText
	}
	if errno == unix.EPERM && p.ownUser() && c.apparmorRestricts {
		return apparmorText
	}
	return ""
}

const (
	filterText   = "a seccomp filter around this process forbids it, as docker's default one does"
	apparmorText = "AppArmor takes the rights of ordinary users in their user namespaces away: sysctl kernel.apparmor_restrict_unprivileged_userns=0 allows them, or a profile with userns for this program"
)

// filtered reports whether a call is one of those that filters for containers forbid.
func filtered(call prog.Call) bool {
	switch call {
	case prog.Fsopen, prog.Fsconfig, prog.Fsmount, prog.MoveMount, prog.OpenTree, prog.MountSetattr,
		prog.PivotRoot, prog.Umount2, prog.Unshare, prog.Setns, prog.Clone3, prog.Sethostname, prog.Setdomainname:
		return true
	}
	return false
}

// ownUser reports whether the container has a user namespace that is not the caller's.
func (p *Plan) ownUser() bool { return p.wanted.Namespaces.Contains(clone.NEWUSER) }

// namespaceCause is about the making of namespaces. clone(2), unshare(2)
func (p *Plan) namespaceCause(flags uintptr, errno unix.Errno, c circumstances) string {
	user := flags&unix.CLONE_NEWUSER != 0
	switch errno {
	case unix.EPERM:
		switch {
		case user && c.userClone == "0":
			return "ordinary users may not make user namespaces here: sysctl kernel.unprivileged_userns_clone=1 allows it"
		case user && c.apparmorRestricts:
			return apparmorText
		case c.seccomp:
			return filterText
		case user:
			return "this process is in a chroot, or its own ids are not mapped"
		case !p.host.Capabilities.Effective.Has(caps.SYS_ADMIN) && !p.ownUser():
			return "new namespaces need CAP_SYS_ADMIN, which this process does not have; in a user namespace of the container's own nobody needs it"
		}
	case unix.ENOSYS:
		if c.seccomp {
			return "a seccomp filter around this process hides the call, as docker's older default one does"
		}
		return "the kernel is older than 5.3"
	case unix.ENOSPC, unix.EUSERS:
		if name := c.exhausted(flags); name != "" {
			return fmt.Sprintf("the limit user.%s is 0: no such namespace can be made here", name)
		}
		return "a limit of user.max_*_namespaces is reached, or namespaces are nested 32 deep"
	case unix.EAGAIN:
		if c.pidsFull != "" {
			return fmt.Sprintf("the cgroup %s has as many processes as its pids.max allows", c.pidsFull)
		}
		return "the user has as many processes as RLIMIT_NPROC allows, or the machine as many as kernel.threads-max"
	case unix.ENOMEM:
		return "the machine is out of memory, or the first process of the pid namespace that is joined has ended"
	}
	return ""
}

// exhausted is a limit that allows no namespace of one of the types.
func (c circumstances) exhausted(flags uintptr) string {
	for _, l := range namespaceLimits {
		if flags&l.flag != 0 && c.limits[l.file] == "0" {
			return l.file
		}
	}
	return ""
}

// namespaceLimits are files of /proc/sys/user. namespaces(7)
var namespaceLimits = [...]struct {
	flag uintptr
	file string
}{
	{unix.CLONE_NEWUSER, "max_user_namespaces"}, {unix.CLONE_NEWNS, "max_mnt_namespaces"},
	{unix.CLONE_NEWPID, "max_pid_namespaces"}, {unix.CLONE_NEWNET, "max_net_namespaces"},
	{unix.CLONE_NEWIPC, "max_ipc_namespaces"}, {unix.CLONE_NEWUTS, "max_uts_namespaces"},
	{unix.CLONE_NEWCGROUP, "max_cgroup_namespaces"}, {unix.CLONE_NEWTIME, "max_time_namespaces"},
}

// limitCause is about a resource limit that cannot be set.
func limitCause(limits []Rlimit, op prog.Op, c circumstances) string {
	for _, l := range limits {
		if l.Type != "RLIMIT_NOFILE" || !strings.Contains(op.Brief(), l.Type) {
			continue
		}
		if c.nrOpen != 0 && l.Hard > c.nrOpen {
			return fmt.Sprintf("RLIMIT_NOFILE %d is above fs.nr_open, which is %d", l.Hard, c.nrOpen)
		}
	}
	return ""
}

// list is a few names for a sentence.
func list(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
