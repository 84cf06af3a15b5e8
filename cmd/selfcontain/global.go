package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// global are the flags that stand in front of a command. Many are there because engines
// pass them to every runtime.
type global struct {
	root     string
	homeless bool // an ordinary user without a directory for what runs
	debug    bool
	version  bool
	log      log
	slack    uint64 // of the timers of who has started this command, see leaveEntry
	rootless choice
	// systemd and manager say who makes cgroups.
	systemd bool
	manager choice
}

// What --cgroup-manager may be. All but cgroupfs are about a file system that somebody
// else writes to, or nobody.
const (
	managerCgroupfs = "cgroupfs"
	managerSystemd  = "systemd"
	managerDisabled = "disabled"
)

func (g *global) flags() *flag.FlagSet {
	f := flagSet("selfcontain")
	f.StringVar(&g.root, "root", "", "keep the state of containers in `DIR` (default $XDG_RUNTIME_DIR/selfcontain for a user, /run/selfcontain for root)")
	f.BoolVar(&g.debug, "debug", false, "say more about an error")
	f.BoolVar(&g.version, "version", false, "show the version")
	f.Var(f.Lookup("version").Value, "v", "")
	f.StringVar(&g.log.path, "log", "", "append errors, and warnings instead of showing them, to `FILE`")
	g.log.format = choice{value: "text", of: []string{"text", "json"}}
	f.Var(&g.log.format, "log-format", "one line an entry, for people or for programs")
	g.log.level = choice{value: string(warning), of: []string{string(severe), string(warning), "debug"}}
	f.Var(&g.log.level, "log-level", "what goes to the file of --log; debug is --debug")
	g.rootless = choice{value: "auto", of: []string{"true", "false", "auto"}}
	f.Var(&g.rootless, "rootless", "nothing: it is asked of the kernel what the caller may do")
	f.BoolVar(&g.systemd, "systemd-cgroup", false, "the same as --cgroup-manager systemd")
	g.manager = choice{value: managerCgroupfs, of: []string{managerCgroupfs, managerSystemd, managerDisabled}}
	f.Var(&g.manager, "cgroup-manager", "who makes the container's cgroup: this command, systemd, which cannot be had yet, or nobody")
	return f
}

// check completes the flags that stand in front of a command.
func (g *global) check(given bool) error {
	if err := g.log.openFile(); err != nil {
		return err
	}
	g.debug = g.debug || g.log.level.value == "debug"
	if g.systemd {
		g.manager.value = managerSystemd
	}
	if !given {
		dir := os.Getenv("XDG_RUNTIME_DIR")
		g.root = defaultRoot(os.Geteuid(), dir)
		g.homeless = os.Geteuid() != 0 && dir == ""
		return nil
	}
	if g.root == "" {
		return errors.New("--root: the name of the directory is empty")
	}
	root, err := filepath.Abs(g.root)
	if err != nil {
		return fmt.Errorf("--root: %w", err)
	}
	g.root = root
	// It is made when it is needed; what is there and is no directory never will be one.
	info, err := os.Stat(root)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("--root: %s is not a directory", root)
	}
	return nil
}

// defaultRoot is where state is kept: engines give an ordinary user's runtime nothing
// but XDG_RUNTIME_DIR, and root's runtime nothing at all.
func defaultRoot(uid int, runtimeDir string) string {
	if uid != 0 && runtimeDir != "" {
		return filepath.Join(runtimeDir, "selfcontain")
	}
	return "/run/selfcontain"
}

// states is where containers are kept. Only who has logged in has XDG_RUNTIME_DIR: others
// get a directory below /tmp that must be theirs alone, since what is kept there says who
// gets a signal.
func (g *global) states() (string, error) {
	if !g.homeless {
		return g.root, nil
	}
	dir := fmt.Sprintf("/tmp/selfcontain-%d/containers", os.Geteuid())
	if err := ownDirectory(dir); err != nil {
		return "", fmt.Errorf("there is no XDG_RUNTIME_DIR, and no --root: %w", err)
	}
	return dir, nil
}
