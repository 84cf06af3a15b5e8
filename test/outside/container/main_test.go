package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
)

// TestWithoutTestMain starts a container from a test binary like any other: the package
// needs no call at the beginning of the program that imports it.
func TestWithoutTestMain(t *testing.T) {
	var out bytes.Buffer
	spec := container.Spec{
		Root:       container.Root{Path: os.Getenv("ROOTFS")},
		Namespaces: clone.Namespaces{{Type: clone.NEWNS}, {Type: clone.NEWPID}},
		Process:    container.Process{Args: []string{"/busybox", "sh", "-c", "echo $$; exit 3"}, Stdout: &out},
	}
	c, err := container.Create(t.TempDir(), "test", spec, container.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Destroy(true)
	if status, err := c.Run(); err != nil || status.ExitStatus() != 3 || out.String() != "1\n" {
		t.Errorf("it has written %q and ended with %#x (%v)", out.String(), int(status), err)
	}
}
