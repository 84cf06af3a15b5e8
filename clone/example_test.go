package clone_test

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
)

// A container of its own, but in the network of another one.
func ExampleNamespaces() {
	var n clone.Namespaces
	for _, t := range []clone.NamespaceType{clone.NEWNS, clone.NEWPID, clone.NEWNET, clone.NEWUTS} {
		n.Add(t, "")
	}
	n.Add(clone.NEWNET, "/proc/4711/ns/net")
	n.Remove(clone.NEWUTS)

	fmt.Println("new:", n.CloneFlags() == unix.CLONE_NEWNS|unix.CLONE_NEWPID)
	fmt.Println("joined:", n.PathOf(clone.NEWNET))
	fmt.Println("own host name:", n.Contains(clone.NEWUTS))
	// Output:
	// new: true
	// joined: /proc/4711/ns/net
	// own host name: false
}

// All namespaces of another process, in the order in which setns must be called.
func ExampleNamespaces_Joins() {
	var n clone.Namespaces
	for _, t := range clone.NamespaceTypes() {
		n.Add(t, "/proc/4711/ns/"+clone.NsName(t))
	}
	for _, j := range n.Joins() {
		fmt.Println(j.Type, j.Path)
	}
	// Output:
	// NEWUSER /proc/4711/ns/user
	// NEWCGROUP /proc/4711/ns/cgroup
	// NEWIPC /proc/4711/ns/ipc
	// NEWUTS /proc/4711/ns/uts
	// NEWNET /proc/4711/ns/net
	// NEWTIME /proc/4711/ns/time
	// NEWPID /proc/4711/ns/pid
	// NEWNS /proc/4711/ns/mnt
}

// What an ordinary user with 65536 subordinate ids maps.
func ExampleIDMaps() {
	m := clone.IDMaps{
		{ContainerID: 0, HostID: 1000, Size: 1},
		{ContainerID: 1, HostID: 100000, Size: 65536},
	}
	if err := m.Validate(); err != nil {
		fmt.Println(err)
	}
	fmt.Print(m.Format())
	host, _ := m.ToHost(33)
	fmt.Println("www-data is", host, "outside")
	// Output:
	// 0 1000 1
	// 1 100000 65536
	// www-data is 100032 outside
}

func ExampleArgs_Check() {
	a := clone.Args{Flags: unix.CLONE_NEWNS | unix.CLONE_FS}
	fmt.Println(a.Check())
	// Output:
	// clone3: CLONE_NEWNS and CLONE_FS: a working directory cannot be shared between two mount namespaces
}
