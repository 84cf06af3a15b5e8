package test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestBootOnAnOldKernel runs the command on the kernel of Debian 11, which lacks calls
// that a container needs: it names them, and does nothing.
func TestBootOnAnOldKernel(t *testing.T) {
	if os.Getenv("VMRUN_BOOT") == "" {
		t.Skip("skipped: boots a guest, for make test-vm (VMRUN_BOOT=1)")
	}
	dir := t.TempDir()
	for _, command := range []string{"cmd/selfcontain", "test/vmrun"} {
		build := exec.Command("go", "build", "-o", dir, "./"+command)
		build.Dir = ".."
		build.Env = append(os.Environ(), "GOARCH=amd64", "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	const script = `set -e
mkdir -p /bundle/rootfs/bin
cd /bundle
cp /bin/busybox rootfs/bin/
ln -s busybox rootfs/bin/sh
selfcontain spec
selfcontain run box`
	cmd := exec.Command(filepath.Join(dir, "vmrun"), "-suite", "bullseye", "-f", filepath.Join(dir, "selfcontain")+":/usr/bin/selfcontain", "--", "sh", "-c", script)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("ended with %v, want exit status 1", err)
	}
	want := regexp.MustCompile(`^selfcontain: kernel 5\.10\.[^ ]+ is too old for a container: it does not have close_range CLOSE_RANGE_CLOEXEC \(Linux 5\.11\), mount_setattr \(Linux 5\.12\)\n$`)
	if out.Len() != 0 || !want.Match(complaints.Bytes()) {
		t.Errorf("it says %q and %q, want the latter as %v", out.String(), complaints.String(), want)
	}
}
