package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// options are the command line.
type options struct {
	command []string

	// where things come from
	cache, agent            string
	arch                    arch
	suite, mirror, flavour  string
	kernelPackage           string
	packages, bins, files   list
	modules                 list
	noBusybox, prepare      bool
	root, rootDir, rootSize string
	rootWritable            bool

	// the machine
	memory, cpus                    int
	accel, cpu, machine             string
	disks, kernelParams             list
	console, stats                  string
	timeout, bootTimeout            time.Duration
	systemd, verbose, stdin, goExec bool

	// the command's surroundings
	dir   string
	env   list
	users accounts
	fetch list
	unit  string
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// defaultModules are what the guest itself needs (virtio) and what makes a
// cloud kernel look like the one of an ordinary machine. dummy makes dummy0 by
// itself unless told not to.
const defaultModules = "virtio_pci,virtio_mmio,virtio_console,virtio_rng,virtio_blk," +
	"overlay,dummy:numdummies=0,ipvlan,macvlan,veth,bridge,?tun,?loop,?fuse"

func parseOptions(args []string) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("vmrun", flag.ContinueOnError)
	fs.Var(&o.files, "f", "`HOST[:GUEST]` file or directory put into the guest (repeatable)")
	fs.Var(&o.bins, "bin", "host `program` put into the guest at its path, with its shared libraries (repeatable)")
	fs.Var(&o.packages, "pkg", "Debian `package` of the guest's suite and architecture put into the guest, with its dependencies (repeatable)")
	fs.Var(&o.users, "user", "`NAME:ID[:SUBID:COUNT]` an ordinary user of the guest, with subordinate ids (repeatable)")
	fs.Var(&o.env, "e", "`KEY=VALUE` for the command (KEY alone copies the host's) (repeatable)")
	fs.Var(&o.fetch, "fetch", "`GUEST[:HOST]` file or directory copied back afterwards (repeatable)")
	fs.Var(&o.disks, "disk", "extra raw disk `image`, attached as vdb... (repeatable)")
	fs.Var(&o.kernelParams, "append", "extra kernel `parameter` (repeatable)")
	fs.StringVar(&o.cache, "cache", defaultCache(), "cache `directory`, also $VMRUN_CACHE")
	archName := fs.String("arch", runtime.GOARCH, "guest architecture: amd64 or arm64")
	fs.StringVar(&o.suite, "suite", "bookworm", "Debian suite of kernel and packages")
	fs.StringVar(&o.mirror, "mirror", "", "Debian mirror (default: the one this machine's apt uses)")
	fs.StringVar(&o.flavour, "flavour", "cloud", "kernel flavour: cloud or generic")
	fs.StringVar(&o.kernelPackage, "kernel-package", "", "exact kernel package (default: newest cached, else what linux-image-FLAVOUR-ARCH depends on)")
	fs.Var(&o.modules, "modules", "kernel `modules` to load instead of the default, or with +a,b besides: ?name is optional, name:k=v;k=v gives parameters (repeatable)")
	fs.BoolVar(&o.noBusybox, "no-busybox", false, "leave busybox out")
	fs.StringVar(&o.root, "root", "", "ext4 `image` used as root file system (changes are dropped unless -rw)")
	fs.StringVar(&o.rootDir, "rootdir", "", "`directory` turned into an ext4 image (at -root if given, and only if that is absent)")
	fs.StringVar(&o.rootSize, "rootsize", "", "size of the image made from -rootdir (default: contents*1.3+256M)")
	fs.BoolVar(&o.rootWritable, "rw", false, "keep changes made to -root")
	fs.BoolVar(&o.systemd, "systemd", false, "boot systemd from -root and run the command as a oneshot service")
	fs.StringVar(&o.unit, "unit", "", "with -systemd: extra lines of the [Service] section (\\n separates)")
	o.memory = defaultMemory
	fs.Func("m", fmt.Sprintf("guest memory in `MiB` (default %d; of several, the largest)", defaultMemory), o.setMemory())
	fs.IntVar(&o.cpus, "smp", runtime.NumCPU(), "guest CPUs")
	fs.StringVar(&o.accel, "accel", "tcg,thread=multi,tb-size=256", "QEMU accelerator")
	fs.StringVar(&o.cpu, "cpu", "", "QEMU CPU model (default by architecture)")
	fs.StringVar(&o.machine, "machine", "", "QEMU machine (default by architecture)")
	fs.DurationVar(&o.timeout, "timeout", 15*time.Minute, "limit for the whole run (exit status 124)")
	fs.DurationVar(&o.bootTimeout, "boot-timeout", 2*time.Minute, "limit until the guest agent answers (exit status 125)")
	fs.StringVar(&o.dir, "C", "/", "working `directory` of the command")
	fs.BoolVar(&o.stdin, "stdin", false, "forward standard input")
	fs.StringVar(&o.console, "console", "", "keep the kernel's console output in this `file`")
	fs.BoolVar(&o.goExec, "exec", false, "for go test -exec: the command is a host binary; copy it, ./testdata and profile outputs")
	fs.StringVar(&o.agent, "agent", "", "static vmrun `binary` for the guest (default: this one or a fresh build)")
	fs.StringVar(&o.stats, "stats", "", "write JSON statistics to this `file`")
	fs.BoolVar(&o.prepare, "prepare", false, "only fill the cache")
	fs.BoolVar(&o.verbose, "v", false, "report what is done and the times")
	fs.SetOutput(io.Discard) // a mistake is one line, not all of the flags
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "usage: vmrun [flags] [--] command [args...]")
			fs.SetOutput(os.Stderr)
			fs.PrintDefaults()
		}
		return nil, err
	}
	o.command = fs.Args()
	var ok bool
	if o.arch, ok = arches[*archName]; !ok {
		return nil, fmt.Errorf("unknown architecture %q", *archName)
	}
	return o, o.validate()
}

