package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// check completes the flags that stand in front of a command.
func (g *global) check(given bool) error {
	if !given {
		g.root = defaultRoot(os.Geteuid(), os.Getenv("XDG_RUNTIME_DIR"))
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
