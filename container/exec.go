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

// emitExec executes the user's program. A name without a slash is looked for along PATH,
// and what is found is what is executed: an error of its execve ends the search. Else a
// program of the same name in a later directory would run in its place, unnoticed.
func (c *compiler) emitExec() {
	p := &c.spec.Process
	c.b.From(programOrigin)
	argv, envp := prog.Strings(p.Args), prog.Strings(p.Env)
	execute := func(path string) {
		c.b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str(path), argv, envp}, Why: "the user's program"})
	}
	earlier, last := c.candidates()
	for _, path := range earlier {
		file := c.b.Label("it is a file")
		next := c.emitCandidate(path, file)
		c.b.Bind(file)
		execute(path)
		c.b.Bind(next)
	}
	if !hasSlash(p.Args[0]) {
		c.emitLastAccess(last)
	}
	execute(last) // which says by itself that it is a directory
}

// emitCandidate goes on at file where there is a program in a directory of PATH, and at
// next, which is still to be bound, where there is none: nothing that may be executed, or
// a directory.
func (c *compiler) emitCandidate(path string, file prog.Label) (next prog.Label) {
	next = c.b.Label("next directory of PATH")
	op := access(path)
	op.OnError = next
	c.b.Add(op)
	c.b.Add(prog.Op{
		Call:    prog.Openat2,
		Args:    prog.Args{here, prog.Str(path), c.b.OpenHow(unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0, 0), prog.Int(prog.OpenHowSize)},
		OnError: file, OnResult: next,
		Why: "a directory is passed over",
	})
	return next
}

// emitLastAccess ends the program where there is nothing either in the last place where
// the user's could be.
func (c *compiler) emitLastAccess(path string) {
	op := access(path)
	op.Hint = c.notFound()
	c.b.Add(op)
}

// access asks whether a file could be executed, with the rights that execve will have.
// faccessat2(2), Linux 5.8
func access(path string) prog.Op {
	return prog.Op{
		Call: prog.Faccessat2, Args: prog.Args{here, prog.Str(path), prog.Int(unix.X_OK), prog.Int(unix.AT_EACCESS)},
		Why: "is there a program",
	}
}

// here stands for the working directory.
const here = prog.Int(1<<64 + unix.AT_FDCWD)

// programOrigin is what the operations have as their origin that are about the user's
// program: the looks whether it is there, and its execution.
const programOrigin = "process.args[0]"

// notFound is what is said where a name is in no directory of PATH, in words that engines
// look for. It is empty for a path.
func (c *compiler) notFound() string {
	if name := c.spec.Process.Args[0]; !hasSlash(name) {
		return fmt.Sprintf("%q: executable file not found in $PATH", name)
	}
	return ""
}

// candidates are the paths at which the program may be, and the last of them, which is the
// only one where its name is a path.
func (c *compiler) candidates() (earlier []string, last string) {
	list := lookup(c.spec.Process.Args[0], c.spec.Process.Env)
	return list[:len(list)-1], list[len(list)-1]
}

func hasSlash(name string) bool { return strings.Contains(name, "/") }

// lookup lists the paths at which a program may be.
func lookup(name string, env []string) []string {
	if hasSlash(name) {
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
