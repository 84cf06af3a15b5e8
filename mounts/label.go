package mounts

import (
	"slices"
	"strings"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// contextOption is the option of SELinux that labels everything in a file system. mount(8)
const contextOption = "context"

// takesLabel reports whether everything in the mount can be given one label: it is a new
// file system, has none that its own options say, and is not one in which the policy
// labels each file by its name. Those refuse the option.
func (e *entry) takesLabel() bool {
	if e.opts.Bind || e.opts.Remount || e.fsType == "bind" || e.from != (prog.FD{}) {
		return false
	}
	switch e.fsType {
	case "proc", "sysfs", "mqueue", "cgroup", "cgroup2":
		return false
	}
	return !slices.ContainsFunc(e.opts.Data, func(o string) bool {
		name, _, _ := strings.Cut(o, "=")
		return name == contextOption || name == "fscontext" || name == "defcontext" || name == "rootcontext"
	})
}
