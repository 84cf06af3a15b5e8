package selfcontain_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/selfcontain"
)

var needs = nstest.Needs{Cgroups: true, Modules: []string{"overlay", "veth", "ipvlan"}, Tools: map[string]string{"ip": "iproute2"}}

// roles are what this binary is when it is executed in a container, or as the caller of one,
// by its first argument.
var roles map[string]func(args []string) int

// TestMain fills roles in, since some of them go through the package again.
func TestMain(m *testing.M) {
	roles = map[string]func([]string) int{
		"caller": caller, "exit": exit, "prove": prove, "write": write, "read": read, "echo": echo, "hold": hold, "signalled": signalled,
		"orphan": orphan, "nested": nested, "networked": networked, "network": network, "link": link, "node": node, "extras": extras,
	}
	if len(os.Args) > 1 {
		if role := roles[os.Args[1]]; role != nil {
			os.Exit(role(os.Args[2:]))
		}
	}
	nstest.Main(m, needs)
}

// wanted is a Config as a caller gets it, and what it is to execute.
type wanted struct {
	Name, Data string
	Mounts     map[string]string
	Args       []string
}

// caller calls RunWithArgs, and exits as the program does.
func caller(args []string) int {
	var w wanted
	if err := json.Unmarshal([]byte(args[0]), &w); err != nil {
		return failure(err)
	}
	return status(selfcontain.RunWithArgs(&selfcontain.Config{Name: w.Name, Data: w.Data, Mounts: w.Mounts}, w.Args))
}

// status is the exit status of a program, and 200 where there was none.
func status(err error) int {
	var exit *selfcontain.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return failure(err)
	}
	return 0
}

func failure(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 200
}

// config is that of a container of this test's own, which is destroyed in the end.
func config(t *testing.T) *selfcontain.Config {
	t.Helper()
	nstest.Root(t)
	nstest.Module(t, "overlay")
	dir, err := os.MkdirTemp(dataParent, "selfcontain-test")
	if err != nil {
		t.Fatal(err)
	}
	c := &selfcontain.Config{Name: filepath.Base(dir), Data: filepath.Join(dir, "data")}
	t.Cleanup(func() {
		for range 2 {
			again, err := selfcontain.Get(c)
			if err == nil {
				err = again.Destroy()
			}
			if err != nil {
				t.Error(err)
			}
		}
		if err := os.Remove(dir); err != nil {
			t.Errorf("destroyed, and there is something left: %v", err)
		}
	})
	return c
}

// dataParent is not among the directories that a container has new.
const dataParent = "/var/tmp"

// get is the container.
func get(t *testing.T, c *selfcontain.Config) *selfcontain.Container {
	t.Helper()
	got, err := selfcontain.Get(c)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// call is a process that calls RunWithArgs.
func call(t *testing.T, c *selfcontain.Config, args ...string) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(wanted{Name: c.Name, Data: c.Data, Mounts: c.Mounts, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "caller", string(text))
	cmd.Stderr = os.Stderr
	return cmd
}
