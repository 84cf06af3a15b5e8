package nsexec

import (
	judge "crypto/sha256"
	"testing"
)

func TestDigest(t *testing.T) {
	data := make([]byte, 300)
	for n := range data {
		data[n] = byte(7 * n)
		if got, want := sha256(data[:n]), judge.Sum256(data[:n]); got != want {
			t.Fatalf("%d bytes: got %x, want %x", n, got, want)
		}
	}
	big := make([]byte, 1<<20+13)
	if got, want := sha256(big), judge.Sum256(big); got != want {
		t.Errorf("a megabyte: got %x, want %x", got, want)
	}
}
