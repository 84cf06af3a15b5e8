package container

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// securityModules are those that the kernel runs, of the two that give a program a label
// when it is executed.
func securityModules() (list []string) {
	if strings.HasPrefix(string(contents("/sys/module/apparmor/parameters/enabled")), "Y") {
		list = append(list, "apparmor")
	}
	var fs unix.Statfs_t
	if unix.Statfs("/sys/fs/selinux", &fs) == nil && fs.Type == unix.SELINUX_MAGIC {
		list = append(list, "selinux")
	}
	return list
}

// checkLabels refuses a label that nobody would enforce.
func (c *compiler) checkLabels(wrong complaint) {
	p := &c.spec.Process
	for _, l := range [...]struct{ origin, value, module, name string }{
		{"process.apparmorProfile", p.AppArmorProfile, "apparmor", "AppArmor"},
		{"process.selinuxLabel", p.SELinuxLabel, "selinux", "SELinux"},
		{"linux.mountLabel", c.spec.MountLabel, "selinux", "SELinux"},
	} {
		switch {
		case l.value == "":
		case strings.IndexByte(l.value, 0) >= 0:
			wrong(l.origin, "%q holds a NUL", l.value)
		case !slices.Contains(c.host.Modules, l.module):
			wrong(l.origin, "%q: this kernel does not run %s, so nothing would enforce it", l.value, l.name)
		}
	}
}

// emitLabels says which labels the program gets from its execve on. Nothing changes
// before, and a process that is forked takes it along. It is done while the process has
// the caller's rights and the host's /proc, in front of no_new_privs, under which a change
// of label may be refused. The built-in init has them as well. proc_pid_attr(5)
func (c *compiler) emitLabels() {
	p := &c.spec.Process
	write := func(origin, file, text, hint string) {
		c.b.From(origin)
		fd := mounts.OpenProc(c.b, c.hostProc(), "self/attr/"+file, unix.O_WRONLY)
		c.b.Add(prog.Op{
			Call: prog.Write, Args: prog.Args{fd, prog.Str(text), prog.Int(len(text))}, Why: "from the execve on", Hint: hint,
		})
	}
	if p.AppArmorProfile != "" {
		write("process.apparmorProfile", "apparmor/exec", "exec "+p.AppArmorProfile, "ENOENT: no profile of this name is loaded; EACCES: the caller is confined, and may not change to it")
	}
	if p.SELinuxLabel != "" {
		const hint = "EINVAL: the policy has no such label; EACCES: the caller may not give it"
		write("process.selinuxLabel", "exec", p.SELinuxLabel, hint)
		write("process.selinuxLabel", "keycreate", p.SELinuxLabel, hint)
	}
	c.b.From("process")
}