func (o *options) validate() error {
	switch {
	case len(o.command) == 0 && !o.prepare:
		return errors.New("no command")
	case o.systemd && o.root == "" && o.rootDir == "":
		return errors.New("-systemd needs -root or -rootdir")
	case len(o.users) != 0 && (o.root != "" || o.rootDir != ""):
		return errors.New("-user is for the guest without -root: an image has users of its own")
	}
	var err error
	o.cache, err = filepath.Abs(o.cache)
	return err
}

// logf reports progress, under -v.
func (o *options) logf(format string, args ...any) {
	if o.verbose {
		fmt.Fprintf(os.Stderr, "vmrun: "+format+"\n", args...)
	}
}

// moduleList splits -modules into names and the parameters of some of them.
func (o *options) moduleList() (names []string, params map[string]string) {
	text := defaultModules
	for _, m := range o.modules {
		if more, ok := strings.CutPrefix(m, "+"); ok {
			text += "," + more
		} else {
			text = m
		}
	}
	params = map[string]string{}
	for entry := range strings.SplitSeq(text, ",") {
		name, p, _ := strings.Cut(entry, ":")
		names = append(names, name)
		if p != "" {
			params[moduleName(strings.TrimPrefix(name, "?"))] = strings.ReplaceAll(p, ";", " ")
		}
	}
	return names, params
}

const defaultMemory = 1024

// setMemory is the flag -m. Several packages that share a guest each say
// what they need.
func (o *options) setMemory() func(string) error {
	asked := 0
	return func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n <= 0 {
			return fmt.Errorf("%q is no amount of memory", s)
		}
		asked = max(asked, n)
		o.memory = asked
		return nil
	}
}

// environ returns the command's variables; a KEY alone takes the host's
// value, or is left out.
func (o *options) environ() []string {
	var env []string
	for _, e := range o.env {
		if !strings.Contains(e, "=") {
			v, ok := os.LookupEnv(e)
			if !ok {
				continue
			}
			e += "=" + v
		}
		env = append(env, e)
	}
	return env
}

// fetches returns -fetch as pairs.
func (o *options) fetches() []fetch {
	var out []fetch
	for _, s := range o.fetch {
		guest, host, ok := strings.Cut(s, ":")
		if !ok {
			host = path.Base(guest)
		}
		out = append(out, fetch{guest, host})
	}
	return out
}

func defaultCache() string {
	if d := os.Getenv("VMRUN_CACHE"); d != "" {
		return d
	}
	d, err := os.UserCacheDir()
	if err != nil { // no HOME
		d = os.TempDir()
	}
	return filepath.Join(d, "vmrun")
}
