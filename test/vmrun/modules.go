package main

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// moduleTree is the directory with the modules of one kernel. Debian's
// packages have no modules.dep in it, because depmod runs when they are
// installed; the order of loading comes from the modules themselves.
type moduleTree struct {
	dir     string            // .../lib/modules/VERSION
	paths   map[string]string // name: path
	builtin map[string]bool
	images  map[string][]byte // name: what to load, decompressed
	info    map[string]moduleInfo
}

// moduleInfo is the part of a module's .modinfo that says what goes before it.
type moduleInfo struct {
	depends, softPre []string
	aliases          []string
}

// moduleName returns the name the kernel knows a file by.
func moduleName(path string) string {
	b := filepath.Base(path)
	for _, s := range []string{".xz", ".zst", ".gz", ".ko"} {
		b = strings.TrimSuffix(b, s)
	}
	return strings.ReplaceAll(b, "-", "_")
}

func openModules(dir string) (*moduleTree, error) {
	t := &moduleTree{
		dir:     dir,
		paths:   map[string]string{},
		builtin: map[string]bool{},
		images:  map[string][]byte{},
		info:    map[string]moduleInfo{},
	}
	err := filepath.WalkDir(filepath.Join(dir, "kernel"), func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(filepath.Base(p), ".ko") {
			t.paths[moduleName(p)] = p
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "modules.builtin"))
	if err != nil {
		return nil, err
	}
	for line := range strings.FieldsSeq(string(text)) {
		t.builtin[moduleName(line)] = true
	}
	return t, nil
}

// image returns a module as finit_module(2) wants it.
func (t *moduleTree) image(name string) ([]byte, error) {
	if d, ok := t.images[name]; ok {
		return d, nil
	}
	d, err := decompress(t.paths[name])
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", name, err)
	}
	t.images[name] = d
	return d, nil
}

func decompress(name string) ([]byte, error) {
	switch filepath.Ext(name) {
	case ".ko":
		return os.ReadFile(name)
	case ".xz":
		return exec.Command("xz", "-dc", name).Output()
	case ".zst":
		return exec.Command("zstd", "-dcq", name).Output()
	case ".gz":
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	}
	return nil, fmt.Errorf("%s: unknown compression", name)
}

func (t *moduleTree) modinfo(name string) (moduleInfo, error) {
	if i, ok := t.info[name]; ok {
		return i, nil
	}
	image, err := t.image(name)
	if err != nil {
		return moduleInfo{}, err
	}
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return moduleInfo{}, fmt.Errorf("module %s: %w", name, err)
	}
	s := f.Section(".modinfo")
	if s == nil {
		return moduleInfo{}, fmt.Errorf("module %s: no .modinfo", name)
	}
	text, err := s.Data()
	if err != nil {
		return moduleInfo{}, fmt.Errorf("module %s: %w", name, err)
	}
	i := parseModinfo(string(text))
	t.info[name] = i
	return i, nil
}

// parseModinfo reads a .modinfo section: key=value, each ended by a NUL.
func parseModinfo(text string) (i moduleInfo) {
	for entry := range strings.SplitSeq(text, "\x00") {
		key, value, _ := strings.Cut(entry, "=")
		switch key {
		case "depends":
			for n := range strings.SplitSeq(value, ",") {
				if n != "" {
					i.depends = append(i.depends, moduleName(n))
				}
			}
		case "alias":
			i.aliases = append(i.aliases, value)
		case "softdep":
			pre, _, _ := strings.Cut(value, "post:")
			if pre, ok := strings.CutPrefix(strings.TrimSpace(pre), "pre:"); ok {
				for n := range strings.FieldsSeq(pre) {
					i.softPre = append(i.softPre, moduleName(n))
				}
			}
		}
	}
	return i
}

// resolve returns the modules to load for the named ones, what they depend on
// first. What is built in needs no loading. A name with a question mark in
// front may be missing.
func (t *moduleTree) resolve(names []string) ([]string, error) {
	var order []string
	done := map[string]bool{}
	var visit func(name string, optional bool) error
	visit = func(name string, optional bool) error {
		if done[name] || t.builtin[name] {
			return nil
		}
		if t.paths[name] == "" {
			if optional {
				return nil
			}
			return fmt.Errorf("kernel module %q: neither a module nor built in under %s", name, t.dir)
		}
		done[name] = true
		i, err := t.modinfo(name)
		if err != nil {
			return err
		}
		for _, d := range i.softPre {
			if err := visit(d, true); err != nil {
				return err
			}
		}
		for _, d := range i.depends {
			if err := visit(d, false); err != nil {
				return err
			}
		}
		order = append(order, name)
		return nil
	}
	for _, n := range names {
		bare, optional := strings.CutPrefix(n, "?")
		if bare == "" {
			continue
		}
		if err := visit(moduleName(bare), optional); err != nil {
			return nil, err
		}
	}
	return order, nil
}
