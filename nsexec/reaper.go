package nsexec

import (
	"encoding/hex"
	"errors"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the assembler of the init needs: its name, the options of its two waits, and the
// status that it ends with where there is nothing to wait for. waitid(2), wait4(2)
const (
	initName    = "init" // its only argument as well
	initWord    = 'i' | 'n'<<8 | 'i'<<16 | 't'<<24
	pPidfd      = unix.P_PIDFD
	reaperPeek  = unix.WEXITED | unix.WNOHANG | unix.WNOWAIT | unix.WALL
	reaperTake  = unix.WNOHANG | unix.WALL
	reaperAlone = exitStopped << 8
)

// reaper is the init. It is never called from Go.
//
//lint:ignore U1000 the assembler defines it
func reaper()

// reaperCode is the address of reaper's instructions, set by the assembler.
var reaperCode unsafe.Pointer

// Reaper is the executable file of the init that [EmitInit] makes of a container's
// first process. It is always the same on one architecture: a page with a header and
// less than sixty instructions, no data.
//
// It needs all signals blocked, and the pidfd of a child as its descriptor 0. It sends
// every signal that it gets on to that process, as far as kill(2) allows: all but
// SIGKILL and SIGSTOP, which nobody can catch. What a sender has attached with
// sigqueue(3) is lost. It reaps every child that ends, and ends as soon as that process
// does, with its status, or 128 and the number of the signal that has killed it.
// Executed by anybody else it exits with 125.
func Reaper() ([]byte, error) {
	code, err := codeAt(reaperCode)
	if err != nil {
		return nil, err
	}
	return linkReaper(code, runtime.GOARCH), nil
}

// ReaperDigest is the SHA-256 of [Reaper] in hexadecimal.
func ReaperDigest() (string, error) {
	file, err := Reaper()
	if err != nil {
		return "", err
	}
	sum := sha256(file)
	return hex.EncodeToString(sum[:]), nil
}

// OpenReaper puts [Reaper] into a store and returns a descriptor, which is
// close-on-exec. The store does not tell whether it can be executed there.
func OpenReaper(store Store) (int, error) {
	file, err := Reaper()
	if err != nil {
		return -1, err
	}
	if store != StoreAuto {
		return store.open(file)
	}
	var refused error
	for _, s := range stores {
		fd, err := s.open(file)
		if err == nil {
			return fd, nil
		}
		refused = errors.Join(refused, &storeError{s, err})
	}
	return -1, refused
}

// linkReaper puts the ELF header in front of the code.
func linkReaper(code []byte, arch string) []byte {
	file := make([]byte, codeOffset+len(code))
	copy(file[codeOffset:], code)
	header(file, arch, segment{
		typ: ptLoad, flags: pfR | pfX, address: imageText,
		inFile: uint64(len(file)), inMemory: uint64(len(file)), align: 1 << 16,
	}, stackSegment)
	return file
}
