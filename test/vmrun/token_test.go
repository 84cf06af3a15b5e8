package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func TestHasToken(t *testing.T) {
	rows := []struct {
		cmdline string
		want    bool
	}{
		{"console=ttyS0 quiet " + guestToken + "\n", true},
		{guestToken, true},
		{"", false},
		{"console=ttyS0 quiet", false},
		{"vmrun.guest=10", false},
		{"xvmrun.guest=1", false},
		{"vmrun.guest=0", false},
		{"init=/" + guestToken, false},
	}
	for _, r := range rows {
		if got := hasToken(r.cmdline); got != r.want {
			t.Errorf("hasToken(%q) = %v, want %v", r.cmdline, got, r.want)
		}
	}
}

func TestOnlyTheHostPartSetsTheToken(t *testing.T) {
	o, err := parseOptions([]string{"-append", "loglevel=7", "true"})
	if err != nil {
		t.Fatal(err)
	}
	var n int
	for _, p := range kernelParams(o) {
		if p == guestToken {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the token is %d times on the kernel's command line", n)
	}
}

// Without the token powerOff ends the process and no more, also where the
// environment says that this is the guest's agent. The child has no
// privileges: were the check broken, it could not do any harm either.
func TestPowerOffNeedsTheToken(t *testing.T) {
	if inGuest() {
		t.Skip("skipped: this is a guest")
	}
	if os.Getenv("VMRUN_TEST_POWEROFF") != "" {
		powerOff()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^TestPowerOffNeedsTheToken$")
	cmd.Env = append(os.Environ(), "VMRUN_TEST_POWEROFF=1", "VMRUN_AGENT=1")
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != statusFailed {
		t.Errorf("powerOff on the host: %v, want exit status %d", err, statusFailed)
	}
}
