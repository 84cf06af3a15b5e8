package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// noExec is how Debian mounts what holds no programs.
const noExec = unix.MS_NOSUID | unix.MS_NOEXEC | unix.MS_NODEV

// mount is one call of mount(2).
type mount struct {
	source, target, fstype string
	flags                  uintptr
	data                   string
}

// do makes the mount point too.
func (m mount) do() error {
	if err := os.MkdirAll(m.target, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(m.source, m.target, m.fstype, m.flags, m.data); err != nil {
		return fmt.Errorf("mount %s %s on %s: %w", m.fstype, m.source, m.target, err)
	}
	return nil
}

// mounts makes each mount. One that fails is noted and no more: not every
// kernel has every file system.
func (s *steps) mounts(list []mount) {
	for _, m := range list {
		if err := m.do(); err != nil {
			s.add("%v", err)
		}
	}
}

// mountSystem mounts at newRoot what a Debian system has mounted. systemd
// mounts most of it itself.
func (s *steps) mountSystem(cfg config) {
	for _, d := range []string{"/proc", "/sys", "/dev"} {
		if err := (mount{d, newRoot + d, "", unix.MS_MOVE, ""}).do(); err != nil {
			s.die("%v", err)
		}
	}
	s.mounts([]mount{{"run", newRoot + "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=0755"}})
	for _, l := range [][2]string{{"/proc/self/fd", "fd"}, {"fd/0", "stdin"}, {"fd/1", "stdout"}, {"fd/2", "stderr"}} {
		if err := os.Symlink(l[0], newRoot+"/dev/"+l[1]); err != nil {
			s.add("%v", err)
		}
	}
	if err := loopbackUp(); err != nil {
		s.add("lo: %v", err)
	}
	if cfg.Systemd {
		return
	}
	if cfg.Root != "" { // without an image, all of the root is a tmpfs
		s.mounts([]mount{{"tmp", newRoot + "/tmp", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"}})
	}
	s.mounts([]mount{
		{"shm", newRoot + "/dev/shm", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
		{"mqueue", newRoot + "/dev/mqueue", "mqueue", noExec, ""},
		{"devpts", newRoot + "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "ptmxmode=0666,mode=0620,gid=5"},
		{"cgroup2", newRoot + "/sys/fs/cgroup", "cgroup2", noExec, "nsdelegate,memory_recursiveprot"},
		{"bpf", newRoot + "/sys/fs/bpf", "bpf", noExec, "mode=0700"},
		{"tracefs", newRoot + "/sys/kernel/tracing", "tracefs", noExec, ""},
		{"security", newRoot + "/sys/kernel/security", "securityfs", noExec, ""},
	})
	s.enableControllers(newRoot + "/sys/fs/cgroup")
	if err := unix.Sethostname([]byte(cfg.Hostname)); err != nil {
		s.add("sethostname: %v", err)
	}
}

// enableControllers gives all controllers to the children of the root cgroup.
func (s *steps) enableControllers(dir string) {
	text, err := os.ReadFile(dir + "/cgroup.controllers")
	if err != nil {
		s.add("%v", err)
	}
	for c := range strings.FieldsSeq(string(text)) {
		if err := os.WriteFile(dir+"/cgroup.subtree_control", []byte("+"+c), 0); err != nil {
			s.add("controller %s: %v", c, err)
		}
	}
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}
