//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// addLeast adds in how little memory /bin/true starts: the least linux.resources.memory.limit
// with which "run" succeeds. What a runtime has in the container's cgroup before the program is
// there has to fit into it.
func (t *table) addLeast(o options, at place, timed bundle, dir string, s *spawner) error {
	controllers, err := os.ReadFile(filepath.Join(cgroupParent, "cgroup.controllers"))
	if err != nil {
		return err
	}
	here := slices.Contains(strings.Fields(string(controllers)), "memory")
	for _, name := range o.runtimes() {
		f := figure{Name: "least memory.max, " + name, Value: math.NaN(), Unit: "KiB"}
		l, missing := lifeOf(name, at, dir, s)
		switch {
		case missing != nil:
			f.Note = missing.Error()
		case !here:
			f.Note = "no memory controller in the unified hierarchy here; -least measures it in a guest"
		default:
			f.Value, f.Note = l.least(timed, filepath.Join(dir, "least"))
		}
		t.figures = append(t.figures, f)
	}
	return nil
}

const (
	leastStep  = 64 << 10 // to which it is found
	leastMost  = 32 << 20 // from which it is looked for
	leastTimes = 2        // a limit has to be enough that often
)

// least finds it by halving, in KiB.
func (l *life) least(b bundle, dir string) (kib float64, note string) {
	starts := func(limit int64) error {
		limited, err := b.limited(dir, limit)
		for range leastTimes {
			id := l.s.id()
			if err == nil {
				_, err = l.call("run", "--no-new-keyring", "--bundle", limited.dir, id)
			}
			if err != nil {
				_, _ = l.call("delete", "--force", id) // what is left of it, if anything is
			}
		}
		return err
	}
	if err := starts(leastMost); err != nil {
		return math.NaN(), err.Error()
	}
	low, high := int64(0), int64(leastMost/leastStep)
	for high-low > 1 {
		if middle := (low + high) / 2; starts(middle*leastStep) == nil {
			high = middle
		} else {
			low = middle
		}
	}
	return float64(high * leastStep >> 10), fmt.Sprintf("to %d KiB, %d times in a row", leastStep>>10, leastTimes)
}

// limited is the bundle with a limit of memory, and without swap.
func (b bundle) limited(dir string, limit int64) (bundle, error) {
	other := bundle{dir: dir, spec: b.spec}
	linux := *b.spec.Linux
	linux.Resources = &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit}}
	other.spec.Linux = &linux
	other.spec.Root = &specs.Root{Path: b.rootfs(), Readonly: true} // runc takes no link to it
	config, err := json.MarshalIndent(other.spec, "", "\t")
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "config.json"), config, 0o644)
	}
	return other, err
}
