package test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/oci"
)

// TestReadme: the plan that the README begins with is the one that "selfcontain plan
// --brief" prints for the config.json that "selfcontain spec" writes.
func TestReadme(t *testing.T) {
	readme := read(t, "../README.md")
	spec, _, err := oci.Decode([]byte(read(t, "../cmd/selfcontain/config.json")), "/srv/demo")
	if err != nil {
		t.Fatal(err)
	}
	spec.ParentDeathSignal, spec.Keyring = unix.SIGKILL, "_ses.demo" // as run asks for
	spec.Cgroup = &container.Cgroup{Path: "selfcontain/demo", Optional: true}
	var host container.Host
	if err := json.Unmarshal([]byte(read(t, "../container/testdata/hosts/6.1-filters.json")), &host); err != nil {
		t.Fatal(err)
	}
	host.TimerSlack = 50_000 // what `make` links gives it back to the program: cmd/selfcontain/entry.go
	plan, err := container.CompileGated(spec, host)
	if err != nil {
		t.Fatal(err)
	}
	want := "    $ selfcontain plan --brief demo\n"
	for line := range strings.Lines(fmt.Sprintf("%s", plan)) {
		want += "    " + line
	}
	if !strings.Contains(readme, want) {
		t.Errorf("README.md does not have this:\n%s", want)
	}
	if n := strings.Count(want, "\n") - 1; n != 15 {
		t.Errorf("the plan has %d lines, the README says fifteen", n)
	}

	// The error that it shows is of the same configuration with a program of its own.
	spec.Process.Args = []string{"/bin/app"}
	if plan, err = container.CompileGated(spec, host); err != nil {
		t.Fatal(err)
	}
	last := plan.Child.Len() - 1
	op := plan.Child.Op(last)
	if want := fmt.Sprintf("selfcontain: op %d %s (%s): ", last, op.Brief(), op.Origin); !strings.Contains(readme, want) {
		t.Errorf("README.md does not have %q", want)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
