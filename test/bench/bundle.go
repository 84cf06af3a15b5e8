//go:build linux

package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// configJSON is the configuration that "spec" of an OCI runtime writes, without a
// terminal and without resources, which crun is told to ignore anyway.
//
//go:embed config.json
var configJSON []byte

// bundle is the place every contestant starts from.
type bundle struct {
	dir  string
	spec specs.Spec
}

func (b bundle) rootfs() string { return filepath.Join(b.dir, "rootfs") }

// makeBundle writes a busybox root file system and a config.json that runs args.
func makeBundle(dir string, args ...string) (bundle, error) {
	b := bundle{dir: dir}
	if err := json.Unmarshal(configJSON, &b.spec); err != nil {
		return b, fmt.Errorf("config.json: %w", err)
	}
	b.spec.Process.Args = args
	config, err := json.MarshalIndent(b.spec, "", "\t")
	if err != nil {
		return b, err
	}
	busybox, err := findBusybox()
	if err != nil {
		return b, err
	}
	for _, d := range []string{"bin", "proc", "dev", "sys", "tmp", "etc"} {
		if err := os.MkdirAll(filepath.Join(b.rootfs(), d), 0o755); err != nil {
			return b, err
		}
	}
	if err := os.WriteFile(filepath.Join(b.rootfs(), "bin/busybox"), busybox, 0o755); err != nil {
		return b, err
	}
	for _, applet := range []string{"true", "sh", "cat", "mount", "readlink", "sleep"} {
		if err := os.Symlink("busybox", filepath.Join(b.rootfs(), "bin", applet)); err != nil {
			return b, err
		}
	}
	return b, os.WriteFile(filepath.Join(dir, "config.json"), config, 0o644)
}

func findBusybox() ([]byte, error) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return nil, fmt.Errorf("no busybox for the bundle: apt-get install busybox-static")
	}
	if facts, err := inspectBinary(path); err != nil || !facts.static {
		return nil, fmt.Errorf("%s needs shared libraries: apt-get install busybox-static", path)
	}
	return os.ReadFile(path)
}
