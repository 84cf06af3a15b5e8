package container

import (
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// explain finds out why the user's program could not be executed. root is the root
// directory that the container had, or -1.
func (p *Plan) explain(root int, failed *nsexec.OpError) {
	s := p.wanted
	if s == nil || len(s.Process.Args) == 0 || failed.Origin != programOrigin {
		return
	}
	if failed.Errno == unix.E2BIG {
		failed.Cause = tooBig(s.Process)
		return
	}
	if root >= 0 {
		failed.Cause = p.look(failed, func(name string) []suspect { return p.chain(root, name) })
		return
	}
	// The process was gone before its mount namespace could be had. Most programs lie
	// in the root directory itself, and of what the container has mounted there
	// nothing is said.
	root, err := unix.Open(s.Root.Path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(root)
	hidden := false
	cause := p.look(failed, func(name string) []suspect {
		chain := p.chain(root, name)
		for _, s := range chain {
			hidden = hidden || p.mounted(s.path) || p.mounted(strings.TrimPrefix(s.real, realPath(root)))
		}
		return chain
	})
	if !hidden {
		failed.Cause = cause
	}
}

// look says why the program of the plan could not be executed.
func (p *Plan) look(failed *nsexec.OpError, chain func(name string) []suspect) string {
	s, e := p.wanted, p.executor()
	name, executed := s.Process.Args[0], failed.Op.Call == prog.Execve
	if hasSlash(name) {
		return e.verdict(failed.Errno, chain(name))
	}
	if path, ok := failed.Op.Args[0].(prog.Str); ok && executed {
		return e.verdict(failed.Errno, chain(string(path)))
	}
	for _, candidate := range lookup(name, s.Process.Env) {
		if executed { // which one is not known of what another process has left
			if chain := chain(candidate); !e.passesOver(chain[0]) {
				return e.verdict(failed.Errno, chain)
			}
			continue
		}
		// The last directory's error is what is reported. What is of use is what is the
		// matter with the first file of that name.
		chain := chain(candidate)[:1]
		if chain[0].errno == unix.ENOENT && chain[0].link == "" || chain[0].errno == unix.ENOTDIR {
			continue
		}
		for _, errno := range []unix.Errno{unix.ELOOP, unix.ENOENT, unix.EACCES} {
			if cause := e.verdict(errno, chain); cause != "" {
				return fmt.Sprintf("%q: executable file not found in $PATH: %s", name, cause)
			}
		}
	}
	return ""
}

// passesOver reports whether a search along PATH goes on behind a file, as
// [compiler.emitCandidate] does.
func (e executor) passesOver(s suspect) bool {
	return s.errno != 0 || e.denied([]suspect{s}) != ""
}

// mounted reports whether the container has mounted something at a path or above it.
func (p *Plan) mounted(name string) bool {
	name = path.Join("/", name)
	for _, m := range p.wanted.Mounts {
		if at := path.Join("/", m.Destination); name == at || at == "/" || strings.HasPrefix(name, at+"/") {
			return true
		}
	}
	return false
}

// chain examines a program, its interpreter, and so on.
func (p *Plan) chain(root int, name string) []suspect {
	var chain []suspect
	for len(chain) <= scriptDepth {
		if !strings.HasPrefix(name, "/") {
			name = strings.TrimSuffix(path.Join("/", p.wanted.Process.Cwd), "/") + "/" + strings.TrimPrefix(name, "./")
		}
		s := examine(root, name)
		chain = append(chain, s)
		if name = s.interpreter(); name == "" || len(chain) > 1 && chain[len(chain)-2].elf != nil {
			break
		}
	}
	return chain
}

// executor is who the container's process is when it executes the user's program.
func (p *Plan) executor() executor {
	s := p.wanted
	u := s.Process.User
	e := executor{arch: p.host.Arch, user: u.UID, known: true}
	host := func(id uint32, maps interface{ ToHost(uint32) (uint32, bool) }, mapped bool) uint32 {
		if !mapped {
			return id
		}
		out, ok := maps.ToHost(id)
		e.known = e.known && ok
		return out
	}
	mapped := len(s.UIDMappings)+len(s.GIDMappings) > 0
	e.uid = host(u.UID, s.UIDMappings, mapped)
	for _, gid := range append([]uint32{u.GID}, u.AdditionalGIDs...) {
		e.gids = append(e.gids, host(gid, s.GIDMappings, mapped))
	}
	if c := s.Process.Capabilities; c != nil {
		e.override = c.Effective.Has(caps.DAC_OVERRIDE)
		e.search = c.Effective.Has(caps.DAC_READ_SEARCH)
	}
	return e
}

// Of execve(2): a string has at most 32 pages, and all together a quarter of the
// stack's limit and 6 MiB.
const stringLimit = 32*4096 - 1

// tooBig is about E2BIG.
func tooBig(p Process) string {
	total, count := 0, len(p.Args)+len(p.Env)
	for _, list := range []struct {
		name    string
		strings []string
	}{{"process.args", p.Args}, {"process.env", p.Env}} {
		for i, s := range list.strings {
			if len(s) > stringLimit {
				return fmt.Sprintf("%s[%d] has %d bytes, and the kernel takes at most %d in one string", list.name, i, len(s), stringLimit)
			}
			total += len(s) + 1
		}
	}
	return fmt.Sprintf("process.args and process.env have %d bytes in %d strings, and the kernel takes a quarter of RLIMIT_STACK for both, at most 6 MiB", total, count)
}
