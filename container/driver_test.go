package container_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/selfcontain/runtime/container"
)

// driverEnv names the driver that this process is, if it is one.
const driverEnv = "CONTAINER_TEST_DRIVER"

var drivers = map[string]func(args []string) int{
	"run":      runDriver,
	"start":    startDriver,
	"probe":    probeDriver,
	"filtered": filteredDriver,
	"life":     lifeDriver,
	"exec":     execDriver,
	"hold":     holdDriver,
}

// driver is a command that runs a driver of this binary. The spec is on its
// descriptor 3, so that the standard streams are the container's.
func driver(t testing.TB, name string, spec container.Spec, prefix ...string) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.CreateTemp(t.TempDir(), "spec")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if _, err := file.WriteAt(text, 0); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := append(prefix, self)
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), driverEnv+"="+name)
	cmd.ExtraFiles = []*os.File{file}
	return cmd
}

// load reads the driver's spec and compiles it.
func (d *driven) load() error {
	file := os.NewFile(3, "spec")
	defer file.Close()
	if err := json.NewDecoder(file).Decode(&d.spec); err != nil {
		return err
	}
	host, err := container.Probe()
	if err != nil {
		return err
	}
	d.plan, err = container.Compile(d.spec, host)
	return err
}

// driven is what a driver works on.
type driven struct {
	spec container.Spec
	plan *container.Plan
}

// runDriver runs the container and exits as its program does, or with 200 and a line
// on standard error where there was none.
func runDriver([]string) int {
	runtime.LockOSThread() // one thread makes all the calls of the plan's
	var d driven
	if err := d.load(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 200
	}
	var master *os.File
	stdio := container.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Console: func(f *os.File) error {
		master = f
		return nil
	}}
	for range d.spec.Process.PreserveFDs {
		stdio.Extra = append(stdio.Extra, 1)
	}
	p, err := d.plan.Start(stdio)
	if err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		return 200
	}
	defer p.Close()
	if master != nil {
		defer master.Close()
		// What is written there is shown as far as there is room for it in the terminal.
		defer func() { io.Copy(os.Stdout, master) }() //nolint:errcheck // EIO is its end
	}
	status, err := p.Wait()
	if ended := d.plan.Ended(); ended != nil {
		fmt.Fprintln(os.Stderr, "ended:", ended)
		return 202
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "wait:", err)
		return 201
	case status.Signaled():
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// probeDriver prints what a plan depends on of this machine: a file of testdata/hosts.
func probeDriver([]string) int {
	host, err := container.Probe()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 200
	}
	text, err := json.MarshalIndent(host, "", "\t")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 200
	}
	fmt.Printf("%s\n", text)
	return 0
}

// exitCode is a command's exit status, and -1 where a signal has ended it.
func exitCode(t testing.TB, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(err)
	return -1
}
