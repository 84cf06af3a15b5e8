package main

import (
	"errors"
	"flag"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/mounts"
)

// boxFlags are the flags of box. Their words are those of the tools that people know.
type boxFlags struct {
	rootfs, keep     string
	binds, tmpfs     list
	readOnly         bool
	net              netFlag
	pid, ipc, uts    choice
	cgroupns, userns choice
	hostname         string
	env              list
	workdir, user    string
	capAdd, capDrop  list
	tty, init        bool
	interactive      bool // standard input is connected in any case
	limits           boxLimits
}

const (
	private = "private"
	shared  = "host"
	none    = "none"
)

// declare adds the flags to a set.
func (b *boxFlags) declare(f *flag.FlagSet) {
	namespace := func(c *choice, name, what string) {
		*c = choice{value: private, of: []string{private, shared}}
		f.Var(c, name, what)
	}
	both := func(v flag.Value, long, short, usage string) {
		f.Var(v, long, usage)
		f.Var(v, short, "")
	}
	f.StringVar(&b.rootfs, "rootfs", "", "`DIR` is the root file system, instead of what the machine has; changes are made in it")
	f.StringVar(&b.keep, "keep", "", "keep the changes in `DIR`, from where the next box with the same flag goes on")
	both(&b.binds, "bind", "v", "show `SRC[:DST][:ro]` of the machine inside, under its own name or as DST; may be repeated")
	f.Var(&b.tmpfs, "tmpfs", "mount an empty file system in memory on `PATH[:OPTIONS]`; may be repeated")
	f.BoolVar(&b.readOnly, "read-only", false, "the root file system cannot be changed; /run and /tmp can")
	b.net = netFlag{choice: choice{value: none, of: []string{none, shared}}}
	f.Var(&b.net, "net", "the network: one of its own with nothing but lo, the machine's, or one on an interface or a bridge of the machine's, for root; there \",ip=ADDRESS/BITS,gw=ADDRESS\" may follow (otherwise IPv6 finds them out), and mtu=, name=, mode=; may be repeated")
	namespace(&b.pid, "pid", "processes of its own, or the machine's")
	namespace(&b.ipc, "ipc", "System V IPC and message queues of its own, or the machine's")
	namespace(&b.uts, "uts", "a host name of its own, or the machine's")
	namespace(&b.cgroupns, "cgroupns", "a view of the cgroups of its own, or the machine's")
	b.userns = choice{of: []string{private, shared}}
	f.Var(&b.userns, "userns", "users of its own, or the machine's (default host for root, private for others)")
	f.StringVar(&b.hostname, "hostname", "", "the host name is `NAME` (default box)")
	both(&b.env, "env", "e", "set a variable, `NAME[=VALUE]`, to a value or to the one it has here; may be repeated")
	b.workdirFlags(f)
	f.Var(&b.capAdd, "cap-add", "give the capability `NAME`, or ALL; may be repeated")
	f.Var(&b.capDrop, "cap-drop", "take the capability `NAME`, or ALL; may be repeated")
	f.BoolVar(&b.tty, "tty", false, "give the program a terminal")
	f.Var(f.Lookup("tty").Value, "t", "")
	f.Var(f.Lookup("tty").Value, "it", "") // what hands type by themselves
	f.BoolVar(&b.interactive, "interactive", false, "nothing: standard input is always connected")
	f.Var(f.Lookup("interactive").Value, "i", "")
	b.limits.declare(f)
	f.BoolVar(&b.init, "init", false, "put a first process before the program that reaps orphans and forwards signals")
}

func (b *boxFlags) workdirFlags(f *flag.FlagSet) {
	f.StringVar(&b.workdir, "workdir", "", "begin in `DIR` (default the current directory if it is there, / otherwise)")
	f.Var(f.Lookup("workdir").Value, "w", "")
	f.StringVar(&b.user, "user", "", "run as `USER[:GROUP]`, names or numbers of the root file system (default 0:0)")
	f.Var(f.Lookup("user").Value, "u", "")
}

