//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// nobody is the ordinary user of the rootless rows.
const nobody = 65534

// rootlessPeers are compared with "box --rootfs" of an ordinary user.
var rootlessPeers = [...]struct {
	name       string
	reach, aim float64
	argv       func(place, bundle, string) []string
}{
	{"bwrap", 1.25, 1.0, bwrapRootless},
	{"crun", 0.7, 0.55, crunArgs},
}

func boxArgs(p place, b bundle, _ string) []string {
	return append([]string{p.exe, "--root", p.state, "box", "--rootfs", b.rootfs(), "--"}, b.spec.Process.Args...)
}

// bwrapRootless asks for what a box has by itself. bwrap mounts no sysfs; it binds the
// machine's.
func bwrapRootless(p place, b bundle, _ string) []string {
	args := []string{p.exe, "--unshare-all", "--die-with-parent", "--as-pid-1", "--new-session", "--hostname", "box", "--uid", "0", "--gid", "0",
		"--bind", b.rootfs(), "/", "--proc", "/proc", "--dev", "/dev", "--mqueue", "/dev/mqueue",
		"--ro-bind", p.sys, "/sys", "--ro-bind", cgroupParent, "/sys/fs/cgroup", "--chdir", "/", "--"}
	return append(args, b.spec.Process.Args...)
}

// rootless makes a bundle for an ordinary user of another one, with its root file system.
func (b bundle) rootless(dir string) (bundle, error) {
	other := bundle{dir: dir, spec: b.spec}
	linux := *b.spec.Linux
	linux.Namespaces = append(slices.Clone(linux.Namespaces), specs.LinuxNamespace{Type: specs.UserNamespace})
	own := []specs.LinuxIDMapping{{ContainerID: 0, HostID: nobody, Size: 1}}
	linux.UIDMappings, linux.GIDMappings, linux.Resources = own, own, nil
	other.spec.Linux = &linux
	other.spec.Mounts = slices.Clone(b.spec.Mounts)
	for i := range other.spec.Mounts {
		m := &other.spec.Mounts[i]
		m.Options = slices.DeleteFunc(slices.Clone(m.Options), func(o string) bool { return strings.HasPrefix(o, "gid=") })
	}
	config, err := json.MarshalIndent(other.spec, "", "\t")
	if err != nil {
		return other, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return other, err
	}
	if err := os.Symlink(b.rootfs(), other.rootfs()); err != nil {
		return other, err
	}
	return other, os.WriteFile(filepath.Join(dir, "config.json"), config, 0o644)
}

// userCommand is command as an ordinary user.
func (s *spawner) userCommand(name string, argv func(id string) []string) contestant {
	attr := &os.ProcAttr{
		Env: []string{"PATH=" + os.Getenv("PATH"), "XDG_RUNTIME_DIR=/nonexistent"}, Dir: "/", Files: []*os.File{s.null, s.null, s.null},
		Sys: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}},
	}
	return contestant{name: name, run: func() (time.Duration, error) { return runOnce(name, argv(s.id()), attr) }}
}

// addRootless adds the rows of an ordinary user.
func (t *table) addRootless(self place, timed, looking bundle, dir string, s *spawner) error {
	var err error
	for _, b := range []*bundle{&timed, &looking} {
		if *b, err = b.rootless(b.dir + "-rootless"); err != nil {
			return err
		}
	}
	ours := s.userCommand("box", func(id string) []string { return boxArgs(self, timed, id) })
	if err := verifyUser(boxArgs(self, looking, s.id())); err != nil {
		return fmt.Errorf("%s box: %w", self.exe, err)
	}
	for _, peer := range rootlessPeers {
		p, _ := findPeer(peer.name)
		row := &pair{section: "fresh process of an ordinary user", name: peer.name, ours: ours, reach: peer.reach, aim: peer.aim}
		t.pairs = append(t.pairs, row)
		exe, err := p.find()
		if err != nil {
			row.missing = err
			continue
		}
		row.name = "box --rootfs : " + peer.name + " " + p.version(exe)
		at := place{exe: exe, state: filepath.Join(dir, "state-rootless-"+peer.name), sys: self.sys}
		if err := os.Mkdir(at.state, 0o700); err != nil {
			return err
		}
		if err := os.Chown(at.state, nobody, nobody); err != nil {
			return err
		}
		row.peer = s.userCommand(peer.name, func(id string) []string { return peer.argv(at, timed, id) })
		row.err = verifyUser(peer.argv(at, looking, s.id()))
	}
	return nil
}

// verifyUser is verify for an ordinary user.
func verifyUser(argv []string) error {
	id := strconv.Itoa(nobody)
	_, err := verify(append([]string{"setpriv", "--reuid", id, "--regid", id, "--clear-groups"}, argv...))
	return err
}
