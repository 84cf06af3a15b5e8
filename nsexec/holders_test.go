package nsexec

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// The last one closes: who ends it while it is held leaves that to who holds it.
func TestHoldersCloseOnce(t *testing.T) {
	var h holders
	for range 2 {
		if err := h.hold(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if h.end() {
			t.Error("it is closed while two hold it")
		}
	}
	if err := h.hold(); !errors.Is(err, unix.EBADF) {
		t.Errorf("held after its end: %v", err)
	}
	if n := h.number(7); n != -1 {
		t.Errorf("its number is %d after its end", n)
	}
	if h.let() {
		t.Error("the first of two closes it")
	}
	if !h.let() {
		t.Error("the last does not close it")
	}
	var free holders
	if n := free.number(7); n != 7 {
		t.Errorf("its number is %d", n)
	}
	if !free.end() {
		t.Error("what nobody holds is not closed at once")
	}
	if free.end() {
		t.Error("it is closed twice")
	}
}