// valueOf is what stands behind a flag and what it means.
func valueOf(x *flag.Flag) (value, usage string) {
	if c, ok := x.Value.(interface{ words() string }); ok {
		return c.words(), x.Usage
	}
	return flag.UnquoteUsage(x)
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string { return strings.Join(*l, " ") }

// Set adds a value.
func (l *list) Set(text string) error {
	if text == "" {
		return errors.New("it is empty")
	}
	*l = append(*l, text)
	return nil
}

// choice is a flag that is one of a few words.
type choice struct {
	value string
	of    []string
}

func (c *choice) String() string { return c.value }

func (c *choice) words() string { return strings.Join(c.of, "|") }

// Set takes one of the words.
func (c *choice) Set(text string) error {
	if !slices.Contains(c.of, text) {
		return fmt.Errorf("want %s", strings.Join(c.of, " or "))
	}
	c.value = text
	return nil
}

// parseBind reads SRC[:DST][:OPTIONS]. SRC may be relative to the directory cwd. It
// comes with everything that is mounted below it, and so does being read-only.
func parseBind(text, cwd string) (mounts.Mount, error) {
	parts := strings.Split(text, ":")
	src := parts[0]
	m := mounts.Mount{Type: "bind", Options: []string{"rbind", "rprivate"}}
	if n := len(parts); n > 1 && !strings.HasPrefix(parts[n-1], "/") {
		for word := range strings.SplitSeq(parts[n-1], ",") {
			switch word {
			case "ro":
				m.Options = append(m.Options, "rro")
			case "rw":
			default:
				return m, fmt.Errorf("--bind %s: %q: want ro or rw, or a place inside that begins with /", text, word)
			}
		}
		parts = parts[:n-1]
	}
	if src == "" || len(parts) > 2 {
		return m, fmt.Errorf("--bind %s: want SRC[:DST][:ro]", text)
	}
	if src[0] != '/' {
		src = path.Join(cwd, src)
	}
	m.Source = path.Clean(src)
	m.Destination = path.Clean(parts[len(parts)-1])
	if len(parts) == 1 {
		m.Destination = m.Source
	}
	if m.Destination == "/" {
		return m, fmt.Errorf("--bind %s: / cannot be covered: that is what --rootfs is for", text)
	}
	m.Origin = "--bind " + text
	return m, nil
}

// parseTmpfs reads PATH[:OPTIONS]. Without other options it is one for everybody, as
// /tmp is.
func parseTmpfs(text string) (mounts.Mount, error) {
	where, options, _ := strings.Cut(text, ":")
	if where == "" || where[0] != '/' || path.Clean(where) == "/" {
		return mounts.Mount{}, fmt.Errorf("--tmpfs %s: want PATH[:OPTIONS], with a PATH that begins with / and is not /", text)
	}
	m := mounts.Mount{
		Destination: path.Clean(where), Type: "tmpfs", Source: "tmpfs",
		Options: []string{"nosuid", "nodev"}, Origin: "--tmpfs " + text,
	}
	mode := false
	for word := range strings.SplitSeq(options, ",") {
		if word == "" {
			continue
		}
		mode = mode || strings.HasPrefix(word, "mode=")
		m.Options = append(m.Options, word)
	}
	if !mode {
		m.Options = append(m.Options, "mode=1777")
	}
	return m, nil
}

// dockers are the capabilities that docker gives to a container, and podman nearly.
var dockers = [...]caps.Cap{
	caps.CHOWN, caps.DAC_OVERRIDE, caps.FOWNER, caps.FSETID, caps.KILL, caps.SETGID, caps.SETUID, caps.SETPCAP,
	caps.NET_BIND_SERVICE, caps.NET_RAW, caps.SYS_CHROOT, caps.MKNOD, caps.AUDIT_WRITE, caps.SETFCAP,
}

// capabilities are docker's, with what is added and without what is dropped. What is
// named wins over ALL; what is named twice is dropped.
func capabilities(add, drop []string, last caps.Cap) (caps.Set, error) {
	added, addAll, err := capNames("--cap-add", add)
	if err != nil {
		return 0, err
	}
	dropped, dropAll, err := capNames("--cap-drop", drop)
	if err != nil {
		return 0, err
	}
	set := caps.Of(dockers[:]...)
	switch {
	case addAll && dropAll:
		return 0, errors.New("--cap-add ALL and --cap-drop ALL: only one of them is possible")
	case addAll:
		set = caps.UpTo(last)
	case dropAll:
		set = 0
	}
	return (set | added) &^ dropped, nil
}

func capNames(name string, words []string) (set caps.Set, all bool, err error) {
	for _, word := range words {
		for one := range strings.SplitSeq(word, ",") {
			if strings.EqualFold(one, "ALL") {
				all = true
				continue
			}
			c, err := caps.Parse(one)
			if err != nil {
				return 0, false, fmt.Errorf("%s: %w", name, err)
			}
			set.Add(c)
		}
	}
	return set, all, nil
}

// environment is what the program finds: a path, a home and how the terminal is
// called and talks. Nothing else of the caller's goes in unless it is asked for, since
// that is where people keep their secrets.
// home is that of the user, if he is another one than the caller.
func environment(asked, callers []string, rootfs bool, home string) []string {
	get := func(name string) (string, bool) {
		for _, v := range callers {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}
	env := []string{"PATH=" + usualPath, "HOME=/root"}
	set := func(name, value string) {
		env = slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
		env = append(env, name+"="+value)
	}
	if !rootfs { // the machine's files are where the caller's variables say
		if p, ok := get("PATH"); ok {
			set("PATH", withUsual(p))
		}
		if home, ok := get("HOME"); ok {
			set("HOME", home)
		}
	}
	if home != "" {
		set("HOME", home)
	}
	for _, name := range []string{"TERM", "LANG"} {
		if value, ok := get(name); ok {
			set(name, value)
		}
	}
	for _, v := range asked {
		name, value, given := strings.Cut(v, "=")
		if !given {
			if value, given = get(name); !given {
				continue // it is not set here and not there
			}
		}
		set(name, value)
	}
	return env
}

const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// withUsual adds what a path lacks. An ordinary user's has no sbin, and dpkg does not
// work for root without it.
func withUsual(p string) string {
	has := strings.Split(p, ":")
	for dir := range strings.SplitSeq(usualPath, ":") {
		if !slices.Contains(has, dir) {
			has = append(has, dir)
		}
	}
	return strings.Trim(strings.Join(has, ":"), ":")
}
