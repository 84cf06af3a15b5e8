package container

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/internal/nofile"
)

// Host is what [Compile] has to know of a machine and of the process that makes the
// container. It is asked once, by [Probe], and can be stored as JSON: a plan for one
// machine can be made and read on another.
type Host struct {
	// Kernel is the kernel's release, as uname -r prints it.
	Kernel string `json:"kernel"`
	// Arch is the architecture, "amd64" or "arm64".
	Arch string `json:"arch"`
	// Missing are calls that a container needs and this kernel does not have, with
	// the release that brought each.
	Missing []string `json:"missing,omitempty"`
	// UID is the effective user of the process that makes the container.
	UID int `json:"uid"`
	UserFacts
	// Capabilities are the caller's own, of which a container can get no more.
	Capabilities caps.Config `json:"capabilities"`
	// LastCapability is the last one that the kernel knows.
	LastCapability caps.Cap `json:"lastCapability"`
	// NoFile is the limit of open files that the caller was started with, before
	// Go raised it. getrlimit(2)
	NoFile Limit `json:"noFile"`
	// Ignored are the signals that the caller ignores, signal n at bit n-1. They
	// would be ignored in the container as well. signal(7)
	Ignored uint64 `json:"ignored,omitempty"`
	// TimerSlack is how late timers of the container's processes may be, in nanoseconds, for
	// a caller whose own threads have another slack, which is inherited. 0 leaves it as it
	// is. PR_SET_TIMERSLACK(2const)
	TimerSlack uint64 `json:"timerSlack,omitempty"`
	// Modules are the security modules of the kernel that give programs labels: "apparmor",
	// "selinux".
	Modules []string `json:"modules,omitempty"`
	// Cgroup2 is where the cgroup v2 hierarchy is mounted, and Cgroup the caller's
	// own group in it. Both are empty without one. On a hybrid host this is the
	// v2 part, wherever it is.
	Cgroup2 string `json:"cgroup2,omitempty"`
	Cgroup  string `json:"cgroup,omitempty"`
	// DeviceFilters says that the caller may say which devices a cgroup may open. bpf(2)
	DeviceFilters bool `json:"deviceFilters,omitempty"`
}

// Limit is a soft and a hard resource limit.
type Limit struct {
	Soft uint64 `json:"soft"`
	Hard uint64 `json:"hard"`
}

// Probe asks the machine. It needs no privilege and changes nothing.
func Probe() (Host, error) {
	h, err := ProbeProcess()
	if err == nil {
		err = h.probeOwnCgroup()
	}
	h.DeviceFilters = h.Cgroup2 != "" && cgroupv2.MayFilter()
	return h, err
}

// ProbeProcess is [Probe] for who starts a further process in a container and makes no
// cgroup: of those it asks only where they are mounted.
func ProbeProcess() (Host, error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return Host{}, fmt.Errorf("uname: %w", err)
	}
	h := Host{Kernel: unix.ByteSliceToString(uts.Release[:]), Arch: runtime.GOARCH, UID: os.Geteuid()}
	if older(h.Kernel, 6, 1) {
		h.Missing = missingCalls()
	}
	if err := h.probeCapabilities(); err != nil {
		return Host{}, err
	}
	if err := h.probeUser(); err != nil {
		return Host{}, err
	}
	if err := h.probeIgnored(); err != nil {
		return Host{}, err
	}
	h.Modules = securityModules()
	if soft, hard, ok := nofile.Original(); ok {
		h.NoFile = Limit{soft, hard}
	}
	var err error
	h.Cgroup2, err = cgroupv2.Mountpoint()
	return h, err
}

// older reports whether a kernel release is older than major.minor.
func older(release string, major, minor int) bool {
	have := [2]int{}
	rest := release
	for i := range have {
		end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(rest)
		}
		n, err := strconv.Atoi(rest[:end])
		if err != nil {
			return false // an unknown scheme of numbers: the calls themselves will tell
		}
		have[i] = n
		rest = strings.TrimPrefix(rest[end:], ".")
	}
	return have[0] < major || have[0] == major && have[1] < minor
}

// probeCapabilities reads the caller's sets.
func (h *Host) probeCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("capget: %w", err)
	}
	h.Capabilities = caps.Config{
		Effective:   caps.Set(data[0].Effective) | caps.Set(data[1].Effective)<<32,
		Permitted:   caps.Set(data[0].Permitted) | caps.Set(data[1].Permitted)<<32,
		Inheritable: caps.Set(data[0].Inheritable) | caps.Set(data[1].Inheritable)<<32,
	}
	for c := caps.Cap(0); c < 64; c++ {
		has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(c), 0, 0, 0)
		if errors.Is(err, unix.EINVAL) { // the kernel knows no more
			break
		}
		if err != nil {
			return fmt.Errorf("prctl PR_CAPBSET_READ: %w", err)
		}
		h.LastCapability = c
		if has == 1 {
			h.Capabilities.Bounding.Add(c)
		}
	}
	// The execution of the image drops the others. capabilities(7), "Transformation of
	// capabilities during execve()"
	kept := h.Capabilities.Bounding | h.Capabilities.Inheritable
	h.Capabilities.Permitted &= kept
	h.Capabilities.Effective &= kept
	return nil
}

// readProc reads a file of /proc. Package os would set up its network poller for it.
func readProc(name string) ([]byte, error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	text, err := readAll(fd, 1024)
	if err != nil {
		return nil, &os.PathError{Op: "read", Path: name, Err: err}
	}
	return text, nil
}

// readAll reads what is open, of about that size, up to recordLimit and some more.
func readAll(fd, size int) ([]byte, error) {
	text := make([]byte, 0, size+512)
	for len(text) <= recordLimit {
		text = slices.Grow(text, 512)
		n, err := unix.Read(fd, text[len(text):cap(text)])
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return nil, err
		case n == 0:
			return text, nil
		default:
			text = text[:len(text)+n]
		}
	}
	return text, nil
}

// probeOwnCgroup finds the caller's place in the cgroup v2 hierarchy.
func (h *Host) probeOwnCgroup() error {
	if h.Cgroup2 == "" {
		return nil
	}
	own, err := readProc("/proc/self/cgroup")
	if err != nil {
		h.Cgroup2 = ""
		return nil //nolint:nilerr // a kernel without cgroups has no such file
	}
	for line := range strings.Lines(string(own)) {
		if group, ok := strings.CutPrefix(line, "0::"); ok {
			h.Cgroup = strings.TrimSuffix(group, "\n")
			return nil
		}
	}
	h.Cgroup2 = "" // it is mounted, and not for us
	return nil
}
