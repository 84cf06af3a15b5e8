//go:build linux

package main

import (
	"debug/elf"
	"os"
	"strings"
)

// binaryFacts is what the table says of a program's file.
type binaryFacts struct {
	size     int64
	static   bool // needs no interpreter and no shared library
	stripped bool // has neither symbols nor DWARF
}

func inspectBinary(path string) (binaryFacts, error) {
	info, err := os.Stat(path)
	if err != nil {
		return binaryFacts{}, err
	}
	f, err := elf.Open(path)
	if err != nil {
		return binaryFacts{}, err
	}
	defer f.Close()
	b := binaryFacts{size: info.Size(), static: true, stripped: true}
	for _, p := range f.Progs {
		b.static = b.static && p.Type != elf.PT_INTERP
	}
	if libraries, err := f.ImportedLibraries(); err == nil && len(libraries) != 0 {
		b.static = false
	}
	for _, s := range f.Sections {
		b.stripped = b.stripped && s.Type != elf.SHT_SYMTAB &&
			!strings.HasPrefix(s.Name, ".debug_") && !strings.HasPrefix(s.Name, ".zdebug_")
	}
	return b, nil
}

func (b binaryFacts) String() string {
	words := []string{"static", "stripped"}
	if !b.static {
		words[0] = "not static"
	}
	if !b.stripped {
		words[1] = "not stripped"
	}
	return strings.Join(words, ", ")
}
