package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Output and exit status of a command come back from a guest of each kernel.
func TestBoot(t *testing.T) {
	if os.Getenv("VMRUN_BOOT") == "" {
		t.Skip("skipped: boots guests, for make test-vm (VMRUN_BOOT=1)")
	}
	vmrun := filepath.Join(t.TempDir(), "vmrun")
	build := exec.Command("go", "build", "-o", vmrun, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	kernels := []struct {
		suite, arch, release, machine string
	}{
		{"bookworm", "amd64", "6.1.", "x86_64"},
		{"trixie", "amd64", "6.12.", "x86_64"},
		{"bullseye", "amd64", "5.10.", "x86_64"},
		{"bookworm", "arm64", "6.1.", "aarch64"},
	}
	for _, k := range kernels {
		t.Run(k.suite+"/"+k.arch, func(t *testing.T) {
			cmd := exec.Command(vmrun, "-suite", k.suite, "-arch", k.arch, "-user", "tester:1000:100000:65536",
				"--", "sh", "-c", "uname -r; uname -m; cat /etc/subuid; echo complaint >&2; exit 7")
			var out, complaints bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &complaints
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 7 {
				t.Errorf("ended with %v, want exit status 7", err)
			}
			lines := strings.Split(out.String(), "\n")
			if !strings.HasPrefix(lines[0], k.release) {
				t.Errorf("the kernel is %q, want %s", lines[0], k.release)
			}
			if got, want := strings.Join(lines[1:], "\n"), fmt.Sprintf("%s\ntester:100000:65536\n", k.machine); got != want {
				t.Errorf("the output is %q, want %q", got, want)
			}
			if complaints.String() != "complaint\n" {
				t.Errorf("standard error is %q", complaints.String())
			}
		})
	}
}
