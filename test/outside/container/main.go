// Container makes a container of a directory with busybox, and does what can be done with one.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
	"golang.org/x/sys/unix"
)

func main() {
	check := func(errs ...error) {
		if err := errors.Join(errs...); err != nil {
			panic(err)
		}
	}
	c, err := container.Create(os.Args[2], "demo", container.Spec{
		Root:       container.Root{Path: os.Args[1]},
		Namespaces: clone.Namespaces{{Type: clone.NEWNS}, {Type: clone.NEWPID}},
		Mounts:     []mounts.Mount{{Destination: "/proc", Type: "proc"}},
		Cgroup:     &container.Cgroup{Path: "/selfcontain-demo"},
		Process:    container.Process{Args: []string{"/busybox", "sleep", "1000"}},
	}, container.CreateOptions{})
	check(err)
	defer c.Destroy(true)   // it ends what still runs, where something fails
	check(c.Exec())         // what has waited since Create executes its program
	state, err := c.State() // container.Load and container.List find it, too
	fmt.Println(state.ID, state.Status, err)
	ps := container.Process{Args: []string{"/busybox", "ps", "-o", "pid,args"}, Stdout: os.Stdout}
	check(c.Start(&ps)) // a further process
	_, err = ps.Wait()
	check(err, ps.Close(), c.Pause(), c.Resume(), c.Signal(unix.SIGKILL, true))
	status, err := c.Wait()
	fmt.Println("ended:", status.Signal(), err)
}
