package nsexec

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// The last one closes: who ends it while it is held leaves that to who holds it.
func TestHoldersCloseOnce(t *testing.T) {
	var h holders
	if h.hold() != nil || h.hold() != nil {
		t.Fatal("it cannot be held")
	}
	if h.end() || h.end() {
		t.Error("it is closed while two hold it")
	}
	if err := h.hold(); !errors.Is(err, unix.EBADF) {
		t.Errorf("held after its end: %v", err)
	}
	if n := h.number(7); n != -1 {
		t.Errorf("its number is %d after its end", n)
	}
	if h.let() || !h.let() {
		t.Error("it is not the last who closes it")
	}
	var free holders
	if n := free.number(7); n != 7 {
		t.Errorf("its number is %d", n)
	}
	if !free.end() || free.end() {
		t.Error("what nobody holds is not closed at once, or twice")
	}
}
