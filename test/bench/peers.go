//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// peer is a tool ours is compared with.
type peer struct {
	name       string
	pkg        string  // the Debian package that has it
	reach, aim float64 // ours divided by it; 0 where the project has set no figure
	argv       func(place, bundle, string) []string

	lives   bool     // it has a command for each thing that becomes of a container
	manager []string // flags by which those make cgroups, where they have to be told
}

// place is what command lines need besides the bundle.
type place struct {
	exe   string // the tool's file
	state string // a directory on a tmpfs for its state
	sys   string // a directory where a sysfs without anything below it is mounted
}

func peers() []peer {
	return []peer{
		{name: "crun", pkg: "crun", reach: 0.7, aim: 0.55, argv: crunArgs, lives: true, manager: []string{"--cgroup-manager=cgroupfs"}},
		{name: "runc", pkg: "runc", reach: 0.3, aim: 0.2, argv: runcArgs, lives: true},
		{name: "bwrap", pkg: "bubblewrap", reach: 1.25, aim: 1.0, argv: bwrapArgs},
		{name: "unshare", pkg: "util-linux", argv: unshareArgs},
	}
}

func peerNames() []string {
	var names []string
	for _, p := range peers() {
		names = append(names, p.name)
	}
	return names
}

func findPeer(name string) (peer, bool) {
	all := peers()
	i := slices.IndexFunc(all, func(p peer) bool { return p.name == name })
	if i < 0 {
		return peer{}, false
	}
	return all[i], true
}

// find is the file of the peer, or an error that names the package to install.
func (p peer) find() (string, error) {
	exe, err := exec.LookPath(p.name)
	if err != nil {
		return "", fmt.Errorf("not here: apt-get install %s", p.pkg)
	}
	return exe, nil
}

// version is the first line of --version, without the tool's name.
func (p peer) version(exe string) string {
	out, err := exec.Command(exe, "--version").Output()
	if err != nil {
		return "of unknown version"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	fields := strings.Fields(line)
	return fields[len(fields)-1]
}

func oursArgs(p place, b bundle, id string) []string {
	return []string{p.exe, "--root", p.state, "--cgroup-manager=disabled", "run", "--no-new-keyring", "--bundle", b.dir, id}
}

func traceArgs(p place, b bundle, id string) []string {
	return []string{p.exe, "--root", p.state, "trace", "-o", os.DevNull, "run", "--no-new-keyring", "--bundle", b.dir, id}
}

// crun and runc make a session keyring by default; nobody else here does.

func crunArgs(p place, b bundle, id string) []string {
	return []string{p.exe, "--root", p.state, "--cgroup-manager=disabled", "run", "--no-new-keyring", "--bundle", b.dir, id}
}

func runcArgs(p place, b bundle, id string) []string {
	return []string{p.exe, "--root", p.state, "run", "--no-new-keyring", "--bundle", b.dir, id}
}

func unshareArgs(p place, b bundle, _ string) []string {
	args := []string{p.exe, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--fork", "chroot", b.rootfs()}
	return append(args, b.spec.Process.Args...)
}

// bwrapArgs says the bundle's configuration in bubblewrap's words. Its --proc covers
// bus, irq and sysrq-trigger read-only by itself, and sys only where access(2) calls that
// directory writable, which it is not for root. A read-only path of another procfs than
// the container's is as many calls, though not as good a mask.
func bwrapArgs(p place, b bundle, _ string) []string {
	args := []string{p.exe, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup",
		"--as-pid-1", "--new-session", "--hostname", b.spec.Hostname, "--clearenv"}
	for _, kv := range b.spec.Process.Env {
		name, value, _ := strings.Cut(kv, "=")
		args = append(args, "--setenv", name, value)
	}
	args = append(args, "--cap-drop", "ALL")
	for _, c := range b.spec.Process.Capabilities.Bounding {
		args = append(args, "--cap-add", c)
	}
	args = append(args, "--ro-bind", b.rootfs(), "/")
	for _, m := range b.spec.Mounts {
		args = append(args, bwrapMount(p, m)...)
	}
	for _, path := range b.spec.Linux.MaskedPaths {
		// bwrap makes the mount point, which fails where the kernel has no such file.
		switch info, err := os.Stat(path); {
		case err != nil:
		case info.IsDir():
			args = append(args, "--tmpfs", path, "--remount-ro", path)
		default:
			args = append(args, "--ro-bind", os.DevNull, path)
		}
	}
	for _, path := range b.spec.Linux.ReadonlyPaths {
		if slices.Contains([]string{"/proc/bus", "/proc/irq", "/proc/sysrq-trigger"}, path) {
			continue
		}
		if _, err := os.Stat(path); err == nil {
			args = append(args, "--ro-bind", path, path)
		}
	}
	return append(append(args, "--chdir", b.spec.Process.Cwd, "--"), b.spec.Process.Args...)
}

func bwrapMount(p place, m specs.Mount) []string {
	switch {
	case m.Type == "proc":
		return []string{"--proc", m.Destination}
	case m.Destination == "/dev": // with its nodes, links, pts and shm
		return []string{"--dev", m.Destination}
	case m.Type == "tmpfs":
		return []string{"--perms", "1777", "--size", "67108864", "--tmpfs", m.Destination}
	case m.Type == "mqueue":
		return []string{"--mqueue", m.Destination}
	case m.Type == "sysfs":
		return []string{"--ro-bind", p.sys, m.Destination}
	case m.Type == "cgroup":
		return []string{"--ro-bind", cgroupParent, m.Destination}
	}
	return nil // devpts: --dev has made it
}

// prepare makes the directories of a place.
func (p place) prepare() error {
	for _, d := range []string{p.state, p.sys} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("sysfs", p.sys, "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount sysfs on %s: %w", filepath.Base(p.sys), err)
	}
	return nil
}
