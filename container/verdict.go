package container

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// executor is who tries to execute a file, as far as permissions go.
type executor struct {
	arch     string // of the machine, in Go's words
	known    bool   // the ids are known as the host sees them
	uid      uint32
	gids     []uint32
	user     uint32 // the uid as the container sees it
	override bool   // CAP_DAC_OVERRIDE
	search   bool   // CAP_DAC_READ_SEARCH
}

// verdict says why an execve has failed: a sentence without an end, or nothing. The
// first suspect is the file itself, each of the others the interpreter of the one before.
func (e executor) verdict(errno unix.Errno, chain []suspect) string {
	switch errno {
	case unix.ENOENT:
		return missing(chain)
	case unix.EACCES:
		return e.denied(chain)
	case unix.ENOEXEC:
		return e.noFormat(chain)
	case unix.ELIBBAD:
		if n := len(chain); n > 1 && chain[n-2].elf != nil {
			return fmt.Sprintf("its dynamic loader %s is no program for %s", shown(chain[n-1].path), e.arch)
		}
		return "its dynamic loader is no program"
	case unix.ENOTDIR:
		for i, s := range chain {
			if s.errno == unix.ENOTDIR {
				return role(chain, i) + shown(s.at) + " on the way there is a file, not a directory"
			}
		}
	case unix.ELOOP:
		return loop(chain)
	case unix.ETXTBSY:
		return "somebody has the file open for writing"
	case unix.ENAMETOOLONG:
		return "a path has at most 4095 bytes, a name in it 255"
	case unix.EAGAIN:
		return "the user has more processes than RLIMIT_NPROC allows (process.rlimits)"
	case unix.EPERM:
		return "a security module of the host, or a seccomp filter around this process, refuses it"
	}
	return ""
}

// role introduces an interpreter: whose it is. The file itself needs no introduction.
func role(chain []suspect, i int) string {
	if i == 0 {
		return ""
	}
	if chain[i-1].elf != nil {
		return shown(chain[i-1].path) + " needs the dynamic loader " + shown(chain[i].path) + ": "
	}
	return shown(chain[i-1].path) + " is a script with the interpreter " + shown(chain[i].path) + ": "
}

// missing is about ENOENT.
func missing(chain []suspect) string {
	for i, s := range chain {
		if s.errno == 0 {
			continue
		}
		if i > 0 && chain[i-1].elf == nil && strings.HasSuffix(s.path, "\r") {
			return fmt.Sprintf("%s is a script, and the name of its interpreter ends in a carriage return, %q: its lines have to end in a line feed alone", shown(chain[i-1].path), s.path)
		}
		there := ""
		switch {
		case s.link != "":
			there = fmt.Sprintf("%s is a symbolic link to %s, which is not in the root file system", shown(s.at), shown(s.link))
		case s.empty:
			there = "the root file system is empty"
		case i == 0 && s.onTheWay() && s.errno == unix.ENOENT:
			there = "there is no directory " + shown(s.at) + " in the root file system"
		}
		switch {
		case i == 0 && there == "" && strings.ContainsAny(s.path, " \t") && s.errno == unix.ENOENT:
			return "there is no such file in the root file system; the program and each of its arguments are an element of process.args of their own"
		case i == 0 && there == "" && s.errno == unix.ENOENT:
			return "there is no such file in the root file system"
		case i == 0 || there != "":
			return role(chain, i) + there
		case chain[i-1].elf != nil:
			return fmt.Sprintf("%s needs the dynamic loader %s, which is not in the root file system%s", shown(chain[i-1].path), shown(s.path), library(s.path))
		}
		return fmt.Sprintf("%s is a script, and its interpreter %s is not in the root file system", shown(chain[i-1].path), shown(s.path))
	}
	return ""
}

// onTheWay reports whether what is missing is a directory that leads to the file.
func (s suspect) onTheWay() bool {
	all := prefixes(s.path)
	return len(all) > 0 && s.at != all[len(all)-1]
}

// library says for which C library a program was made, by the name of its loader.
func library(loader string) string {
	name := loader[strings.LastIndexByte(loader, '/')+1:]
	switch {
	case strings.HasPrefix(name, "ld-linux"):
		return ": it was made for glibc"
	case strings.HasPrefix(name, "ld-musl"):
		return ": it was made for musl"
	}
	return ""
}

