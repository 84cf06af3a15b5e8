package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// isStatic reports whether a program runs without an interpreter.
func isStatic(name string) (bool, error) {
	f, err := elf.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return false, nil
		}
	}
	return true, nil
}

// libraries returns the interpreter and the shared libraries of a program of
// this machine, and theirs. A static program has none.
func libraries(name string) ([]string, error) {
	triplet := arches[runtime.GOARCH].triplet
	w := &libraryWalk{
		dirs: []string{"/lib/" + triplet, "/usr/lib/" + triplet, "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"},
		seen: map[string]bool{},
	}
	err := w.visit(name)
	return w.found, err
}

// libraryWalk does what ld.so(8) does at start, without running it.
type libraryWalk struct {
	dirs  []string
	seen  map[string]bool // names
	found []string        // paths
}

func (w *libraryWalk) visit(name string) error {
	f, err := elf.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		b := make([]byte, p.Filesz)
		if _, err := p.ReadAt(b, 0); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		w.found = append(w.found, string(bytes.TrimRight(b, "\x00")))
	}
	names, err := f.ImportedLibraries()
	if errors.Is(err, elf.ErrNoSymbols) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var dirs []string
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		values, err := f.DynString(tag)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, v := range values {
			dirs = append(dirs, strings.Split(strings.ReplaceAll(v, "$ORIGIN", filepath.Dir(name)), ":")...)
		}
	}
	dirs = append(dirs, w.dirs...)
	for _, lib := range names {
		if w.seen[lib] {
			continue
		}
		w.seen[lib] = true
		var at []string
		for _, d := range dirs {
			if d != "" {
				at = append(at, d+"/"+lib)
			}
		}
		p, err := firstOf(at...)
		if err != nil {
			return fmt.Errorf("%s needs %s: %w", name, lib, err)
		}
		w.found = append(w.found, p)
		if err := w.visit(p); err != nil {
			return err
		}
	}
	return nil
}
