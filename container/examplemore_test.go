package container_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/selfcontain/runtime/container"
)

// A container without a program stays until it is told to end, or its caller has ended. What
// runs in it is executed there.
func ExampleHold() {
	spec, states, remove := busybox()
	defer remove()
	held, err := container.Hold(states, "example", spec, container.CreateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer held.Destroy(true) //nolint:errcheck // an example
	for _, word := range []string{"one", "two"} {
		p := container.Process{Args: []string{"/busybox", "echo", word}, Stdout: os.Stdout}
		if err := held.Start(&p); err != nil {
			fmt.Println(err)
			return
		}
		end, err := p.Wait()
		fmt.Println(end.ExitStatus(), err, p.Close())
	}
	fmt.Println(held.Release(), held.Destroy(true))
	// Output:
	// one
	// 0 <nil> <nil>
	// two
	// 0 <nil> <nil>
	// <nil> <nil>
}

// A start can be watched: when each call of both sides began, and how long it took.
func ExamplePlan_StartTraced() {
	spec, _, remove := busybox("echo", "hello")
	defer remove()
	host, err := container.Probe()
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := container.Compile(spec, host)
	if err != nil {
		fmt.Println(err)
		return
	}
	process, trace, err := plan.StartTraced(container.Stdio{Out: os.Stdout, Err: os.Stderr})
	if err != nil {
		fmt.Println(err) // and the trace says how far it came
		return
	}
	defer process.Close()
	end, err := process.Wait()
	fmt.Println(end.ExitStatus(), err)
	var last container.Event
	for _, e := range trace.Events { // trace.Write prints them
		if e.Side == container.ContainerSide {
			last = e
		}
	}
	fmt.Println(last.Origin, last.Failed)
	// Output:
	// hello
	// 0 <nil>
	// process.args[0] false
}

// The accounts are those of the container's root file system, not of the machine.
func ExampleLookupUser() {
	dir, err := os.MkdirTemp("", "root")
	if err == nil {
		defer os.RemoveAll(dir)
		err = os.Mkdir(filepath.Join(dir, "etc"), 0o755)
	}
	for name, text := range map[string]string{
		"passwd": "root:x:0:0::/root:/bin/sh\nweb:x:33:33::/srv/web:/bin/sh\n",
		"group":  "web:x:33:\nlogs:x:4:web\n",
	} {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "etc", name), []byte(text), 0o644)
		}
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	root, err := os.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer root.Close()
	for _, name := range []string{"web", "web:logs", "1000", "nobody"} {
		user, home, err := container.LookupUser(root, name)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(user.UID, user.GID, user.AdditionalGIDs, home)
	}
	// Output:
	// 33 33 [4] /srv/web
	// 33 4 [] /srv/web
	// 1000 0 [] /
	// user "nobody": etc/passwd has no such user
}

// A hook that is a program reads the state of the container, as JSON. It has no environment but
// its own, and no longer than it is given.
func ExampleCommandHook() {
	spec, states, remove := busybox("echo", "hello")
	defer remove()
	file := filepath.Join(filepath.Dir(states), "seen")
	spec.Bundle = filepath.Dir(states) // its working directory
	spec.Hooks.CreateRuntime = []container.Hook{container.CommandHook{
		Path: "/bin/busybox",
		Args: []string{"busybox", "sh", "-c", "/bin/busybox grep -o '\"status\":\"[a-z]*\"' > " + file},
	}}
	c, err := container.Create(states, "example", spec, container.CreateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Destroy(true) //nolint:errcheck // an example
	seen, err := os.ReadFile(file)
	fmt.Print(string(seen))
	fmt.Println(err)
	_, err = c.Run()
	fmt.Println(err)
	// Output:
	// "status":"creating"
	// <nil>
	// hello
	// <nil>
}

// Whoever has to know that a container needs more memory is told at once. It takes a hierarchy
// of cgroups v2 with the controller memory, so the output is not compared.
func ExampleContainer_NotifyOOM() {
	spec, states, remove := busybox("tail", "/dev/zero") // which keeps all of its only line
	defer remove()
	limit := int64(8 << 20)
	spec.Cgroup = &container.Cgroup{Path: "/example"}
	spec.Cgroup.Resources.Memory.Limit = limit
	c, err := container.Create(states, "example", spec, container.CreateOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Destroy(true) //nolint:errcheck // an example
	events, err := c.NotifyOOM(context.Background())
	if err == nil {
		err = c.Exec()
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	for e := range events { // until the container has ended
		fmt.Println("killed by the kernel:", e.OOMKill)
	}
}
