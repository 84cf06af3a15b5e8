package container_test

import (
	"fmt"
	"os"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
)

// A container is created, which makes everything and executes nothing yet, then started,
// and destroyed when it has ended. It runs as root only, so its output, "created",
// "hello" and "ended with 0", is not compared.
func ExampleCreate() {
	root, err := os.MkdirTemp("", "root")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	state, err := os.MkdirTemp("", "state")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(state)

	spec := container.Spec{
		Root:       container.Root{Path: root},
		Namespaces: clone.Namespaces{{Type: clone.NEWNS}, {Type: clone.NEWPID}},
		Mounts:     []mounts.Mount{{Destination: "/busybox", Source: "/bin/busybox", Options: []string{"bind", "ro"}}},
		Process:    container.Process{Args: []string{"/busybox", "echo", "hello"}, Stdout: os.Stdout},
	}
	c, err := container.Create(state, "example", spec, container.CreateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Destroy(true) //nolint:errcheck // an example
	status, _ := c.Status()
	fmt.Println(status)
	end, err := c.Run()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("ended with", end.ExitStatus())
}
