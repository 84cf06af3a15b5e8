package nsexec

import (
	"sync"

	"golang.org/x/sys/unix"
)

// holders counts who uses a descriptor. Its number may become another's once it is closed, so
// that waits for the last of them.
type holders struct {
	mu    sync.Mutex
	n     int
	ended bool
}

// hold is for who is going to use it. The error is EBADF where it is closed, or will be.
func (h *holders) hold() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return unix.EBADF
	}
	h.n++
	return nil
}

// let is for who has used it, and reports whether it is he who has to close it.
func (h *holders) let() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.n--
	return h.ended && h.n == 0
}

// end says that it is to be closed, and reports whether that is to be done now.
func (h *holders) end() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := !h.ended
	h.ended = true
	return first && h.n == 0
}

// number is the descriptor for who asks for it, and -1 where it is closed, or will be.
func (h *holders) number(fd int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return -1
	}
	return fd
}
