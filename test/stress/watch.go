//go:build linux

package main

import (
	"errors"
	"fmt"
	"hash/crc64"
	"math/rand/v2"
	"os"

	"golang.org/x/sys/unix"
)

// memory is heap whose content is known: pieces that stay where they are, and small
// ones with pointers between them.
type memory struct {
	pieces [][]byte
	sums   []uint64
	nodes  []*node
}

type node struct {
	number int
	next   *node
	_      [40]byte
}

var crcTable = crc64.MakeTable(crc64.ECMA)

// newMemory fills so many MiB.
func newMemory(size int) *memory {
	m := &memory{}
	r := rand.NewChaCha8([32]byte{1})
	for range size - size/8 {
		piece := make([]byte, 1<<20)
		r.Read(piece) //nolint:errcheck // it never fails
		m.pieces = append(m.pieces, piece)
		m.sums = append(m.sums, crc64.Checksum(piece, crcTable))
	}
	var last *node
	for i := range size / 8 << 20 / 64 {
		last = &node{number: i, next: last}
		m.nodes = append(m.nodes, last)
	}
	return m
}

// check finds a byte that has changed.
func (m *memory) check() error {
	for i, piece := range m.pieces {
		if crc64.Checksum(piece, crcTable) != m.sums[i] {
			return fmt.Errorf("MiB %d of the heap has changed", i)
		}
	}
	for i, n := range m.nodes {
		if n.number != i || i > 0 && n.next != m.nodes[i-1] {
			return fmt.Errorf("node %d of the heap has changed: %+v", i, *n)
		}
	}
	return nil
}

// openDescriptors are those of this process, by their numbers.
func openDescriptors() (map[string]string, error) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	open := map[string]string{}
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if errors.Is(err, os.ErrNotExist) {
			continue // that of the directory
		}
		if err != nil {
			return nil, err
		}
		open[e.Name()] = target
	}
	return open, nil
}

// noChildren finds a child that nobody has waited for.
func noChildren() error {
	pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
	switch {
	case errors.Is(err, unix.ECHILD):
		return nil
	case err != nil:
		return fmt.Errorf("wait4: %w", err)
	case pid == 0:
		return errors.New("a child is still running")
	}
	return fmt.Errorf("nobody has waited for child %d", pid)
}
