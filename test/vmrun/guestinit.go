package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	guestPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	agentName = "vmrun-agent"

	// What the world after the change of the root needs from the one before.
	runDir      = "/run/vmrun"
	agentFile   = runDir + "/agent"
	agentConfig = runDir + "/config.json"
	stepsFile   = runDir + "/steps"
)

// newRoot is where the root file system is put together.
const newRoot = "/newroot"

// runInit is PID 1. It does not return.
func runInit() {
	var s steps
	if err := os.Setenv("PATH", guestPath); err != nil {
		s.die("%v", err)
	}
	s.mounts([]mount{
		{"sysfs", "/sys", "sysfs", noExec, ""},
		{"dev", "/dev", "devtmpfs", unix.MS_NOSUID, "mode=0755"},
	}) // inGuest has mounted /proc
	s.add("init started")
	cfg, err := loadConfig(configFile)
	if err != nil {
		s.die("%v", err)
	}
	for _, m := range cfg.Modules {
		if err := loadModule(m); err != nil {
			s.die("load %s: %v", m.Path, err)
		}
	}
	s.add("%d modules loaded", len(cfg.Modules))
	if err := mountRoot(cfg); err != nil {
		s.die("%v", err)
	}
	s.mountSystem(cfg)
	if err := fillRoot(cfg); err != nil {
		s.die("%v", err)
	}
	if err := switchRoot(); err != nil {
		s.die("%v", err)
	}
	s.add("root switched")
	if err := os.WriteFile(stepsFile, []byte(strings.Join(s, "\n")), 0o644); err != nil {
		s.die("%v", err)
	}
	if cfg.Systemd {
		s.die("%v", execSystemd())
	}
	s.reap()
}

func loadModule(m module) error {
	f, err := os.Open(m.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), m.Params, 0); err != nil && err != unix.EEXIST {
		return err
	}
	return nil
}

// mountRoot mounts the root file system at newRoot. Of the initramfs that is
// a bind mount of itself: pivot_root(2) refuses to leave the initial rootfs,
// and can leave a mount that was moved over it.
func mountRoot(cfg config) error {
	if err := os.MkdirAll(newRoot, 0o755); err != nil {
		return err
	}
	if cfg.Root == "" {
		if err := linkBusybox(); err != nil {
			return err
		}
		if err := (mount{"/", newRoot, "", unix.MS_BIND, ""}).do(); err != nil {
			return err
		}
		// As any other mount has it; the initial rootfs is without.
		return mount{"", newRoot, "", unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RELATIME, ""}.do()
	}
	for deadline := time.Now().Add(10 * time.Second); !exists(cfg.Root); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.New(cfg.Root + " did not appear")
		}
	}
	return mount{cfg.Root, newRoot, "ext4", unix.MS_NOATIME, ""}.do()
}

// linkBusybox gives busybox's names to it, where no package has the program.
func linkBusybox() error {
	if !exists("/bin/busybox") {
		return nil
	}
	out, err := exec.Command("/bin/busybox", "--list").Output()
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(string(out)) {
		if exists("/usr/bin/"+name) || exists("/usr/sbin/"+name) {
			continue
		}
		if err := os.Symlink("busybox", "/usr/bin/"+name); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// fillRoot puts the caller's files and our own into the new root.
func fillRoot(cfg config) error {
	if exists(overlayDir) {
		if err := copyTree(overlayDir, newRoot); err != nil {
			return err
		}
		if err := os.RemoveAll(overlayDir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(newRoot+runDir, 0o755); err != nil {
		return err
	}
	if err := copyFile("/init", newRoot+agentFile, 0o755); err != nil {
		return err
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		return err
	}
	if err := os.WriteFile(newRoot+agentConfig, text, 0o600); err != nil {
		return err
	}
	if cfg.Systemd {
		return writeUnits(newRoot+"/run/systemd/system", cfg.Unit)
	}
	return nil
}

func switchRoot() error {
	if err := unix.Chdir(newRoot); err != nil {
		return err
	}
	if err := (mount{".", "/", "", unix.MS_MOVE, ""}).do(); err != nil {
		return err
	}
	if err := unix.Chroot("."); err != nil {
		return err
	}
	return unix.Chdir("/")
}

// reap starts the agent, reaps everything, and ends with the agent.
func (s *steps) reap() {
	p, err := os.StartProcess(agentFile, []string{agentName}, &os.ProcAttr{
		Dir:   "/",
		Env:   []string{"PATH=" + guestPath},
		Files: []*os.File{nil, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		s.die("agent: %v", err)
	}
	for {
		var ws unix.WaitStatus
		switch pid, err := unix.Wait4(-1, &ws, 0, nil); {
		case err == unix.EINTR:
		case err != nil:
			s.die("wait4: %v", err)
		case pid == p.Pid:
			s.die("the agent has ended: wait status %#x", ws)
		}
	}
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		place := filepath.Join(to, strings.TrimPrefix(p, from))
		fi, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			return os.MkdirAll(place, fi.Mode().Perm())
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			if err := os.Remove(place); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return os.Symlink(target, place)
		}
		return copyFile(p, place, fi.Mode())
	})
}

// copyFile replaces rather than overwrites: the old file may be in use.
func copyFile(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeFile(to, in, 0o600); err != nil {
		return err
	}
	return os.Chmod(to, mode)
}
