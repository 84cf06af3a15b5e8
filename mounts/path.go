package mounts

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// inside makes of a path of the configuration one that is relative to the root, with
// every component a name: "/dev//pts/" is "dev/pts". What it means is left to
// openat2(2); a ".." is refused because nobody can say beforehand what it means.
func inside(p string) (string, error) {
	switch {
	case p == "":
		return "", errors.New("the path is empty")
	case strings.IndexByte(p, 0) >= 0:
		return "", fmt.Errorf("%q: the path holds a NUL", p)
	case len(p) >= unix.PathMax:
		return "", fmt.Errorf("the path is %d bytes long, the kernel takes at most %d", len(p), unix.PathMax-1)
	}
	for name := range strings.SplitSeq(p, "/") {
		if name == ".." {
			return "", fmt.Errorf("%s: the path goes up with \"..\"", p)
		}
		if len(name) > nameMax {
			return "", fmt.Errorf("a name of the path is %d bytes long, the kernel takes at most %d", len(name), nameMax)
		}
	}
	rooted := p
	if p[0] != '/' {
		rooted = "/" + p
	}
	clean := path.Clean(rooted)[1:]
	if clean == "" {
		return "", fmt.Errorf("%s: this is the root of the container", p)
	}
	return clean, nil
}

// hostPath holds a path of the host against what the kernel takes.
func hostPath(p string) error {
	switch {
	case !strings.HasPrefix(p, "/"):
		return fmt.Errorf("%q: want an absolute path of the host", p)
	case strings.IndexByte(p, 0) >= 0:
		return fmt.Errorf("%q holds a NUL", p)
	case len(p) >= unix.PathMax:
		return fmt.Errorf("the path is %d bytes long, the kernel takes at most %d", len(p), unix.PathMax-1)
	}
	return nil
}

// nameMax is NAME_MAX of limits.h.
const nameMax = 255

// absolute is inside for a path that has to begin with a slash.
func absolute(p string) (string, error) {
	if p != "" && p[0] != '/' && strings.IndexByte(p, 0) < 0 {
		return "", fmt.Errorf("%s: the path is not absolute", p)
	}
	return inside(p)
}

// below is what remains of p behind dir, and whether p lies below dir at all.
func below(p, dir string) (string, bool) {
	rest, ok := strings.CutPrefix(p, dir)
	if !ok || rest == "" || rest[0] != '/' {
		return "", false
	}
	return rest[1:], true
}

// overProc are the files below /proc that may be covered by a mount: the ones that
// lxcfs and its like show instead of the kernel's. Everything else there is what
// programs, and runtimes, believe of themselves.
var overProc = [...]string{
	"proc/cpuinfo",
	"proc/diskstats",
	"proc/loadavg",
	"proc/meminfo",
	"proc/net/dev",
	"proc/slabinfo",
	"proc/stat",
	"proc/swaps",
	"proc/sys/crypto/fips_enabled",
	"proc/sys/kernel/ns_last_pid",
	"proc/uptime",
}

// checkProc holds a mount against what may be mounted on /proc and below it.
func checkProc(p string, k kind, fsType string) error {
	if p == "proc" && k != kindRemount && k != kindBind && fsType != "proc" {
		return fmt.Errorf("a %s cannot be mounted on /proc: only a procfs can", fsType)
	}
	if _, ok := below(p, "proc"); ok && k != kindRemount && !slices.Contains(overProc[:], p) {
		return fmt.Errorf("nothing may be mounted on /%s, which is inside /proc", p)
	}
	return nil
}
