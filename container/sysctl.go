package container

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// ipcSysctls are the parameters that an ipc namespace has of its own.
// ipc/ipc_sysctl.c in the kernel
var ipcSysctls = [...]string{
	"kernel.auto_msgmni", "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.msg_next_id",
	"kernel.sem", "kernel.sem_next_id", "kernel.shmall", "kernel.shmmax", "kernel.shmmni",
	"kernel.shm_next_id", "kernel.shm_rmid_forced",
}

// sysctlOwner is the type of namespace that a kernel parameter belongs to. One that
// belongs to none would change the whole machine.
func sysctlOwner(name string) (clone.NamespaceType, error) {
	switch name = dotted(name); {
	case slices.Contains(ipcSysctls[:], name), strings.HasPrefix(name, "fs.mqueue."):
		return clone.NEWIPC, nil
	case strings.HasPrefix(name, "net."):
		return clone.NEWNET, nil
	case strings.HasPrefix(name, "user."):
		return clone.NEWUSER, nil
	case name == "kernel.hostname":
		return "", fmt.Errorf("set hostname instead")
	case name == "kernel.domainname":
		return clone.NEWUTS, nil
	}
	return "", fmt.Errorf("it belongs to no namespace and would change the host")
}

// dotted writes a parameter with dots. Both forms are in use: net.ipv4.ip_forward and
// net/ipv4/ip_forward, where the latter lets a name hold dots, as interfaces' do.
func dotted(name string) string {
	if strings.IndexByte(name, '/') < 0 || strings.IndexAny(name, "./") == strings.IndexByte(name, '.') {
		return name
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '/':
			return '.'
		case '.':
			return '/'
		}
		return r
	}, name)
}

// sysctlPath is the parameter's file below /proc/sys.
func sysctlPath(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, dotted(name))
}

// checkSysctl refuses parameters that are not the container's own.
func (c *compiler) checkSysctl(wrong func(origin, format string, v ...any)) {
	for _, name := range sortedKeys(c.spec.Sysctl) {
		origin := "linux.sysctl[" + name + "]"
		owner, err := sysctlOwner(name)
		switch file := sysctlPath(name); {
		case err != nil:
			wrong(origin, "%v", err)
		case !c.spec.Namespaces.Contains(owner):
			wrong(origin, "without a %s namespace the container would change the host's", clone.NsName(owner))
		case strings.Contains("/"+file+"/", "/../") || strings.Contains("/"+file+"/", "//"):
			wrong(origin, "it is no name of a kernel parameter")
		case c.spec.Sysctl[name] == "":
			wrong(origin, "it has no value")
		case strings.IndexByte(c.spec.Sysctl[name], 0) >= 0:
			wrong(origin, "%q holds a NUL", c.spec.Sysctl[name])
		}
	}
}

// emitProc writes what is set through /proc: kernel parameters and the OOM score. It
// goes through a procfs that is attached nowhere, so that nothing in the container's
// own file system can lead it astray.
func (c *compiler) emitProc() {
	score := c.spec.Process.OOMScoreAdj
	if c.inTwo() {
		score = nil // emitScore has set it
	}
	names := slices.DeleteFunc(sortedKeys(c.spec.Sysctl), c.ofNetwork)
	if len(names) == 0 && score == nil {
		return
	}
	c.b.From("process")
	var proc prog.Slot
	if c.boxedIn() && !c.isNew(clone.NEWPID) {
		proc = c.hostProc() // a procfs belongs to a pid namespace, and that one does not belong to us
	} else {
		proc = mounts.EmitProcfs(c.b)
	}
	write := func(file, value, why, hint string) {
		fd := mounts.OpenProc(c.b, proc, file, unix.O_WRONLY)
		c.b.Add(prog.Op{Call: prog.Write, Args: prog.Args{fd, prog.Str(value), prog.Int(len(value))}, Why: why, Hint: hint})
	}
	for _, name := range names {
		c.b.From("linux.sysctl[" + name + "]")
		write("sys/"+sysctlPath(name), c.spec.Sysctl[name], name, "the kernel does not take this value")
	}
	if score != nil {
		c.b.From("process.oomScoreAdj")
		write("self/oom_score_adj", strconv.Itoa(*score), scoreWhy, scoreHint)
	}
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
