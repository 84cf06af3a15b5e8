package nofile_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/selfcontain/runtime/internal/nofile"
)

// TestOriginal starts this test again below a soft limit of 77: Go raises it before
// the test runs, and Original still knows.
func TestOriginal(t *testing.T) {
	if os.Getenv("NOFILE_CHILD") != "" {
		var now syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
			t.Fatal(err)
		}
		soft, hard, ok := nofile.Original()
		fmt.Printf("original %d raised %t same hard %t known %t\n", soft, now.Cur > soft, now.Max == hard, ok)
		return
	}
	child := exec.Command("sh", "-c", `ulimit -S -n 77; exec "$0" -test.run=TestOriginal`, os.Args[0])
	child.Env = append(os.Environ(), "NOFILE_CHILD=1")
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if want := "original 77 raised true same hard true known true\n"; !strings.HasPrefix(string(out), want) {
		t.Errorf("got %q, want %q", out, want)
	}
}
