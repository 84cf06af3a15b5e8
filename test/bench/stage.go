//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

const (
	insideArg    = "inside"
	cgroupParent = "/sys/fs/cgroup"
	idPrefix     = "selfcontain-bench-"
)

// outside owns what outlives the namespaces: an empty directory and the cgroups.
// It runs the bench once more as the first process of a private pid and mount
// namespace, so whatever is mounted or left running there ends with it.
func outside(args []string) error {
	if _, err := parse(args, os.Stderr); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("needs root: the peers' namespaces and mounts are made without a user namespace")
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", idPrefix)
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	defer removeCgroups(filepath.Base(dir))

	cmd := exec.Command(exe, append([]string{insideArg, dir}, args...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &unix.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID,
		Pdeathsig:  unix.SIGKILL,
	}
	// PDEATHSIG watches the thread that forked, see prctl(2).
	runtime.LockOSThread()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGINT, unix.SIGTERM)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("private mount and pid namespace: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err = <-done:
	case sig := <-stop:
		// The kernel ends everything else in the pid namespace before Wait returns.
		_ = cmd.Process.Kill()
		<-done
		return fmt.Errorf("stopped by %v", sig)
	}
	if err != nil {
		return fmt.Errorf("no valid table: %w", err)
	}
	return nil
}

// inside prepares the place where every contestant runs, then measures.
func inside(dir string, args []string) error {
	if os.Getpid() != 1 {
		return fmt.Errorf("%q is for the bench's own use: this is not the first process of a pid namespace", insideArg)
	}
	o, err := parse(args, os.Stderr)
	if err != nil {
		return err
	}
	if o.selfcontain, err = filepath.Abs(o.selfcontain); err != nil {
		return err
	}
	for _, m := range []struct {
		source, target, fstype string
		flags                  uintptr
	}{
		{"", "/", "", unix.MS_REC | unix.MS_PRIVATE},
		{"proc", "/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"bench", dir, "tmpfs", 0},
	} {
		if err := unix.Mount(m.source, m.target, m.fstype, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.fstype, m.target, err)
		}
	}
	// The old hierarchies go, so that a recursive bind does not meet a dozen more mounts.
	for unix.Unmount(cgroupParent, unix.MNT_DETACH) == nil {
	}
	if err := unix.Mount("cgroup2", cgroupParent, "cgroup2", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount cgroup2 on %s: %w", cgroupParent, err)
	}
	return measureAll(o, dir)
}

// removeCgroups removes the groups named after a container of this run, in
// whichever place the caller's mount namespace shows the unified hierarchy.
// runc removes its own unless it was killed.
func removeCgroups(prefix string) {
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup2"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: cgroups are not looked at:", err)
		return
	}
	for _, m := range mounts {
		groups, err := filepath.Glob(filepath.Join(m.Mountpoint, prefix+"*"))
		if err != nil {
			continue
		}
		ours, _ := filepath.Glob(filepath.Join(m.Mountpoint, "selfcontain", prefix+"*"))
		for _, group := range append(groups, ours...) {
			if err := unix.Rmdir(group); err != nil && err != unix.ENOENT && err != unix.ENOTDIR {
				fmt.Fprintf(os.Stderr, "bench: left behind: rmdir %s: %v\n", group, err)
			}
		}
	}
}