// denied is about EACCES.
func (e executor) denied(chain []suspect) string {
	for i, s := range chain {
		for _, d := range s.dirs {
			if e.known && !e.override && !e.search && !e.may(d.mode, d.uid, d.gid) {
				return fmt.Sprintf("%suser %d may not search the directory %s (mode %04o)", role(chain, i), e.user, shown(d.path), d.mode&0o7777)
			}
		}
		if s.errno != 0 {
			continue
		}
		what := ""
		switch permissions := s.mode & 0o7777; {
		case s.mode&unix.S_IFMT == unix.S_IFDIR:
			what = "is a directory"
		case s.mode&unix.S_IFMT != unix.S_IFREG:
			what = "is no regular file"
		case s.noexec:
			what = "lies on a mount with the option noexec"
		case permissions&0o111 == 0:
			what = fmt.Sprintf("is not executable (mode %04o): chmod +x", permissions)
		case e.known && !e.override && !e.may(s.mode, s.uid, s.gid):
			what = fmt.Sprintf("is not executable for user %d (mode %04o, owner %d:%d)", e.user, permissions, s.uid, s.gid)
		default:
			continue
		}
		return role(chain, i) + shown(s.path) + " " + what
	}
	return ""
}

// may reports whether the permission x is there. path_resolution(7)
func (e executor) may(mode, uid, gid uint32) bool {
	if e.uid == uid {
		return mode&0o100 != 0
	}
	for _, g := range e.gids {
		if g == gid {
			return mode&0o010 != 0
		}
	}
	return mode&0o001 != 0
}

// noFormat is about ENOEXEC: a file that is there and may be executed, and is nothing
// that the kernel knows how to execute.
func (e executor) noFormat(chain []suspect) string {
	i := len(chain) - 1
	for i > 0 && (chain[i].errno != 0 || chain[i-1].elf != nil) {
		i-- // what the kernel looked at last is the program, not its loader
	}
	if i < 0 || chain[i].errno != 0 {
		return ""
	}
	s, what := chain[i], ""
	switch {
	case s.size == 0:
		what = "is empty"
	case s.elf != nil:
		what = e.wrongELF(s.elf)
	case bytes.HasPrefix(s.head, []byte("MZ")):
		what = "is a program for Windows"
	case bytes.HasPrefix(s.head, []byte("\xcf\xfa\xed\xfe")), bytes.HasPrefix(s.head, []byte("\xca\xfe\xba\xbe")):
		what = "is a program for macOS, or for Java"
	case bytes.HasPrefix(s.head, []byte("\xef\xbb\xbf#!")):
		what = "begins with a byte order mark, and #! has to be what it begins with"
	case bytes.HasPrefix(s.head, []byte("#!")):
		what = "is a script without an interpreter behind its #!, or with too long a name of one"
	case isText(s.head):
		what = "is text without #! and the path of an interpreter in its first line"
	default:
		what = "is neither an ELF program nor a script"
	}
	return role(chain, i) + shown(s.path) + " " + what
}

func (e executor) wrongELF(h *elfHead) string {
	switch name := h.architecture(); {
	case name != e.arch:
		return fmt.Sprintf("is a program for %s, and this machine is %s", name, e.arch)
	case h.typ == elfREL:
		return "is an object file, which has not been linked"
	case h.typ == elfCORE:
		return "is a memory dump"
	case h.typ != elfEXEC && h.typ != elfDYN:
		return "is an ELF file of an unknown type"
	}
	return "is a damaged program"
}

// loop is about ELOOP.
func loop(chain []suspect) string {
	for i, s := range chain {
		if s.errno == unix.ELOOP {
			return fmt.Sprintf("%sthe symbolic link %s goes in circles", role(chain, i), shown(s.at))
		}
	}
	if len(chain) > scriptDepth {
		return "scripts with scripts as their interpreters, more deeply than the kernel follows them"
	}
	return ""
}

// scriptDepth is how many interpreters the kernel goes through, exec_binprm of fs/exec.c.
const scriptDepth = 5

// interpreter is the path of what the kernel loads in order to execute the file: that
// of a script's first line, or an ELF program's loader.
func (s suspect) interpreter() string {
	if s.elf != nil {
		return s.elf.interp
	}
	line, ok := bytes.CutPrefix(s.head, []byte("#!"))
	if !ok {
		return ""
	}
	line, _, ended := bytes.Cut(line, []byte("\n"))
	line = bytes.TrimLeft(line, " \t")
	if end := bytes.IndexAny(line, " \t\x00"); end >= 0 {
		return string(line[:end])
	}
	if !ended && len(s.head) == headSize {
		return "" // cut off: the kernel does not take it either
	}
	return string(line)
}

// isText reports whether bytes look like text that somebody has written.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

// shown is a path as it stands in a sentence: quoted where it has anything in it that
// would end the line or move a terminal's cursor.
func shown(path string) string {
	for _, c := range []byte(path) {
		if c <= ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return strconv.Quote(path)
		}
	}
	return path
}
