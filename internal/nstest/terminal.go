package nstest

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// ReadTerminal returns what is written to a terminal, of which f is the master, until
// nobody has its other end any more; lines end in a bare newline.
//
// Its last read is one after the kernel's EIO: that asks first whether something is there,
// and then whether the other end is closed, and what was written between the two is still
// there (n_tty_read, drivers/tty/n_tty.c). On a processor for all of them that happens.
func ReadTerminal(t *testing.T, f *os.File) string {
	t.Helper()
	var text []byte
	for range 2 {
		more, err := io.ReadAll(f)
		if !errors.Is(err, unix.EIO) {
			t.Errorf("the end of what was written to a terminal: %v, want EIO", err)
		}
		text = append(text, more...)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}
