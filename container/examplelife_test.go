package container_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
)

// busybox is a container whose program is busybox, for root and for an ordinary user. The
// directories are its root file system, and where its state is kept.
func busybox(args ...string) (spec container.Spec, states string, remove func()) {
	dir, err := os.MkdirTemp("", "example")
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "root"), 0o755)
	}
	if err != nil {
		fmt.Println(err)
	}
	spec = container.Spec{
		Root:       container.Root{Path: filepath.Join(dir, "root")},
		Namespaces: clone.Namespaces{{Type: clone.NEWNS}, {Type: clone.NEWPID}},
		Mounts: []mounts.Mount{
			{Destination: "/proc", Type: "proc"},
			{Destination: "/busybox", Source: "/bin/busybox", Options: []string{"bind", "ro"}},
		},
		Process: container.Process{Args: append([]string{"/busybox"}, args...), Stdout: os.Stdout},
	}
	if host, err := container.Probe(); err == nil && host.UID != 0 {
		spec.Namespaces.Add(clone.NEWUSER, "")
		spec.UIDMappings, spec.GIDMappings = container.IDMappings(host)
	}
	return spec, filepath.Join(dir, "states"), func() { os.RemoveAll(dir) }
}

// A container is created, which makes everything and executes nothing yet, then it
// executes its program, and is destroyed when that has ended.
func ExampleCreate() {
	spec, states, remove := busybox("echo", "hello")
	defer remove()
	c, err := container.Create(states, "example", spec, container.CreateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Destroy(true) //nolint:errcheck // an example
	status, err := c.Status()
	fmt.Println(status, err)
	end, err := c.Run()
	fmt.Println("ended with", end.ExitStatus(), err)
	fmt.Println(c.Destroy(false))
	// Output:
	// created <nil>
	// hello
	// ended with 0 <nil>
	// <nil>
}

// Any process of the machine finds a container by its id, as long as it may look into the
// directory of the states.
func ExampleLoad() {
	spec, states, remove := busybox("sleep", "1000")
	defer remove()
	made, err := container.Create(states, "example", spec, container.CreateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer made.Destroy(true) //nolint:errcheck // an example
	list, err := container.List(states)
	fmt.Println(len(list), err)
	c, err := container.Load(states, list[0].ID())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Exec())
	state, err := c.State()
	fmt.Println(state.ID, state.Status, state.Pid != 0, err)
	processes, err := c.Processes()
	fmt.Println(len(processes), err)
	fmt.Println(c.Signal(unix.SIGKILL, false))
	_, err = c.Wait()
	fmt.Println(errors.Is(err, container.NoProcessOps)) // how it has ended is told to who has made it
	fmt.Println(c.Destroy(false))
	// Output:
	// 1 <nil>
	// <nil>
	// example running true <nil>
	// 1 <nil>
	// <nil>
	// true
	// <nil>
}

// A further process is in the namespaces and the cgroup of the container. What it reads
// and writes may be anything.
func ExampleContainer_Start() {
	spec, states, remove := busybox("sleep", "1000")
	defer remove()
	c, err := container.Create(states, "example", spec, container.CreateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Destroy(true) //nolint:errcheck // an example
	if err := c.Exec(); err != nil {
		fmt.Println(err)
		return
	}
	var out strings.Builder
	p := container.Process{
		Args:  []string{"/busybox", "sh", "-c", "cat; echo I am $$; exit 3"},
		Stdin: strings.NewReader("hello\n"), Stdout: &out, Stderr: &out,
	}
	if err := c.Start(&p); err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	end, err := p.Wait()
	fmt.Print(out.String())
	fmt.Println(end.ExitStatus(), err)
	// Output:
	// hello
	// I am 2
	// 3 <nil>
}

// What a further process would do is known before.
func ExampleContainer_Plan() {
	spec, states, remove := busybox("sleep", "1000")
	defer remove()
	c, err := container.Create(states, "example", spec, container.CreateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Destroy(true) //nolint:errcheck // an example
	if err := c.Exec(); err != nil {
		fmt.Println(err)
		return
	}
	plan, err := c.Plan(&container.Process{Args: []string{"/busybox", "id"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range plan.Child.Len() {
		if op := plan.Child.Op(i); strings.HasPrefix(op.Origin, "process.args") {
			fmt.Println(op)
		}
	}
	// Output:
	// execve("/busybox", ["/busybox", "id"], [])
}

// To freeze a container, to limit it and to count what it uses takes a cgroup, which root
// can make, and an ordinary user below one that was given to him. So the output, "paused",
// "50 processes at most" and "true <nil>", is not compared.
func ExampleContainer_Pause() {
	spec, states, remove := busybox("sleep", "1000")
	defer remove()
	spec.Cgroup = &container.Cgroup{Path: "/example"}
	c, err := container.Create(states, "example", spec, container.CreateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Destroy(true) //nolint:errcheck // an example
	if err := errors.Join(c.Exec(), c.Pause()); err != nil {
		fmt.Println(err)
		return
	}
	status, _ := c.Status()
	fmt.Println(status)
	most := int64(50)
	if err := errors.Join(c.Set(cgroupv2.Resources{Pids: &most}), c.Resume()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(most, "processes at most")
	stats, err := c.Stats()
	fmt.Println(stats.CPU.Usage > 0, err)
}

// Errors say what kind they are, and can tell more than their line.
func ExampleError_Detail() {
	spec, states, remove := busybox()
	defer remove()
	spec.Process.Args, spec.Hostname = nil, "box"
	_, err := container.Create(states, "example", spec, container.CreateOptions{})
	var e *container.Error
	if errors.As(err, &e) && errors.Is(err, container.ConfigInvalid) {
		if err := e.Detail(os.Stdout); err != nil {
			fmt.Println(err)
		}
	}
	_, err = container.Load(states, "example")
	fmt.Println(err, errors.Is(err, container.ContainerNotExists))
	// Output:
	// container: example
	// operation: create
	// code: invalid configuration
	// error: hostname: "box": without a uts namespace the container would change the host's
	// error: process.args: there is no program to run
	// example: container does not exist true
}

// A hook may be a function. It is called by who creates, starts or destroys the container.
func ExampleHookFunc() {
	spec, states, remove := busybox("echo", "hello")
	defer remove()
	spec.Hooks.Poststop = []container.Hook{container.HookFunc(func(s *container.State) error {
		fmt.Println(s.ID, "is", s.Status)
		return nil
	})}
	c, err := container.Create(states, "example", spec, container.CreateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := c.Run(); err != nil {
		fmt.Println(err)
	}
	if err := c.Destroy(true); err != nil {
		fmt.Println(err)
	}
	// Output:
	// hello
	// example is stopped
}

// A container that goes with its caller takes half the calls. Others find it by its id as
// long as it lives.
func ExampleAttach() {
	spec, states, remove := busybox("echo", "hello")
	defer remove()
	spec.ParentDeathSignal = unix.SIGKILL
	a, err := container.Attach(states, "example", spec, container.CreateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	end, err := a.Wait()
	fmt.Println("ended with", end.ExitStatus(), errors.Join(err, a.Remove()))
	// Output:
	// hello
	// ended with 0 <nil>
}
