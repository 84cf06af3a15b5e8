package selfcontain

import (
	"errors"
	"fmt"
	"net"
	"path"
	"strings"

	"github.com/go-logr/logr"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/container"
)

// Settings of the container's interface by their names for sysctl(8): whether router
// advertisements are taken (2 is also by who forwards packets), whether a default router is
// learned from them, and whether a prefix is. Documentation/networking/ip-sysctl.rst
const (
	ACCEPT_DFTRTR = "net.ipv6.conf.eth0.accept_ra_defrtr"
	ACCEPT_PINFO  = "net.ipv6.conf.eth0.accept_ra_pinfo"
	ACCEPT_RA     = "net.ipv6.conf.eth0.accept_ra"
)

// Config is a container that is wanted. Name and Data are needed.
type Config struct {
	// Logger is told what has no effect on this machine, and what went wrong and stopped
	// nothing. The zero Logger is silent.
	Logger logr.Logger
	// Name is the container's, among all of the machine, and its host name.
	Name string
	// Data is the directory of what stays of it, an absolute path. It is made if it does
	// not exist, and belongs to one container. It must not lie on an overlay.
	Data string
	// Master is the interface of the machine by which the container reaches the network,
	// as an IPvlan interface of its own. Empty is a container that has lo alone.
	Master string
	// IP is the address of the container with its mask, and the zero value for what
	// router advertisements say.
	IP net.IPNet
	// GW is the default router, and nil for what they say.
	GW net.IP
	// DNS are the name servers.
	DNS []net.IP
	// Capabilities are some besides the usual, such as "SYS_MODULE"; CAP_ may stand in
	// front. capabilities(7)
	Capabilities []string
	// Devices are device files of the machine that the container has as well, by their
	// paths, besides the usual.
	Devices []string
	// Mounts are bind mounts: directories or files of the machine, and where in the container
	// they are. Both are absolute paths. What is mounted below comes along.
	Mounts map[string]string
}

// check says what is wrong, all of it.
func (c *Config) check() error {
	var errs []error
	wrong := func(format string, v ...any) { errs = append(errs, fmt.Errorf(format, v...)) }
	if err := container.CheckID(c.Name); err != nil {
		wrong("Name: %w", err)
	} else if len(c.Name) > nameMax {
		wrong("Name: %q has %d bytes, and as a host name it may have %d", c.Name, len(c.Name), nameMax)
	}
	absolute := func(field, p string) {
		switch {
		case !path.IsAbs(p) || path.Clean(p) == "/":
			wrong("%s: %q: want an absolute path below /", field, p)
		case strings.IndexByte(p, 0) >= 0:
			wrong("%s: %q holds a NUL", field, p)
		}
	}
	absolute("Data", c.Data)
	if _, err := c.capabilities(); err != nil {
		wrong("Capabilities: %w", err)
	}
	for _, d := range c.Devices {
		absolute("Devices", d)
	}
	targets := map[string]string{}
	for _, source := range sorted(c.Mounts) {
		if source != "/" {
			absolute("Mounts", source)
		}
		target := c.Mounts[source]
		absolute(fmt.Sprintf("Mounts[%q]", source), target)
		if other, taken := targets[path.Clean(target)]; taken {
			wrong("Mounts[%q]: %s is there already, from %s", source, target, other)
		}
		targets[path.Clean(target)] = source
	}
	if c.Master == "" && (len(c.IP.IP) != 0 || c.GW != nil || len(c.DNS) != 0) {
		wrong("Master: it is empty, and an address, a router or name servers are of no use without an interface")
	}
	if c.Master != "" {
		if _, err := c.link(); err != nil {
			wrong("Master, IP, GW: %w", err)
		}
	}
	return errors.Join(errs...)
}

// fieldError is an error of a field of [Config].
type fieldError struct {
	field string
	err   error
}

func (e *fieldError) Error() string { return e.field + ": " + e.err.Error() }
func (e *fieldError) Unwrap() error { return e.err }

// in is an error with its field in front.
func in(field string, err error) error { return &fieldError{field, err} }

// nameMax is __NEW_UTS_LEN of linux/utsname.h.
const nameMax = 64

// required are the capabilities of every container: what those of docker are for, and what it takes to make
// containers, networks and mounts inside, to limit them and to look into them. What
// loads code into the kernel, reaches its memory or hardware, sets the machine's clock or
// boots it is not among them.
var required = caps.Of(
	caps.AUDIT_WRITE, caps.CHOWN, caps.DAC_OVERRIDE, caps.FOWNER, caps.FSETID, caps.KILL, caps.MKNOD, caps.NET_BIND_SERVICE,
	caps.NET_RAW, caps.SETFCAP, caps.SETGID, caps.SETPCAP, caps.SETUID, caps.SYS_CHROOT,
	caps.BPF, caps.IPC_LOCK, caps.IPC_OWNER, caps.NET_ADMIN, caps.NET_BROADCAST, caps.PERFMON, caps.SYSLOG, caps.SYS_ADMIN,
	caps.SYS_NICE, caps.SYS_PTRACE, caps.SYS_RESOURCE,
)

// capabilities are the required ones and those that are asked for.
func (c *Config) capabilities() (caps.Set, error) {
	set := required
	for _, name := range c.Capabilities {
		one, err := caps.Parse(name)
		if err != nil {
			return 0, err
		}
		set.Add(one)
	}
	return set, nil
}
