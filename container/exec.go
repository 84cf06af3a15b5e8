package container

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// defaultPath is where programs are looked for when the environment has no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// emitCwd goes to the working directory. It exists: it is part of the tree.
func (c *compiler) emitCwd(t mounts.Tree) {
	if c.cwd() == "/" { // that is where EmitPivot has left us
		return
	}
	c.b.From("process.cwd")
	dir := mounts.EmitOpenDirectory(c.b, t, c.cwd())
	c.b.Add(prog.Op{Call: prog.Fchdir, Args: prog.Args{dir}, Why: "the working directory"})
}

// emitCwdCheck makes sure that the working directory lies inside the root. From one
// outside, say a directory of the host that a descriptor led to, every file of the
// host could be reached. The kernel names such a directory "(unreachable)/…".
func (c *compiler) emitCwdCheck() {
	c.b.From("process.cwd")
	buffer := prog.Buffer("cwd", unix.PathMax)
	c.b.Add(prog.Op{Call: prog.Getcwd, Args: prog.Args{buffer, prog.Int(unix.PathMax)}, Why: "as the kernel sees it, not as libc would say"})
	word := binary.LittleEndian.Uint32([]byte("(unr"))
	op := prog.Differs(buffer, prog.Int(word))
	op.Why, op.Hint = `it does not begin with "(unr", for unreachable`, "the working directory is outside of the container's root"
	c.b.Add(op)
}

// emitExec executes the user's program. A name without a slash is tried in every
// directory of PATH, one operation each, as execvp(3) does.
func (c *compiler) emitExec() {
	p := &c.spec.Process
	c.b.From("process.args[0]")
	argv, envp := prog.Strings(p.Args), prog.Strings(p.Env)
	candidates := lookup(p.Args[0], p.Env)
	for i, name := range candidates {
		op := prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str(name), argv, envp}, Why: "the user's program"}
		next := prog.Label{}
		if i < len(candidates)-1 {
			next = c.b.Label("next directory of PATH")
			op.OnError = next
		} else if i > 0 {
			op.Hint = fmt.Sprintf("%q: executable file not found in $PATH", p.Args[0])
		}
		c.b.Add(op)
		if !next.IsZero() {
			c.b.Bind(next)
		}
	}
}

// lookup lists the paths at which a program may be.
func lookup(name string, env []string) []string {
	if strings.Contains(name, "/") {
		return []string{name}
	}
	search := defaultPath
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, "PATH="); ok {
			search = value // the first one counts, as for getenv(3)
			break
		}
	}
	var list []string
	for _, dir := range strings.Split(search, ":") {
		if dir == "" {
			dir = "." // POSIX: an empty entry is the working directory
		}
		list = append(list, strings.TrimSuffix(dir, "/")+"/"+name)
	}
	return list
}
